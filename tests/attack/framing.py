"""HTTP itself: where a request ends, and how large it may be."""

from .attack import Attack
from .world import bearer

ANYWHERE = False
LIST = b'{"type":"threads.list","params":{}}'
JSON = ("content-type", "application/json")
# A request that somebody may have hidden in the body of another one. It must not be answered.
SMUGGLED = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"


def attacks(world):
    token = bearer(world.alice)[0][1].encode()
    head = (
        b"POST /chatkit HTTP/1.1\r\nHost: "
        + world.parts.netloc.encode()
        + b"\r\nAuthorization: "
        + token
        + b"\r\nContent-Type: application/json\r\n"
    )
    for name, rest in {
        "two lengths": b"Content-Length: 35\r\nContent-Length: 0\r\n\r\n" + LIST,
        "two lengths in one": b"Content-Length: 35, 0\r\n\r\n" + LIST,
        "a negative length": b"Content-Length: -1\r\n\r\n" + LIST,
        "a length with a sign": b"Content-Length: +35\r\n\r\n" + LIST,
        "a length in hexadecimal": b"Content-Length: 0x23\r\n\r\n" + LIST,
        "a length that is a text": b"Content-Length: all\r\n\r\n" + LIST,
        "a length that no computer has": b"Content-Length: 99999999999999999999999\r\n\r\n" + LIST,
        "a space before the colon": b"Content-Length : 35\r\n\r\n" + LIST,
        "a header without a colon": b"Nothing\r\nContent-Length: 35\r\n\r\n" + LIST,
        "a header without a name": b": x\r\nContent-Length: 35\r\n\r\n" + LIST,
        "a header with NUL": b"X: a\0b\r\nContent-Length: 35\r\n\r\n" + LIST,
        "a folded header": b"X: a\r\n b\r\nContent-Length: 35\r\n\r\n" + LIST,
        "a carriage return in a header": b"X: a\rContent-Length: 0\r\nContent-Length: 35\r\n\r\n" + LIST,
        "an unknown transfer encoding": b"Transfer-Encoding: identity\r\n\r\n" + LIST,
        "a chunk that is no number": b"Transfer-Encoding: chunked\r\n\r\nxyz\r\n" + LIST + b"\r\n0\r\n\r\n",
        "a chunk of a negative size": b"Transfer-Encoding: chunked\r\n\r\n-1\r\n" + LIST + b"\r\n0\r\n\r\n",
        "a chunk larger than memory": b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n"
        + LIST
        + b"\r\n0\r\n\r\n",
        "a chunk without an end of line": b"Transfer-Encoding: chunked\r\n\r\n23\r\n" + LIST + b"0\r\n\r\n",
        "a hundred headers and more": b"".join(b"X-%d: x\r\n" % each for each in range(200))
        + b"Content-Length: 35\r\n\r\n"
        + LIST,
        "a header of a megabyte": b"X: " + b"x" * 1_000_000 + b"\r\nContent-Length: 35\r\n\r\n" + LIST,
    }.items():
        yield Attack(name, raw=head + b"Connection: close\r\n" + rest, status=(400, 431))
    for name, rest in {
        "a length and chunks": b"Content-Length: 35\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
        "chunks and a length": b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n" + SMUGGLED,
        "chunks that are not the last encoding": b"Transfer-Encoding: chunked, identity\r\nContent-Length: 0\r\n\r\n"
        + SMUGGLED,
        "chunks in other letters": b"Transfer-Encoding: xchunked\r\nContent-Length: 0\r\n\r\n" + SMUGGLED,
        "chunks with a space before the colon": b"Transfer-Encoding : chunked\r\nContent-Length: 0\r\n\r\n" + SMUGGLED,
        "chunks behind a tab": b"Transfer-Encoding:\x0bchunked\r\nContent-Length: 0\r\n\r\n" + SMUGGLED,
        "chunks twice": b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\nContent-Length: 0\r\n\r\n"
        + SMUGGLED,
    }.items():
        yield Attack(
            f"smuggling: {name}", raw=head + b"Connection: close\r\n" + rest, status=(400, 501), without=('"version"',)
        )
    for name, raw in {
        "no HTTP": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        "an old version": b"GET /health\r\n\r\n",
        "an unknown version": b"GET /health HTTP/9.9\r\nHost: localhost\r\n\r\n",
        "a request line of three spaces": b"GET  /health  HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "NUL in the path": b"GET /hea\0lth HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "a path that is no URL": b"GET http://[ HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "a very long path": b"GET /" + b"a" * 200_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "HTTP/2 without asking": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    }.items():
        # What cannot be understood at all may be cut off without an answer.
        yield Attack(name, raw=raw, status=(0, 400, 414, 431, 505), without=('"status":"ok"',))
    yield Attack(
        "a proxy's request",
        raw=b"GET http://169.254.169.254/latest/meta-data/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
        status=(400, 404, 421),
    )
    yield Attack(
        "a tunnel",
        raw=b"CONNECT evil.example:443 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
        status=(400, 404, 405, 421),
    )
    yield from too_large(world)


def too_large(world):
    headers = bearer(world.alice)
    for name, path in [("ChatKit", "/chatkit"), ("a chat", "/api/chat"), ("a refresh", "/api/chatkit/refresh")]:
        headers = [] if path.endswith("refresh") else bearer(world.alice)
        yield Attack(
            f"two megabytes to {name}",
            path=path,
            headers=[*headers, JSON],
            body=b'"' + b"x" * 2_000_000 + b'"',
            status=413,
            code="payload_too_large",
        )
        chunks = b"ffff\r\n" + b"x" * 0xFFFF + b"\r\n"
        yield Attack(
            f"two megabytes in chunks to {name}",
            path=path,
            headers=[*headers, JSON, ("transfer-encoding", "chunked")],
            body=chunks * 32 + b"0\r\n\r\n",
            status=413,
            code="payload_too_large",
        )
    headers = bearer(world.alice)
    yield Attack(
        "compressed",
        headers=[*headers, JSON, ("content-encoding", "gzip")],
        body=bytes.fromhex("1f8b0800000000000003"),
        code="bad_request",
    )
    yield Attack(
        "many cookies",
        path="/api/chatkit/start",
        headers=[("cookie", "; ".join(f"chatkit_visitor={each}" for each in range(500)))],
        body={},
        status=200,
    )
    yield Attack(
        "many languages",
        headers=[*headers, ("accept-language", ",".join(["de;q=0.9"] * 1000))],
        body={"type": "threads.list", "params": {}},
        status=200,
    )


PARTS = [({}, attacks)]
