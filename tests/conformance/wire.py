"""ChatKit over HTTP: one POST per operation, answered with JSON or with server-sent events."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

STREAMED = {
    "threads.create",
    "threads.add_user_message",
    "threads.add_client_tool_output",
    "threads.add_structured_input",
    "threads.retry_after_item",
    "threads.custom_action",
}


class FramingError(Exception):
    """The bytes are not the events that ChatKit's client reads."""


@dataclass
class Answer:
    """What came back: a document, or events; neither if the body was empty or not whole."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    document: Any = None
    events: list[dict[str, Any]] | None = None
    is_broken: bool = False

    @property
    def refused(self) -> bool:
        """Whether the operation did not happen. The official server says so with a 500, or with a 200 whose body
        breaks off before the first event."""
        return self.status >= 400 or (self.is_broken and not self.events)


def parse_events(body: bytes) -> list[dict[str, Any]]:
    """The events in a body: `data: {json}` on one line, its id, and an empty line; comment lines before an event."""
    events = []
    *blocks, rest = body.split(b"\n\n")
    for block in blocks:
        *comments, data = block.split(b"\n")
        if data.startswith(b"id: thr_") and comments:
            data = comments.pop()
        if any(not comment.startswith(b":") for comment in comments):
            raise FramingError(f"more than one line in {block[:80]!r}")
        if not data.startswith(b"data: {"):
            raise FramingError(f"no event in {block[:80]!r}")
        events.append(json.loads(data.removeprefix(b"data: ")))
    if any(line and not line.startswith(b":") for line in rest.split(b"\n")):
        raise FramingError(f"an event without its end: {rest[:80]!r}")
    return events


Judge = Callable[[str, Answer], None]


class Server:
    """A server's address. `judge` sees every answer to a request that is an operation."""

    def __init__(self, url: str, judge: Judge | None = None) -> None:
        self.url = url
        self.judge = judge
        self._connection: HTTPConnection | None = None

    def ask(self, user: str, operation: str, params: dict[str, Any] | None = None, **envelope: Any) -> Answer:
        """One operation of a user."""
        answer = self.post(user, json.dumps({"type": operation, "params": params or {}, **envelope}).encode())
        if self.judge:
            self.judge(operation, answer)
        return answer

    def post(self, user: str, body: bytes, content_type: str = "application/json") -> Answer:
        """A body as it is."""
        headers = {"content-type": content_type, "x-user-id": user}
        try:
            return self._answer(self._open(body, headers))
        except HTTPException:
            self.close()
            return Answer(status=0, is_broken=True)

    def upload(self, attachment: dict[str, Any], content: bytes) -> int:
        """Sends a file where the server wants it, and returns the status."""
        upload = attachment["upload_descriptor"]
        request = Request(upload["url"], content, upload["headers"], method=upload["method"])
        try:
            with urlopen(request, timeout=60) as response:
                return response.status
        except HTTPError as error:
            return error.code

    def upload_directly(self, user: str, name: str, mime_type: str, content: bytes) -> Answer:
        """ChatKit's `direct` upload: a form with the file, answered with the attachment."""
        disposition = f'content-disposition: form-data; name="file"; filename="{name}"'
        head = f"--x\r\n{disposition}\r\ncontent-type: {mime_type}\r\n\r\n"
        body = head.encode() + content + b"\r\n--x--\r\n"
        headers = {"content-type": "multipart/form-data; boundary=x", "x-user-id": user}
        answer = self._answer(self._open(body, headers, "/chatkit/attachments"))
        if self.judge:
            self.judge("attachments.create", answer)
        return answer

    def leave(self, user: str, operation: str, params: dict[str, Any], after: int) -> bytes:
        """Starts a streamed operation and hangs up after `after` bytes, as a closed tab does."""
        body = json.dumps({"type": operation, "params": params}).encode()
        response = self._open(body, {"content-type": "application/json", "x-user-id": user})
        seen = response.read(after)
        self.close()
        return seen

    def follow(self, user: str, thread_id: str) -> list[dict[str, Any]]:
        """What the thread's run sends until it is over; nothing if none is under way."""
        connection = HTTPConnection(urlsplit(self.url).netloc, timeout=60)
        connection.request("GET", f"/chatkit/threads/{thread_id}/run", headers={"x-user-id": user})
        try:
            return parse_events(connection.getresponse().read())
        finally:
            connection.close()

    def close(self) -> None:
        if self._connection:
            self._connection.close()
            self._connection = None

    def _open(self, body: bytes, headers: dict[str, str], path: str = "/chatkit"):
        if self._connection is None:
            self._connection = HTTPConnection(urlsplit(self.url).netloc, timeout=60)
        try:
            self._connection.request("POST", path, body, headers)
            return self._connection.getresponse()
        except (ConnectionError, HTTPException):
            # A connection that was kept may have been closed by the other side.
            self.close()
            self._connection = HTTPConnection(urlsplit(self.url).netloc, timeout=60)
            self._connection.request("POST", path, body, headers)
            return self._connection.getresponse()

    def _answer(self, response) -> Answer:
        answer = Answer(response.status, {name.lower(): value for name, value in response.getheaders()})
        try:
            body = response.read()
        except HTTPException as error:
            self.close()
            answer.is_broken = True
            body = getattr(error, "partial", b"")
        kind = answer.headers.get("content-type", "").partition(";")[0]
        if kind == "text/event-stream":
            answer.events = parse_events(body)
        elif kind == "application/json":
            answer.document = json.loads(body)
        return answer


def message(text: str, **fields: Any) -> dict[str, Any]:
    """A user's message as the composer sends it."""
    plain = {"content": [{"type": "input_text", "text": text}], "attachments": [], "inference_options": {}}
    return plain | fields


def walk(server: Server, user: str, operation: str, limit: int, order: str, **params: Any) -> list[dict[str, Any]]:
    """Everything in a list, page by page."""
    return [element for page in pages(server, user, operation, limit, order, **params) for element in page["data"]]


def pages(server: Server, user: str, operation: str, limit: int, order: str, **params: Any) -> Iterator[dict[str, Any]]:
    """The pages of a list."""
    after: dict[str, str] = {}
    while True:
        answer = server.ask(user, operation, {"limit": limit, "order": order, **params, **after})
        if answer.status != 200:
            raise AssertionError(f"{operation} is answered with {answer.status}")
        yield answer.document
        if not answer.document["has_more"]:
            return
        after = {"after": answer.document["after"]}
