"""The site's endpoint for function tools and actions: plays what the call names (`plays.py`), and checks every call."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from .plays import PLAYS, Play

SECRET = "whsec_" + base64.b64encode(b"the conformance suite's secret").decode()

TOOL_DATA = {"call_id", "tool", "arguments", "thread", "user"}
ACTION_DATA = {"action", "thread", "user"}


class Site:
    """Listens until the process ends. `calls` are the bodies of the calls, `faults` what was wrong with them."""

    def __init__(self) -> None:
        self.calls: list[dict[str, Any]] = []
        self.ids: list[str] = []
        self.faults: list[str] = []
        site = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self) -> None:
                site._answer(self, self.rfile.read(int(self.headers["content-length"])))

            def log_message(self, *_: Any) -> None:
                pass

        class Listener(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

        self._server = Listener(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/chat"
        Thread(target=self._server.serve_forever, daemon=True).start()

    def _answer(self, handler: BaseHTTPRequestHandler, body: bytes) -> None:
        self.faults += signature_faults(handler.headers, body)
        call = json.loads(body)
        self.faults += body_faults(call)
        self.calls.append(call)
        self.ids.append(handler.headers["webhook-id"])
        name = call["data"]["arguments"]["play"] if call["type"] == "tool.call" else call["data"]["action"]["type"]
        # One that is sent again gets through.
        is_first = name == "flaky" and self.ids.count(self.ids[-1]) == 1
        status, media_type, chunks = (503, "text/plain", [b"busy"]) if is_first else answer(name, call["type"])
        body = b"".join(chunks)
        handler.send_response(status)
        handler.send_header("content-type", media_type)
        handler.send_header("content-length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)


def answer(name: str, kind: str) -> tuple[int, str, list[bytes]]:
    """Status, media type and body of a play."""
    play = PLAYS[name]
    if play.fails and not play.effects:
        return 500, "text/html", [b"<h1>a stack trace</h1>"]
    if play.form == "stream":
        return 200, "text/event-stream", list(events(play))
    if play.form == "text":
        return 200, "text/plain; charset=utf-8", [play.output.encode()]
    if play.form == "bare":
        return 200, "application/json", [json.dumps(play.output).encode()]
    output = {"output": play.output} if play.output is not None and kind == "tool.call" else {}
    return 200, "application/json", [json.dumps({**output, "effects": play.effects}).encode()]


def events(play: Play) -> Iterator[bytes]:
    """The effects one by one; something that is none where the play fails."""
    effects = [*play.effects, *([{"type": "output", "output": play.output}] if play.output is not None else [])]
    for effect in [*effects, *([{"type": "no effect"}] if play.fails else [])]:
        yield f"data: {json.dumps(effect)}\n\n".encode()


def signature_faults(headers: Any, body: bytes) -> list[str]:
    """What Standard Webhooks finds wrong with a call."""
    key = base64.b64decode(SECRET.removeprefix("whsec_"))
    at = headers["webhook-timestamp"]
    signed = hmac.digest(key, f"{headers['webhook-id']}.{at}.".encode() + body, hashlib.sha256)
    faults = []
    if headers["webhook-signature"] != f"v1,{base64.b64encode(signed).decode()}":
        faults.append("the signature is another one")
    if abs(time.time() - int(at)) > 60:
        faults.append(f"signed for {at}")
    if headers["content-type"] != "application/json":
        faults.append(f"content type {headers['content-type']}")
    return faults


def body_faults(call: dict[str, Any]) -> list[str]:
    """What is missing in a call."""
    wanted = {"tool.call": TOOL_DATA, "action": ACTION_DATA}.get(call.get("type", ""))
    found = set(call.get("data", {})) - {"item"}
    faults = [] if wanted == found else [f"a call with {sorted(found)}"]
    if not {"id", "tenant", "anonymous"} <= set(call["data"]["user"]):
        faults.append(f"a user with {sorted(call['data']['user'])}")
    return faults
