"""Pages of other origins. What a browser lets them read depends on the headers of the answer."""

from .attack import Attack
from .world import ORIGIN, bearer

ANYWHERE = False
LIST = {"type": "threads.list", "params": {}}
START = "/api/chatkit/start"
FOREIGN = [
    "https://evil.example",
    "https://www.example.com.evil.example",
    "https://evil.example/https://www.example.com",
    "https://example.com",
    "https://www.example.com:8443",
    "https://www.example.com:443",
    "http://www.example.com",
    "https://WWW.example.com",
    "https://www.example.com/",
    "https://xwww.example.com",
    "https://www.example.comx",
    "https://www.example.com, https://evil.example",
    "https://user@www.example.com",
    "https://www.example.com%00.evil.example",
    "https://www.example.com\\@evil.example",
    "null",
    "*",
    "file://",
    "www.example.com",
    "",
]
ROUTES = [
    "/api/chatkit/start",
    "/api/chatkit/session",
    "/api/chatkit/refresh",
    "/api/chatkit/logout",
    "/api/auth/chat-token",
    "/auth/logout",
    "/chatkit",
    "/chatkit/attachments",
    "/api/chat",
    "/api/analytics",
    "/api/usage/me",
    "/health",
]


def attacks(world):
    for origin in FOREIGN:
        headers = [("origin", origin), *bearer(world.alice)]
        yield Attack(
            f"a request of a page of {origin!r}",
            headers=headers,
            body=LIST,
            status=200,
            without=("access-control-allow-origin",),
        )
        yield preflight(f"a preflight of a page of {origin!r}", "/chatkit", origin)
        yield Attack(
            f"a session for a page of {origin!r}",
            path=START,
            headers=[("origin", origin)],
            body={},
            status=403,
            code="forbidden",
            without=("access-control-allow-origin", "set-cookie"),
        )
    for site in ["cross-site", "same-site", "none"]:
        yield Attack(
            f"a session for a page that is {site}",
            path="/api/chatkit/session",
            headers=[
                ("origin", "https://evil.example"),
                ("sec-fetch-site", site),
                ("x-forwarded-host", "evil.example"),
            ],
            body={},
            status=403,
            code="forbidden",
        )
    for path in ROUTES:
        yield preflight(f"a preflight of {path}", path, "https://evil.example")
    yield Attack(
        "two origins",
        headers=[("origin", ORIGIN), ("origin", "https://evil.example"), *bearer(world.alice)],
        body=LIST,
        status=(200, 400),
        without=("evil.example",),
    )
    # What holds for the page that is allowed, so that all of this means something.
    yield Attack(
        "the page that is allowed",
        headers=[("origin", ORIGIN), *bearer(world.alice)],
        body=LIST,
        status=200,
        having=(f"access-control-allow-origin: {ORIGIN}", "vary: origin"),
    )
    for method, path in [("GET", "/nothing"), ("PUT", "/chatkit"), ("GET", "/api/analytics")]:
        yield Attack(
            f"an error for a foreign page, {method} {path}",
            method,
            path,
            [("origin", "https://evil.example")],
            status=(401, 404, 405),
            without=("access-control-allow-origin", "evil.example"),
        )
    # What a form can send.
    for kind in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "text/json",
        "application/json5",
        "application/jsonp",
        "",
    ]:
        headers = [("origin", "https://evil.example"), ("content-type", kind)]
        for path, token in {
            "/chatkit": bearer(world.alice),
            "/api/chat": bearer(world.alice),
            "/api/chatkit/refresh": [],
            "/api/chatkit/logout": [],
        }.items():
            yield Attack(
                f"a form sends {kind!r} to {path}",
                path=path,
                headers=[*headers, *token],
                body=b'{"type":"threads.list","params":{}}',
                status=415,
                code="unsupported_media_type",
            )
        yield Attack(
            f"a form of the allowed page sends {kind!r} to {START}",
            path=START,
            headers=[("origin", ORIGIN), ("content-type", kind)],
            body=b"{}",
            status=415,
            code="unsupported_media_type",
        )
    yield Attack(
        "a body of no type",
        headers=bearer(world.alice),
        body=b'{"type":"threads.list","params":{}}',
        status=415,
        code="unsupported_media_type",
    )
    for method in ["PUT", "PATCH", "TRACE", "CONNECTS", "PROPFIND", "post", "HEAD"]:
        yield Attack(f"the method {method}", method, "/chatkit", bearer(world.alice), status=405)
    yield Attack(
        "another method by a header",
        "GET",
        "/chatkit",
        [("x-http-method-override", "POST"), *bearer(world.alice)],
        status=405,
        code="method_not_allowed",
    )


def preflight(name, path, origin):
    headers = [
        ("origin", origin),
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "authorization,content-type"),
    ]
    return Attack(name, "OPTIONS", path, headers, status=200, without=("access-control-allow-origin",))


PARTS = [({}, attacks)]
