"""Sign-in at this server: answers of the provider that this browser did not ask for, and pages that want the browser back."""

from functools import cache
from urllib.parse import quote, urlencode

from .attack import Attack
from .origins import FOREIGN
from .provider import CLIENT_ID, CLIENT_SECRET, Provider
from .world import ORIGIN, SIGNING_SECRET, decoded, encoded, signed

ANYWHERE = False
LOGIN, CALLBACK, LOGOUT = "/auth/login", "/auth/callback", "/auth/logout"
PENDING, SIGNED_IN = "chatkit_pending_login", "chatkit_login"
LIST = {"type": "threads.list", "params": {}}
# What an attacker writes into an answer. No part of ours may have it.
CANARY = "canary-of-the-attacker"
ELSEWHERE = [
    "//evil.example",
    "///evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "/\t/evil.example",
    "/\n/evil.example",
    "\t//evil.example",
    "\x00//evil.example",
    "/\r/evil.example",
    "https://evil.example",
    "https:\\\\evil.example",
    "HtTpS://evil.example",
    f"{ORIGIN}@evil.example",
    f"{ORIGIN}.evil.example",
    f"{ORIGIN}%2eevil.example",
    f"{ORIGIN}:8443/",
    f"https://evil.example\\@{ORIGIN.removeprefix('https://')}",
    f"https://evil.example#{ORIGIN}",
    f"https://evil.example?{ORIGIN}",
    ORIGIN.replace("https", "http"),
    ORIGIN.replace("//", "//user:password@"),
    "https://www。evil。example",
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)//https://www.example.com",
    "data:text/html,<script>alert(1)</script>",
    "vbscript:x",
    "file:///etc/passwd",
    f"blob:{ORIGIN}/x",
    f"view-source:{ORIGIN}",
    f"/{'a' * 2000}",
]


@cache
def provider():
    return Provider()


def begin(query=""):
    """A sign-in begins in a browser: its cookie, and where it is sent."""
    having = ("HttpOnly", "SameSite=Lax", "Path=/", "code_challenge_method=S256", "&nonce=", "&state=")
    answer = yield Attack(f"a sign-in begins {query}", "GET", LOGIN + query, status=303, having=having)
    return answer.header("set-cookie").split(";")[0], answer.header("location")


def asked_for(user="mallory"):
    """The cookie of a sign-in, and the provider's answer to it."""
    cookie, location = yield from begin()
    return cookie, provider().answer(location, user)


def comes_back(name, cookie, answer, status=400, code="bad_request", without=()):
    """It signs no one in."""
    headers = [("cookie", cookie)] if cookie else []
    # A list, where a field comes twice.
    path = f"{CALLBACK}?{urlencode(answer)}"
    return Attack(name, "GET", path, headers, status=status, code=code, without=(f"{SIGNED_IN}=ey", CANARY, *without))


def attacks(world):
    yield from other_browsers()
    yield from other_codes()
    yield from other_providers()
    yield from other_tokens()
    yield from errors()
    yield from other_pages(world)
    yield from other_cookies()
    yield from too_large()


def other_browsers():
    """Login CSRF: the answer to a sign-in of another browser."""
    others_cookie, others = yield from asked_for()
    cookie, own = yield from asked_for("alice")
    asked_before = len(provider().asked)
    for name, sent, answer in [
        ("another browser's answer", cookie, others),
        ("another browser's answer, in a browser that asked for none", None, others),
        ("one's own answer without the cookie", None, own),
        ("one's own answer with another browser's cookie", others_cookie, own),
        ("another browser's code with one's own state, without the cookie", None, own | {"code": others["code"]}),
        ("no state", cookie, {"code": own["code"], "iss": own["iss"]}),
        ("an empty state", cookie, own | {"state": ""}),
        ("a state in capitals", cookie, own | {"state": own["state"].upper()}),
        ("a state that is cut", cookie, own | {"state": own["state"][:-1]}),
        ("a longer state", cookie, own | {"state": own["state"] + "0"}),
        ("another browser's state", cookie, own | {"state": others["state"]}),
        ("two states", cookie, [*own.items(), ("state", others["state"])]),
        ("two codes", cookie, [*own.items(), ("code", others["code"])]),
    ]:
        yield comes_back(name, sent, answer)
    for name, changed in forged(cookie.partition("=")[2]).items():
        yield comes_back(f"a cookie {name}", f"{PENDING}={changed}", own)
    if len(provider().asked) != asked_before:
        raise AssertionError("a code was sent to the provider")
    for method in ["POST", "PUT", "DELETE"]:
        for path in [LOGIN, CALLBACK]:
            yield Attack(f"{method} {path}", method, path, [("cookie", cookie)], own, status=405, code="method_not_allowed")
    yield Attack("GET of the sign-out", "GET", LOGOUT, status=405, code="method_not_allowed")
    # None of that has ended the sign-in that is the browser's own.
    answer = yield comes_back_well(cookie, own)
    copied = answer.header("set-cookie").split(";")[0]
    yield comes_back("the answer again", f"{cookie}; {copied}", own)
    yield comes_back("the answer again, with a copy of the cookie", cookie, own)


def comes_back_well(cookie, answer):
    having = ("location: " + ORIGIN, f"{SIGNED_IN}=ey", f"{PENDING}=;", "Max-Age=0", "HttpOnly", "SameSite=Lax")
    return Attack(
        "a browser's own answer",
        "GET",
        f"{CALLBACK}?{urlencode(answer)}",
        [("cookie", cookie)],
        status=303,
        having=having,
        without=("evil.example", "location: " + ORIGIN + "/?"),
    )


def forged(token):
    first, second, signature = token.split(".")
    claims = decoded(second) | {"return_to": "https://evil.example/"}
    return {
        "with another page under the same signature": f"{first}.{encoded(claims)}.{signature}",
        "without a signature": f"{encoded(decoded(first) | {'alg': 'none'})}.{encoded(claims)}.",
        "signed with another key": signed(claims, "a key of thirty-two bytes or more, not ours", **decoded(first)),
        "signed with the client's secret": signed(claims, CLIENT_SECRET, **decoded(first)),
        "of another type, with the genuine key": signed(
            claims, SIGNING_SECRET, **(decoded(first) | {"typ": "chatkit-visitor+jwt"})
        ),
        "that is empty": "",
        "that is none": "x",
    }


def other_codes():
    """Code injection: PKCE binds a code to the sign-in that asked for it."""
    _, stolen = yield from asked_for("alice")
    for name, code in {
        "a stolen code": stolen["code"],
        "a code that was used": provider().asked[-1]["code"],
        "a code that the provider does not know": "x",
        "a code that is empty": "",
        "a code with other fields in it": "x&client_id=other&grant_type=password",
    }.items():
        cookie, own = yield from asked_for()
        yield comes_back(name, cookie, own | {"code": code}, without=("canary-of-the-provider",))
    cookie, own = yield from asked_for()
    implicit = {"state": own["state"], "iss": own["iss"], "access_token": "x"}
    implicit["id_token"] = provider().sign({"sub": "alice", "aud": CLIENT_ID, "iss": own["iss"]})
    yield comes_back("tokens in the place of a code", cookie, implicit)


def other_providers():
    """Mix-up: the code of another provider must not be sent to this one, nor this one's elsewhere (RFC 9207)."""
    for issuer in ["https://evil.example", "", "null", f"{provider().issuer}/", provider().issuer.upper(), None]:
        cookie, own = yield from asked_for()
        asked_before = len(provider().asked)
        answer = {name: value for name, value in (own | {"iss": issuer}).items() if value is not None}
        yield comes_back(f"an answer of the issuer {issuer!r}", cookie, answer)
        if len(provider().asked) != asked_before:
            raise AssertionError("a code was sent to the provider")
    cookie, own = yield from asked_for()
    yield comes_back("two issuers", cookie, [*own.items(), ("iss", "https://evil.example")])


def other_tokens():
    """ID tokens that are not of this sign-in."""
    issuer = provider().issuer
    public = provider().jwks["keys"][0]["x"]
    genuine = provider().sign
    for name, claims in {
        "no nonce": {"nonce": None},
        "an empty nonce": {"nonce": ""},
        "the nonce of another sign-in": {"nonce": "0" * 64},
        "two nonces": {"nonce": ["0" * 64]},
        "another issuer": {"iss": "https://evil.example"},
        "an issuer with a slash": {"iss": f"{issuer}/"},
        "a list of issuers": {"iss": [issuer]},
        "no issuer": {"iss": None},
        "another audience": {"aud": "another-client"},
        "no audience": {"aud": None},
        "two audiences and no party": {"aud": [CLIENT_ID, "another-client"]},
        "another party": {"azp": "another-client"},
        "an end long ago": {"exp": 0},
        "no end": {"exp": None},
        "a beginning tomorrow": {"nbf": 2**40},
        "no subject": {"sub": None},
        "an empty subject": {"sub": ""},
        "a visitor as subject": {"sub": "vis_01M7WD7TG0S7D2SWSN2WVP89EK"},
        "a long subject": {"sub": "x" * 257},
        "claims that no cookie can hold": {"permissions": ["x" * 4000]},
    }.items():
        provider().claims = claims
        cookie, own = yield from asked_for()
        yield comes_back(f"an ID token with {name}", cookie, own, 502, "upstream_error")
    provider().claims = {}
    for name, forge in {
        "without a signature": lambda claims: f"{encoded({'alg': 'none', 'kid': 'one'})}.{encoded(claims)}.",
        "signed with the client's secret": lambda claims: signed(claims, CLIENT_SECRET, kid="one"),
        "signed with the public key as a secret": lambda claims: signed(claims, public, kid="one"),
        "with a name under another's signature": lambda claims: grafted(genuine(claims), claims | {"sub": "alice"}),
        "with its own key": lambda claims: signed(claims, "mine", kid="one", jwk={"kty": "oct", "k": "bWluZQ"}),
        "of an unknown key": lambda claims: genuine(claims).replace(
            encoded({"alg": "ES256", "kid": "one"}), encoded({"alg": "ES256", "kid": "two"})
        ),
        "that is none": lambda _: CANARY,
        "that is encrypted": lambda _: "a.b.c.d.e",
        "that is empty": lambda _: "",
        "that is too large": lambda claims: genuine(claims | {"groups": "x" * 200_000}),
    }.items():
        provider().forge = forge
        cookie, own = yield from asked_for()
        yield comes_back(f"an ID token {name}", cookie, own, 502, "upstream_error")
    provider().forge = None


def grafted(token, claims):
    first, _, signature = token.split(".")
    return f"{first}.{encoded(claims)}.{signature}"


def errors():
    """Anyone can write the texts of an answer."""
    text = f"<script>{CANARY}</script>"
    described = {"error_description": text, "error_uri": f"https://evil.example/{CANARY}", "session_state": CANARY}
    for error in ["server_error", text, f"{CANARY}\r\nset-cookie: a=b", "", "%00", "login_required", "x" * 3000]:
        cookie, own = yield from asked_for()
        answer = own | described | {"error": error}
        yield comes_back(f"the error {error[:40]!r}", cookie, answer, 502, "upstream_error", without=("xxxx",))
        yield comes_back(f"the error {error[:40]!r} without the cookie", None, answer)
    cookie, own = yield from asked_for()
    refused = comes_back("a refusal with texts", cookie, own | described | {"error": "access_denied"}, 303, None)
    answer = yield refused
    if answer.header("location") != f"{ORIGIN}/?sign_in_error=access_denied":
        raise AssertionError(f"the browser is sent to {answer.header('location')}")


def other_pages(world):
    """Open redirects."""
    for page in ELSEWHERE:
        for method, path in [("GET", LOGIN), ("POST", LOGOUT)]:
            yield Attack(
                f"{method} {path} back to {page[:60]!r}",
                method,
                f"{path}?return_to={quote(page, safe='')}",
                status=400,
                code="bad_request",
                without=("location:", "set-cookie:", "evil.example"),
            )
    twice = f"{LOGIN}?return_to=/&return_to=//evil.example"
    yield Attack("two pages to return to", "GET", twice, status=400, code="bad_request", without=("location:",))
    for name, value in {
        "x-forwarded-host": "evil.example",
        "x-forwarded-proto": "javascript",
        "forwarded": "host=evil.example",
        "x-original-url": "//evil.example",
        "referer": "https://evil.example/",
        "origin": "https://evil.example",
    }.items():
        yield Attack(
            f"a sign-in with the header {name}", "GET", LOGIN, [(name, value)], status=303, without=("evil.example", "javascript")
        )
    cookie, own = yield from asked_for()
    yield comes_back_well(cookie, own | {"return_to": "https://evil.example", "redirect_uri": "https://evil.example"})
    for origin in FOREIGN:
        headers = [("origin", origin), ("sec-fetch-site", "cross-site")]
        yield Attack(f"a sign-out by a page of {origin!r}", "POST", LOGOUT, headers, status=403, code="forbidden")


def other_cookies():
    """A cookie counts for what it was made for."""
    pending, own = yield from asked_for("alice")
    answer = yield comes_back_well(pending, own)
    signed_in = answer.header("set-cookie").split(";")[0].partition("=")[2]
    first, second, signature = signed_in.split(".")
    page = ("origin", ORIGIN)
    yield Attack("the cookie", headers=[("cookie", f"{SIGNED_IN}={signed_in}"), page], body=LIST, status=200)
    for name, cookie in {
        "the cookie of a sign-in that goes on": f"{SIGNED_IN}={pending.partition('=')[2]}",
        "under a name in capitals": f"{SIGNED_IN.upper()}={signed_in}",
        "under the name with HTTPS": f"__Host-{SIGNED_IN}={signed_in}",
        "under the name of a visitor's": f"chatkit_visitor={signed_in}",
        "under the site's name": f"session_token={signed_in}",
        "with another name in its signature": f"{SIGNED_IN}={first}.{encoded(decoded(second) | {'sub': 'bob'})}.{signature}",
        "without a signature": f"{SIGNED_IN}={encoded({'alg': 'none'})}.{second}.",
        "that is cut": f"{SIGNED_IN}={signed_in[:-4]}",
        "of another path, in an attribute": f"$Path=/evil; {SIGNED_IN}=x",
    }.items():
        yield Attack(f"a cookie {name}", headers=[("cookie", cookie), page], body=LIST, status=401, code="unauthorized")
    for name, headers in {
        "as a token": [("authorization", f"Bearer {signed_in}")],
        "in the site's header": [("x-session-token", signed_in)],
    }.items():
        yield Attack(f"the cookie {name}", headers=headers, body=LIST, status=401, code="unauthorized")
    cookie = ("cookie", f"{SIGNED_IN}={signed_in}")
    for origin in FOREIGN:
        yield Attack(f"the cookie by a page of {origin!r}", headers=[cookie, ("origin", origin)], body=LIST, status=403)
    as_pending = f"{PENDING}={signed_in}"
    _, other = yield from asked_for()
    yield comes_back("a cookie of a person as that of a sign-in", as_pending, other)
    signed_out = Attack("a sign-out", "POST", LOGOUT, [cookie, page], status=200, having=(f"{SIGNED_IN}=;", "Max-Age=0"))
    yield signed_out
    copied = [cookie, page]
    yield Attack("a copy of the cookie after that", headers=copied, body=LIST, status=401, code="unauthorized")


def too_large():
    cookie, own = yield from asked_for()
    refused = (400, 414, 431)
    for field in ["code", "state", "iss", "error", "session_state"]:
        answer = own | {field: "x" * 200_000}
        yield Attack(f"a large {field}", "GET", f"{CALLBACK}?{urlencode(answer)}", [("cookie", cookie)], status=refused)
    many = [("cookie", "; ".join(f"{PENDING}={number}" for number in range(5000)))]
    yield Attack("many cookies", "GET", f"{CALLBACK}?{urlencode(own)}", many, status=refused)
    for size in [5_000, 60_000]:
        headers = [("cookie", f"{PENDING}={'x' * size}")]
        yield Attack(f"a cookie of {size} bytes", "GET", f"{CALLBACK}?{urlencode(own)}", headers, status=refused)
    # The sign-in goes on, whatever stands beside its cookie.
    yield comes_back_well(f"{PENDING}=x; {cookie}; {PENDING}=y", own)


def lies(_):
    """A provider that is not what `OIDC_ISSUER` says: no sign-in begins."""
    yield Attack("a sign-in", "GET", LOGIN, status=502, code="upstream_error", without=("location:", "evil.example"))


PARTS = [
    (lambda: provider().variables, attacks),
    (lambda: Provider(issuer="https://evil.example").variables, lies),
    (lambda: Provider(token_endpoint="http://evil.example/token").variables, lies),
    (lambda: Provider(jwks_uri="file:///etc/passwd").variables, lies),
    (lambda: Provider(authorization_endpoint="javascript:alert(1)").variables, lies),
]
