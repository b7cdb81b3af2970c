"""Sessions that a thief has a copy of, and sessions that were ended."""

from .attack import Attack
from .world import decoded

ANYWHERE = True
START = "/api/chatkit/start"
REFRESH = "/api/chatkit/refresh"
LOGOUT = "/api/chatkit/logout"


def attacks(world):
    def exchange(name, secret, status=200, **wanted):
        code = "unauthorized" if status == 401 else None
        return Attack(name, path=REFRESH, body={"currentClientSecret": secret}, status=status, code=code, **wanted)

    first = world.call("POST", START, {}).json()["client_secret"]
    second = (yield exchange("an exchange", first)).json()["client_secret"]
    for number in range(5):
        yield exchange(f"copy {number} of an exchange", first, having=(second,))
    third = (yield exchange("the next exchange", second)).json()["client_secret"]
    yield exchange("an exchange of what was exchanged long ago", first, 401)
    for name, secret in {"the thief's": second, "the visitor's": third}.items():
        yield exchange(f"an exchange of {name} after that", secret, 401)
    started = world.call("POST", START, {})
    secret, cookie = started.json()["client_secret"], started.header("set-cookie").split(";")[0]
    yield Attack("a logout", path=LOGOUT, body={"currentClientSecret": secret}, status=204, having=("Max-Age=0",))
    yield exchange("an exchange after a logout", secret, 401)
    other = world.call("POST", START, {}).json()["client_secret"]
    yield Attack(
        "a logout everywhere of somebody else",
        path=LOGOUT,
        body={"currentClientSecret": other, "everywhere": True},
        status=204,
    )
    yield Attack(
        "a logout everywhere", path=LOGOUT, body={"currentClientSecret": secret, "everywhere": True}, status=204
    )
    answer = yield Attack(
        "the cookie after a logout everywhere", path=START, headers=[("cookie", cookie)], body={}, status=200
    )
    if decoded(answer.json()["client_secret"].split(".")[1])["sub"] == decoded(secret.split(".")[1])["sub"]:
        raise AssertionError("the cookie is still good after a logout everywhere")


PARTS = [({}, attacks)]
