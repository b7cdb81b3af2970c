"""A scripted model, for both servers: `/v1/responses`, where a message "play NAME …" is answered by the script of that
name, and `/v1/audio/transcriptions`. A request with other instructions than ours asks for a title, which is the message
itself."""

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from threading import Thread
from typing import Any

from . import prompts
from .assistant import INSTRUCTIONS
from .responses import Response, Text
from .scripts import SCRIPTS, Script, sse


class Upstream:
    """Listens until the process ends. `requests` are the bodies of each server's requests for answers, by the first
    word of its user agent."""

    def __init__(self) -> None:
        self.requests: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
        self._numbers = count(1)
        upstream = self

        class Handler(BaseHTTPRequestHandler):
            disable_nagle_algorithm = True

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                if self.path == "/v1/audio/transcriptions":
                    transcribe(self, body)
                else:
                    upstream._answer(self, json.loads(body))

            def log_message(self, *_: Any) -> None:
                pass

        class Listener(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

            def handle_error(self, *_: Any) -> None:
                """A client that hangs up is part of the play."""

        self._server = Listener(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1"
        Thread(target=self._server.serve_forever, daemon=True).start()

    def transcript(self, agent: str) -> list[tuple[str, str]]:
        """What a server showed the model last: who said what."""
        return prompts.transcript(self.requests[agent][-1]["input"])

    def _answer(self, handler: BaseHTTPRequestHandler, body: dict[str, Any]) -> None:
        script, question = called(body["input"])
        if body.get("instructions") == INSTRUCTIONS:
            self.requests[re.split(r"[/ ]", handler.headers["user-agent"])[0]].append(body)
            status, chunks = script.status, self._play(script, prompts.round_of(body["input"], question))
        else:
            status, chunks = (200, self._title(body)) if script.gives_title else (500, iter(()))
        handler.send_response(status)
        handler.send_header("content-type", script.content_type if status == 200 else "application/json")
        handler.end_headers()
        for chunk in chunks:
            handler.wfile.write(chunk)
            handler.wfile.flush()

    def _play(self, script: Script, number: int | None) -> Iterator[bytes]:
        response = Response(next(self._numbers))
        script.rounds[-1 if number is None else min(number, len(script.rounds) - 1)](response)
        return script.encode(response.events)

    def _title(self, body: dict[str, Any]) -> Iterator[bytes]:
        response = Response(next(self._numbers))
        response.begin()
        response.message(Text([last_text(body)]))
        response.complete()
        return sse(response.events)


def called(items: list[dict[str, Any]]) -> tuple[Script, int]:
    """The script that the newest message asks for, and where the message stands."""
    for index, item in reversed(list(enumerate(items))):
        if item.get("role") == "user" and not isinstance(item["content"], str):
            found = re.match(r"play ([a-z-]+)", item["content"][0].get("text", ""))
            if found:
                return SCRIPTS[found[1]], index
    return SCRIPTS["text"], -1


def last_text(body: dict[str, Any]) -> str:
    return body["input"][-1]["content"][0]["text"]


def transcribe(handler: BaseHTTPRequestHandler, body: bytes) -> None:
    """Hears how many bytes of what a recording has; fails where it is told to."""
    audio, media_type = file_of(handler.headers["content-type"], body)
    status = 500 if audio == b"fail" else 200
    text = "" if audio == b"silence" else f" {len(audio)} bytes of {media_type} "
    answer = json.dumps(
        {"text": text} if status == 200 else {"error": {"message": "the upstream's own words"}}
    ).encode()
    handler.send_response(status)
    handler.send_header("content-type", "application/json")
    handler.send_header("content-length", str(len(answer)))
    handler.end_headers()
    handler.wfile.write(answer)


def file_of(content_type: str, body: bytes) -> tuple[bytes, str]:
    """The field `file` of a form."""
    header = Message()
    header["content-type"] = content_type
    boundary = header.get_param("boundary")
    for part in body.split(f"--{boundary}".encode()):
        head, _, content = part.partition(b"\r\n\r\n")
        if b'name="file"' in head:
            found = re.search(rb"content-type: *([^\r\n]+)", head, re.IGNORECASE)
            return content.removesuffix(b"\r\n"), found[1].decode() if found else ""
    return b"", ""
