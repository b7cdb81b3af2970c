"""The server on a developer's machine, which every page in the developer's browser can ask."""

import json
import re
from pathlib import Path

from . import ports
from .attack import Attack
from .world import PRIVATE, bearer

ANYWHERE = False
LIST = {"type": "threads.list", "params": {}}
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": "attack-the-key-of-the-operator"}


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
        f"127.0.0.1:{port}@evil.example",
        f"localhost:{port}.evil.example",
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
    twice = [("host", f"127.0.0.1:{port}"), ("host", "evil.example")]
    yield Attack("two hosts", "GET", "/health", twice, status=(400, 421), without=('"version"',))
    yield from other_ports(world, world.alices.thread)
    yield from web_socket(world)


def other_ports(world, *names):
    """No port of the process gives a page, or another program of this machine, what is kept."""
    kept = (PRIVATE, *names, "TableNames")
    scope = "20261130/us-east-1"
    for port in ports.of(world.process.pid):
        if port == world.parts.port:
            continue
        for name, operation, body in [
            ("reads all threads", "Scan", {"TableName": "threads"}),
            ("lists tables", "ListTables", {}),
            ("deletes a table", "DeleteTable", {"TableName": "usage"}),
        ]:
            for host in [f"127.0.0.1:{port}", "evil.example"]:
                headers = [
                    ("host", host),
                    ("content-type", "application/x-amz-json-1.0"),
                    ("x-amz-target", f"DynamoDB_20120810.{operation}"),
                    ("x-amz-date", "20261130T000000Z"),
                    (
                        "authorization",
                        f"AWS4-HMAC-SHA256 Credential=a/{scope}/dynamodb/aws4_request, SignedHeaders=host, Signature=0",
                    ),
                ]
                page = [("origin", "http://evil.example")] if host == "evil.example" else []
                yield of_port(
                    port,
                    f"DynamoDB {name}, for {host}",
                    "POST",
                    "/",
                    [*headers, *page],
                    json.dumps(body).encode(),
                    kept,
                )
        for method, path in [
            ("GET", "/"),
            ("GET", "/health"),
            ("OPTIONS", "/"),
            ("POST", "/@connections/x"),
            ("POST", "/v1/responses"),
        ]:
            page = [
                ("host", "evil.example"),
                ("origin", "http://evil.example"),
                ("access-control-request-method", "PUT"),
            ]
            yield of_port(port, f"{method} {path} by a page", method, path, page, None, kept)


def of_port(port, name, method, path, headers, body, kept):
    without = ("access-control-allow-origin", *kept)
    status = (400, 401, 403, 404, 405, 421)
    return Attack(f"another port: {name}", method, path, headers, body, port=port, status=status, without=without)


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


def beyond_loopback(world):
    """On all addresses nobody is a user by a header, unless that is asked for by name."""
    for path, method in [
        ("/chatkit", "POST"),
        ("/api/chat", "POST"),
        ("/api/analytics", "GET"),
        ("/api/usage/me", "GET"),
    ]:
        headers = [("x-user-id", "alice")]
        body = LIST if method == "POST" else None
        yield Attack(f"the developer's header to {path}", method, path, headers, body, status=401, code="unauthorized")
    beyond = ports.beyond_loopback(world.process.pid)
    if beyond not in ([], [world.parts.port]):
        raise AssertionError(f"other machines reach the ports {beyond}")
    yield from other_ports(world, world.alices.thread)


def backends_only(world):
    """The way to the backends is in a file that the shell reads, and nowhere else."""
    kept = Path(world.printed.removeprefix(". ").strip("'\n"))
    modes = [oct(path.stat().st_mode & 0o777) for path in (kept, kept.parent)]
    if modes != ["0o600", "0o700"]:
        raise AssertionError(f"{kept} and its folder have the modes {modes}")
    variables = kept.read_text()
    if CREDENTIALS["AWS_SECRET_ACCESS_KEY"] in variables:
        raise AssertionError("the operator's own key is written down")
    address = re.search(r"AWS_ENDPOINT_URL_DYNAMODB='?http://127.0.0.1:\d+/(\w{64})'?\n", variables)
    if not address or address[1] in world.printed:
        raise AssertionError("the database is not behind a secret")
    yield from other_ports(world, address[1])


PARTS = [
    ({}, attacks),
    ({"AUTH_MODE": None}, beyond_loopback, "--host", "0.0.0.0"),
    ({"AUTH_MODE": "development,jwt,anonymous"}, development),
    (CREDENTIALS, backends_only, "--backends-only"),
]
