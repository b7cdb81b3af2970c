"""Identity: tokens that nobody here has made, tokens in the wrong place, people who claim to be others."""

import json
import time
from urllib.parse import urlencode

from .attack import Attack
from .world import JWT_SECRET, SIGNING_SECRET, base64_of, bearer, decoded, encoded, signed

ANYWHERE = True
LIST = {"type": "threads.list", "params": {}}
SAID = {
    "user-id": "bob",
    "org-id": "other",
    "tenant-id": "other",
    "tenant": "other",
    "plan": "enterprise",
    "permissions": "admin",
    "role": "admin",
    "forwarded-user": "bob",
    "forwarded-email": "bob@example.com",
}
START = "/api/chatkit/start"
REFRESH = "/api/chatkit/refresh"
LOGOUT = "/api/chatkit/logout"


def attacks(world):
    yield from without_a_token(world)
    for name, token in forged_sessions(world):
        yield refused(f"session: {name}", bearer(token))
        yield Attack(
            f"refresh: {name}", path=REFRESH, body={"currentClientSecret": token}, status=401, code="unauthorized"
        )
    if world.jwt_secret:
        for name, token in forged_user_tokens(world):
            yield refused(f"user token: {name}", bearer(token))
            yield Attack(
                f"start with user token: {name}",
                path=START,
                headers=bearer(token),
                body={},
                status=401,
                code="unauthorized",
            )
        yield from in_the_wrong_place(world)
    yield from without_permission(world)


def refused(name, headers, **fields):
    return Attack(name, headers=headers, body=LIST, status=401, code="unauthorized", **fields)


def without_a_token(world):
    for method, path in [
        ("POST", "/chatkit"),
        ("POST", "/api/chat"),
        ("POST", "/chatkit/attachments"),
        ("GET", "/api/analytics"),
        ("GET", "/api/usage/me"),
        ("GET", "/chatkit/threads/thr_1/run"),
        ("DELETE", "/chatkit/threads/thr_1/run"),
    ]:
        yield Attack(
            f"{method} {path} by nobody",
            method,
            path,
            body=None if method != "POST" else {},
            status=401,
            code="unauthorized",
        )
    for name, headers in {
        "an empty header": [("authorization", "")],
        "a scheme alone": [("authorization", "Bearer")],
        "an empty token": [("authorization", "Bearer ")],
        "another scheme": [("authorization", f"Basic {base64_of(b'alice:secret')}")],
        "the token as a scheme": [("authorization", world.alice)],
        "a token of another kind": [("authorization", f"Token {world.alice}")],
        "a list of tokens": [("authorization", f"Bearer null, Bearer {world.alice}")],
        "letters beyond ASCII": [("authorization", "Bearer ü😀")],
        "a very long token": bearer("a" * 8000),
        "a token of a thousand parts": bearer("." * 1000),
        "the developer's header": [("x-user-id", "alice")],
        "headers of proxies": [
            ("x-forwarded-user", "alice"),
            ("x-remote-user", "alice"),
            ("x-amzn-oidc-identity", "alice"),
        ],
        "the authoriser of API Gateway": [
            ("x-amzn-request-context", json.dumps({"authorizer": {"principalId": "alice"}}))
        ],
        "the token in a cookie": [
            ("cookie", f"authorization={world.alice}; session={world.alice}; token={world.alice}")
        ],
        "the token as a cookie of a visitor": [
            ("cookie", f"chatkit_visitor={world.alice}; __Host-chatkit_visitor={world.alice}")
        ],
        "the token in another header": [("x-access-token", world.alice), ("x-api-key", world.alice)],
    }.items():
        yield refused(name, headers)
    yield Attack(
        "the token in the address",
        path=f"/chatkit?access_token={world.alice}&token={world.alice}",
        body=LIST,
        status=401,
        code="unauthorized",
        without=(world.alice,),
    )
    yield Attack(
        "the token in the body",
        body=LIST | {"access_token": world.alice, "authorization": f"Bearer {world.alice}"},
        status=401,
        code="unauthorized",
    )


def forged_sessions(world):
    """Everything that can be done to a genuine token without its key."""
    genuine = world.alice
    first, second, signature = genuine.split(".")
    header, claims = decoded(first), decoded(second)

    def with_header(**changes):
        return f"{encoded(header | changes)}.{second}.{signature}"

    def by_us(key, algorithm="sha256", claims=claims, **changes):
        return signed(claims, key, algorithm, **(header | changes))

    yield "other claims under the same signature", f"{first}.{encoded(claims | {'sub': 'bob'})}.{signature}"
    yield "no longer a visitor", f"{first}.{encoded(claims | {'anonymous': False, 'tenant': 'other'})}.{signature}"
    for none in ["none", "None", "NONE", "nOnE", ""]:
        unsigned = encoded(header | {"alg": none})
        yield f"the algorithm `{none}` without a signature", f"{unsigned}.{second}."
        yield f"the algorithm `{none}` with the signature", f"{unsigned}.{second}.{signature}"
    yield "no signature", f"{first}.{second}."
    yield "two parts", f"{first}.{second}"
    yield "four parts", f"{genuine}.{signature}"
    yield "five parts, as if encrypted", f"{encoded({'alg': 'dir', 'enc': 'A128GCM'})}..{second}.{second}.{signature}"
    yield "a signature that is cut", genuine[:-1]
    yield "padding", f"{genuine}="
    yield "a signature of zeros", f"{first}.{second}.{base64_of(bytes(32))}"
    yield "an empty key", by_us("")
    yield "the key `secret`", by_us("secret")
    yield "its own header as key", by_us(first)
    yield "the id of the key as key", by_us(str(header.get("kid")))
    yield "HS384", by_us("guess", "sha384", alg="HS384")
    yield "HS512", by_us("guess", "sha512", alg="HS512")
    for algorithm in ["RS256", "ES256", "EdDSA", "PS256"]:
        yield algorithm, with_header(alg=algorithm)
    for name, kid in {
        "a path": "../../../../dev/null",
        "SQL": "x' UNION SELECT 'secret';--",
        "a command": "|id",
        "an address": "http://evil.example/key",
        "a list": [header.get("kid")],
        "empty": "",
        "long": "k" * 4000,
    }.items():
        yield f"the id of a key is {name}", with_header(kid=kid)
        yield f"signed by us, the id of the key is {name}", by_us("", kid=kid)
    yield "its own key in the header", by_us("mine", jwk={"kty": "oct", "k": base64_of(b"mine")})
    yield (
        "an address of keys in the header",
        by_us("mine", jku="http://evil.example/keys", x5u="http://evil.example/cert"),
    )
    yield "a header of another type", with_header(typ="JWT")
    yield "no header", f".{second}.{signature}"
    yield "a header that is a list", f"{encoded([])}.{second}.{signature}"
    yield "claims that are no JSON", f"{first}.{base64_of(b'{')}.{signature}"
    if not world.is_ours:
        return
    # With the genuine key: what is signed is still not taken for anything.
    for name, changes in {
        "of another issuer": {"iss": "somebody"},
        "for another audience": {"aud": "chatkit-visitor"},
        "without an issuer": {"iss": None},
        "without an audience": {"aud": None},
        "without an end": {"exp": None},
        "with an end beyond the calendar": {"exp": 2**63 - 1},
        "that began before the calendar": {"auth_time": -(2**63)},
        "of nobody": {"sub": ""},
        "of somebody too long": {"sub": "x" * 257},
        "of no tenant": {"tenant": ""},
        "of a number": {"sub": 7},
    }.items():
        changed = {name: value for name, value in (claims | changes).items() if value is not None}
        yield f"a genuine signature on a token {name}", by_us(SIGNING_SECRET, claims=changed)
    yield "a genuine signature with SHA-512", by_us(SIGNING_SECRET, "sha512", alg="HS512")
    yield "a genuine signature by an unknown key", by_us(SIGNING_SECRET, kid="0123456789abcdef")
    yield "the site's key", by_us(JWT_SECRET)


def forged_user_tokens(world):
    now = int(time.time())
    claims = world.claims("mallory")
    secret = world.jwt_secret
    token = world.user_token("mallory")
    first, second, signature = token.split(".")
    yield "another key", signed(claims, "a key of thirty-two bytes or more, not ours")
    yield "no key", signed(claims, "")
    yield "other claims under the same signature", f"{first}.{encoded(claims | {'sub': 'alice'})}.{signature}"
    for none in ["none", "None", "NONE"]:
        yield f"the algorithm `{none}`", f"{encoded({'alg': none, 'typ': 'JWT'})}.{second}."
    yield "HS384", signed(claims, secret, "sha384", alg="HS384")
    yield "HS512", signed(claims, secret, "sha512", alg="HS512")
    yield "HS256 in small letters", signed(claims, secret, alg="hs256")
    yield "no algorithm", signed(claims, secret, alg=None)
    for name, changes in {
        "ended": {"exp": now - 60},
        "ended long ago": {"exp": 0},
        "ended before time began": {"exp": -1},
        "without an end": {"exp": None},
        "whose end is a text": {"exp": "tomorrow"},
        "whose end is a number as text": {"exp": str(now + 600)},
        "whose end is true": {"exp": True},
        "whose end is a list": {"exp": [now + 600]},
        "good from tomorrow on": {"nbf": now + 86400},
        "of nobody": {"sub": ""},
        "without a subject": {"sub": None},
        "of a number": {"sub": 7},
        "of a list": {"sub": ["alice"]},
        "of an object": {"sub": {"id": "alice"}},
        "of somebody too long": {"sub": "x" * 257},
        "of no tenant": {"tenant": ""},
        "of a tenant too long": {"tenant": "x" * 257},
        "of a list of tenants": {"tenant": ["default"]},
        "whose permissions are a text": {"permissions": "analytics:read"},
        "whose scope is a list": {"scope": ["analytics:read"]},
    }.items():
        yield f"a token {name}", world.user_token("mallory", **changes)
    if world.issuer:
        for name, issuer in {
            "another issuer": "https://evil.example",
            "an issuer that begins alike": world.issuer + ".evil.example",
            "no issuer": None,
            "a list of issuers": [world.issuer],
            "a list of issuers with another one": ["https://evil.example", world.issuer],
        }.items():
            yield name, world.user_token("mallory", iss=issuer)
    if world.audience:
        for name, audience in {
            "another audience": "other",
            "no audience": None,
            "a list of other audiences": ["other"],
            "a part of the audience": world.audience[:-1],
        }.items():
            yield name, world.user_token("mallory", aud=audience)
    visitor = decoded(world.call("POST", START, {}).json()["client_secret"].split(".")[1])["sub"]
    for tenant in ["default", "other"]:
        yield f"a token of a visitor, in the tenant {tenant}", world.user_token(visitor, tenant=tenant)
    for name, header in {
        "payload that is not encoded": {"crit": ["b64"], "b64": False},
        "extension": {"crit": ["http://evil.example/ext"], "http://evil.example/ext": 1},
        "nothing critical": {"crit": []},
        "`b64` alone": {"b64": False},
    }.items():
        yield f"a header that must be understood: {name}", signed(claims, secret, **header)
    for typ in ["chatkit-session+jwt", "chatkit-visitor+jwt"]:
        yield f"a token that calls itself {typ}", signed(claims | {"tenant": "default"}, secret, typ=typ)


def in_the_wrong_place(world):
    visitor = world.call("POST", START, {})
    cookie = visitor.header("set-cookie").split(";")[0]
    session, value = visitor.json()["client_secret"], cookie.partition("=")[2]
    user = world.user_token("alice")
    for name, token in {
        "a visitor's session": session,
        "a user's session": world.alice,
        "a visitor's cookie": value,
    }.items():
        yield Attack(f"start with {name}", path=START, headers=bearer(token), body={}, status=401, code="unauthorized")
    yield from what_a_browser_writes(user)
    yield refused("a visitor's cookie as a token", bearer(value))
    yield refused("a visitor's cookie alone", [("cookie", cookie)])
    for name, token in {"a user token": user, "a visitor's cookie": value}.items():
        yield Attack(
            f"refresh of {name}", path=REFRESH, body={"currentClientSecret": token}, status=401, code="unauthorized"
        )
    yield Attack(
        "refresh of a user's session by nobody",
        path=REFRESH,
        body={"currentClientSecret": world.alice},
        status=401,
        code="unauthorized",
    )
    for name, token in {
        "another user": user,
        "a user of another tenant": world.user_token("alice", tenant="other"),
    }.items():
        yield Attack(
            f"refresh of a user's session by {name}",
            path=REFRESH,
            headers=bearer(token),
            body={"currentClientSecret": world.alice},
            status=401,
            code="unauthorized",
        )
    yield Attack(
        "refresh of a visitor's session by a user",
        path=REFRESH,
        headers=bearer(user),
        body={"currentClientSecret": session},
        status=401,
        code="unauthorized",
    )
    for name, body in {
        "a user token": {"currentClientSecret": user},
        "a visitor's cookie": {"currentClientSecret": value},
        "nothing": {},
        "nothing, everywhere": {"everywhere": True},
        "a user's session, everywhere": {"currentClientSecret": world.alice, "everywhere": True},
    }.items():
        yield Attack(f"logout with {name}", path=LOGOUT, body=body, status=(400, 401))
    yield Attack(
        "logout of a user, everywhere, by another one",
        path=LOGOUT,
        headers=bearer(world.user_token("bob")),
        body={"currentClientSecret": world.alice, "everywhere": True},
        status=401,
        code="unauthorized",
    )
    owner = decoded(session.split(".")[1])["sub"]
    for name, forged in {
        "a session as a cookie": world.alice,
        "a user token as a cookie": user,
        "the visitor's id as a cookie": owner,
        "a cookie with another signature": value[:-4] + "AAAA",
    }.items():
        headers = [("cookie", f"chatkit_visitor={forged}; __Host-chatkit_visitor={forged}")]
        answer = yield Attack(name, path=START, headers=headers, body={}, status=200)
        found = decoded(answer.json()["client_secret"].split(".")[1])["sub"]
        if found in (owner, "alice"):
            raise AssertionError(f"{name}: the visitor is {found}")


def what_a_browser_writes(user):
    """Headers, a body and an address change neither who a user is, nor whose, nor what they may do."""
    said = {"userId": "bob", "user": "bob", "tenant": "other", "plan": "enterprise", "workflow": {"id": "wf_1"}}
    headers = [(f"x-{name}", value) for name, value in SAID.items()]
    for name, path, more, body in [
        ("headers", START, headers, {}),
        ("a body", START, [], said),
        ("an address", f"{START}?{urlencode(said)}", [], {}),
    ]:
        attack = Attack(f"a user and {name} that say more", path=path, headers=[*bearer(user), *more], body=body, status=200)
        answer = yield attack
        claims = decoded(answer.json()["client_secret"].split(".")[1])
        if (claims["sub"], claims["tenant"]) != ("alice", "default") or {"enterprise", "admin"} & set(str(claims).split("'")):
            raise AssertionError(f"{name} are believed: {claims}")


def without_permission(world):
    for name, token in {
        "a session": world.alice,
        **({"a user without it": world.user_token("carol")} if world.jwt_secret else {}),
    }.items():
        yield Attack(f"analytics by {name}", "GET", "/api/analytics", bearer(token), status=403, code="forbidden")
        yield Attack(
            f"analytics by {name} with a header",
            "GET",
            "/api/analytics",
            [*bearer(token), ("x-permissions", "analytics:read"), ("x-user-id", "admin")],
            status=403,
            code="forbidden",
        )
        yield Attack(
            f"analytics by {name} with a query",
            "GET",
            "/api/analytics?permissions=analytics:read&tenant=default",
            bearer(token),
            status=403,
            code="forbidden",
        )
    if world.jwt_secret:
        for permission in ["analytics", "analytics:*", "ANALYTICS:READ", "analytics:read ", "*", "analytics:readx", ""]:
            token = world.user_token("carol", permissions=[permission])
            # Only a scope is split at its spaces.
            yield Attack(
                f"analytics by the permission {permission!r}",
                "GET",
                "/api/analytics",
                bearer(token),
                status=403,
                code="forbidden",
            )


PARTS = [({}, attacks)]
