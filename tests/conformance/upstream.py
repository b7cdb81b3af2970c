"""A scripted `/v1/responses`, for both servers: a message "play NAME …" is answered by the script of that name. A
request with other instructions than ours asks for a title, which is the message itself."""

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from threading import Thread
from typing import Any

from .responses import Response, Text
from .scripts import SCRIPTS, Script, sse

MODEL = "scripted"
INSTRUCTIONS = "Play the script."


class Upstream:
    """Listens until the process ends. `requests` are the bodies of each server's requests for answers, by the first
    word of its user agent."""

    def __init__(self) -> None:
        self.requests: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
        self._numbers = count(1)
        upstream = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                upstream._answer(self, body)

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
        said = []
        for item in self.requests[agent][-1]["input"]:
            content = item["content"]
            text = content if isinstance(content, str) else "\n".join(part["text"] for part in content)
            said.append((item["role"], text))
        return said

    def _answer(self, handler: BaseHTTPRequestHandler, body: dict[str, Any]) -> None:
        script = called(body)
        if body.get("instructions") == INSTRUCTIONS:
            self.requests[re.split(r"[/ ]", handler.headers["user-agent"])[0]].append(body)
            status, chunks = script.status, self._play(script)
        else:
            status, chunks = (200, self._title(body)) if script.gives_title else (500, iter(()))
        handler.send_response(status)
        handler.send_header("content-type", script.content_type if status == 200 else "application/json")
        handler.end_headers()
        for chunk in chunks:
            handler.wfile.write(chunk)
            handler.wfile.flush()

    def _play(self, script: Script) -> Iterator[bytes]:
        response = Response(next(self._numbers))
        script.write(response)
        return script.encode(response.events)

    def _title(self, body: dict[str, Any]) -> Iterator[bytes]:
        response = Response(next(self._numbers))
        response.begin()
        response.message(Text([last_text(body)]))
        response.complete()
        return sse(response.events)


def called(body: dict[str, Any]) -> Script:
    """The script that the newest message asks for."""
    for item in reversed(body["input"]):
        if item["role"] == "user" and not isinstance(item["content"], str):
            found = re.match(r"play ([a-z-]+)", item["content"][0]["text"])
            if found:
                return SCRIPTS[found[1]]
    return SCRIPTS["text"]


def last_text(body: dict[str, Any]) -> str:
    return body["input"][-1]["content"][0]["text"]
