"""A model for the emulated functions: OpenAI's Responses API on loopback, for requests with the current key."""

import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests" / "conformance"))
from responses import Response, Text  # noqa: E402

WORDS = [f"{number} is a number. " for number in range(1, 101)]
REFUSED = {"error": {"message": "no such key", "type": "invalid_request_error", "param": None, "code": "invalid_api_key"}}


class Model:
    """Listens until the process ends. A request with another key than `key` is refused, as OpenAI refuses it."""

    def __init__(self):
        self.key = None
        self._numbers = count(1)
        server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{server.server_port}/v1"
        threading.Thread(target=server.serve_forever, daemon=True).start()

    def _handler(self):
        model = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                self.rfile.read(int(self.headers["content-length"]))
                if self.headers["authorization"] == f"Bearer {model.key}":
                    self._answer(200, "text/event-stream", model._stream())
                else:
                    self._answer(401, "application/json", json.dumps(REFUSED).encode())

            def _answer(self, status, kind, body):
                self.send_response(status)
                self.send_header("content-type", kind)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        return Handler

    def _stream(self):
        response = Response(next(self._numbers))
        response.begin()
        response.message(Text(WORDS))
        response.complete()
        return b"".join(b"event: %b\ndata: %b\n\n" % (each["type"].encode(), json.dumps(each).encode()) for each in response.events)
