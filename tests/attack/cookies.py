"""The site's cookies, which a browser sends for every page that asks it to; and chat tokens, which are no sessions."""

from .attack import Attack
from .origins import FOREIGN
from .world import ORIGIN, bearer, decoded, encoded, signed

ANYWHERE = False
LIST = {"type": "threads.list", "params": {}}
START = "/api/chatkit/start"
CHAT_TOKEN = "/api/auth/chat-token"
# Each route that changes something, with a body that it takes.
CHANGES = [
    ("POST", "/chatkit", LIST),
    ("POST", "/api/chat", {"message": "Hello"}),
    ("POST", "/api/chatkit/start", {}),
    ("POST", "/api/chatkit/session", {}),
    ("POST", "/api/chatkit/refresh", {"currentClientSecret": "x"}),
    ("POST", "/api/chatkit/logout", {"everywhere": True}),
    ("POST", CHAT_TOKEN, {}),
    ("POST", "/chatkit/attachments", {}),
    ("DELETE", "/chatkit/threads/thr_1/run", None),
]


def attacks(world):
    token = world.user_token("carol")
    cookie = ("cookie", f"session_token={token}")
    yield Attack("the cookie on a page that is allowed", headers=[cookie, ("origin", ORIGIN)], body=LIST, status=200)
    for method, path, body in CHANGES:
        for name, headers in {
            "another site": [("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")],
            "a sibling": [("origin", "https://other.example.com"), ("sec-fetch-site", "same-site")],
            "a page that hides its origin": [("origin", "null")],
            "nobody says which": [],
            "a link": [("sec-fetch-site", "none"), ("sec-fetch-mode", "navigate")],
            "two pages": [("origin", ORIGIN), ("origin", "https://evil.example")],
        }.items():
            headers = [cookie, *headers]
            yield Attack(f"{method} {path} with the cookie by {name}", method, path, headers, body, status=403, code="forbidden")
    for origin in FOREIGN:
        headers = [cookie, ("origin", origin)]
        yield Attack(f"a list with the cookie by a page of {origin!r}", headers=headers, body=LIST, status=403, code="forbidden")
    yield from other_cookies(world, token)
    yield from in_headers(world, token)


def other_cookies(world, token):
    """Cookies that name nobody."""
    first, second, signature = token.split(".")
    for name, value in {
        "another name in its signature": f"{first}.{encoded(decoded(second) | {'sub': 'bob'})}.{signature}",
        "no signature": f"{encoded({'alg': 'none'})}.{second}.",
        "a session token": world.alice,
        "half of it": token[: len(token) // 2],
        "an opaque text": "0123456789abcdef",
        "quotes": f'"{token}',
        "a percent sign": "%00%ff",
    }.items():
        headers = [("cookie", f"session_token={value}"), ("origin", ORIGIN)]
        yield Attack(f"a cookie with {name}", headers=headers, body=LIST, status=401, code="unauthorized")
    for name in ["Session_token", "session_token2", "__secure-session_token", "__Secure-__Host-session_token", "x-session-token"]:
        headers = [("cookie", f"{name}={token}"), ("origin", ORIGIN)]
        yield Attack(f"the cookie {name!r}", headers=headers, body=LIST, status=401, code="unauthorized")


def in_headers(world, token):
    yield Attack("the token in its header", headers=[("x-session-token", token)], body=LIST, status=200)
    both = [("x-session-token", token), ("authorization", "Bearer a.b.c")]
    yield Attack("a wrong token before a right one", headers=both, body=LIST, status=401, code="unauthorized")
    for name, headers in {
        "a session token in the site's header": [("x-session-token", world.alice)],
        "a session token": bearer(world.alice),
        "a visitor's cookie alone": [("cookie", "chatkit_visitor=x")],
        "nothing": [],
    }.items():
        yield Attack(f"a chat token for {name}", path=CHAT_TOKEN, headers=headers, body={}, status=401, code="unauthorized")
    for body in [{"permissions": ["analytics:read"]}, {"permissions": ["*"]}, {"permissions": [""]}]:
        yield Attack(f"a chat token with {body}", path=CHAT_TOKEN, headers=bearer(token), body=body, status=403, code="forbidden")
    for body in [{"expires_in": 3601}, {"expires_in": 10**18}, {"expires_in": 1e308}, {"permissions": "analytics:read"}]:
        yield Attack(f"a chat token of {body}", path=CHAT_TOKEN, headers=bearer(token), body=body, status=400, code="bad_request")
    answer = yield Attack("a chat token", path=CHAT_TOKEN, headers=bearer(token), body={}, status=200)
    chat_token = answer.json()["token"]
    yield Attack("a chat token in a conversation", headers=bearer(chat_token), body=LIST, status=200)
    first, second, signature = chat_token.split(".")
    more = encoded(decoded(second) | {"permissions": ["analytics:read"]})
    typed = signed(decoded(second), world.jwt_secret, **decoded(first))
    for name, path, token_sent, body in [
        ("starts a session", START, chat_token, {}),
        ("gets another one", CHAT_TOKEN, chat_token, {}),
        ("with more permissions", "/chatkit", f"{first}.{more}.{signature}", LIST),
        ("signed with the site's secret", "/chatkit", typed, LIST),
        ("signed with the site's secret, for a session", START, typed, {}),
    ]:
        headers = bearer(token_sent)
        yield Attack(f"a chat token {name}", path=path, headers=headers, body=body, status=401, code="unauthorized")
    body = {"currentClientSecret": chat_token}
    yield Attack("a chat token is refreshed", path="/api/chatkit/refresh", body=body, status=401, code="unauthorized")


PARTS = [({}, attacks)]
