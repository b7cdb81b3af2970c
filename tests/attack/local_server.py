"""The server on a developer's machine, which every page in the developer's browser can ask."""

from .attack import Attack
from .world import bearer

ANYWHERE = False
LIST = {"type": "threads.list", "params": {}}


def attacks(world):
    port = world.parts.port
    for host in [
        "evil.example",
        f"evil.example:{port}",
        f"localhost.evil.example:{port}",
        f"127.0.0.1.nip.io:{port}",
        f"xlocalhost:{port}",
        f"127.0.0.2:{port}",
        f"[::2]:{port}",
        "0.0.0.0",
        "169.254.169.254",
        "",
    ]:
        for path in ["/", "/playground.json", "/health", "/ws"]:
            yield Attack(
                f"GET {path} of the host {host!r}",
                "GET",
                path,
                [("host", host)],
                status=(400, 421),
                without=("<html", '"version"'),
            )
        yield Attack(
            f"a request of the host {host!r}",
            headers=[("host", host), *bearer(world.alice)],
            body=LIST,
            status=(400, 421),
        )
    for path in [
        "/playground/../Cargo.toml",
        "/playground/..%2f..%2fCargo.toml",
        "/playground/%2e%2e/%2e%2e/etc/passwd",
        "/playground//etc/passwd",
        "/playground/js/../../../Cargo.toml",
        "/playground/..\\Cargo.toml",
        "/playground/",
        "/playground/js",
        "/.local/signing-secret",
        "/signing-secret",
        "/dynamodb.sqlite",
        "/@connections/x",
    ]:
        yield Attack(f"GET {path}", "GET", path, status=(400, 404), without=("[package]", "root:"))
    yield Attack(
        "the page in a frame",
        "GET",
        "/",
        status=200,
        having=(
            "content-security-policy",
            "frame-ancestors 'none'",
            "x-content-type-options: nosniff",
            "script-src 'self'",
        ),
        without=("unsafe-inline", "unsafe-eval", "access-control-allow-origin"),
    )
    yield from web_socket(world)


def web_socket(world):
    upgrade = [
        ("connection", "upgrade"),
        ("upgrade", "websocket"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ]
    for name, protocol in {
        "no token": None,
        "the protocol alone": "chatkit",
        "a token that is none": "chatkit, x",
        "another protocol": f"other, {world.alice}",
        "a user token": f"chatkit, {world.user_token('alice')}",
        "the token first": f"{world.alice}, chatkit",
        "three protocols": f"chatkit, {world.alice}, x",
    }.items():
        headers = [*upgrade, *([("sec-websocket-protocol", protocol)] if protocol else [])]
        yield Attack(f"a WebSocket with {name}", "GET", "/ws", headers, status=(400, 401, 403))
    for origin in ["https://evil.example", "null", "https://www.example.com.evil.example"]:
        headers = [*upgrade, ("sec-websocket-protocol", f"chatkit, {world.alice}"), ("origin", origin)]
        yield Attack(f"a WebSocket of a page of {origin}", "GET", "/ws", headers, status=403)
    yield Attack(
        "a WebSocket with the token in a header", "GET", "/ws", [*upgrade, *bearer(world.alice)], status=(400, 401, 403)
    )
    yield Attack(
        "a WebSocket with the token in the address", "GET", f"/ws?token={world.alice}", upgrade, status=(400, 401, 403)
    )


def development(world):
    """The header `x-user-id` is anybody's: what it may not be."""
    for user in ["", " ", "x" * 257, "ü"]:
        yield Attack(
            f"the developer's user {user[:3]!r}",
            headers=[("x-user-id", user)],
            body=LIST,
            status=401,
            code="unauthorized",
        )
    yield Attack(
        "a page of another origin as the developer's user",
        "OPTIONS",
        "/chatkit",
        [
            ("origin", "https://evil.example"),
            ("access-control-request-method", "POST"),
            ("access-control-request-headers", "x-user-id"),
        ],
        status=200,
        without=("access-control-allow-origin",),
    )


PARTS = [({}, attacks), ({"AUTH_MODE": "development,jwt,anonymous"}, development)]
