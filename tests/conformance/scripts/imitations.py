"""Other servers with the same API, and their habits."""

import json
from collections.abc import Iterator

from ..responses import Response, Text
from .script import Events, answer, script, sse
from .texts import FILE, URL


def ignoring(response: Response) -> None:
    response.emit("response.something.new", value=1)
    response.emit("keepalive")


@script()
def unknown_events(response: Response) -> None:
    response.begin()
    ignoring(response)
    response.message(Text(["Hello."]))
    ignoring(response)
    response.complete()


@script("gaps-are-filled")
def no_parts_added(response: Response) -> None:
    answer(response, Text(["Hel", "lo."]))
    response.without("response.content_part.added")


@script("gaps-are-filled")
def no_deltas(response: Response) -> None:
    answer(response, Text(["Hel", "lo."]))
    response.without("response.output_text.delta")


@script("gaps-are-filled")
def no_text_done(response: Response) -> None:
    answer(response, Text(["Hel", "lo."], [URL]))
    response.without("response.output_text.done")


@script("gaps-are-filled")
def late_annotations(response: Response) -> None:
    answer(response, Text(["Hello."], [URL, FILE]))
    response.without("response.output_text.annotation.added")


@script("gaps-are-filled")
def only_item_done(response: Response) -> None:
    answer(response, Text(["Hello."], [URL]))
    response.events = [
        event
        for event in response.events
        if event["type"] in {"response.created", "response.output_item.done", "response.completed"}
    ]


@script("gaps-are-filled")
def no_item_done(response: Response) -> None:
    answer(response, Text(["Hello."]))
    response.without("response.output_item.done")


@script("gaps-are-filled")
def only_completed(response: Response) -> None:
    answer(response, Text(["Hello."]))
    response.without(*{event["type"] for event in response.events} - {"response.completed"})


@script("own-ids-for-every-item")
def placeholder_ids(response: Response) -> None:
    response.begin()
    response.message(Text(["First."]))
    response.message(Text(["Second."]))
    response.complete()
    as_text = json.dumps(response.events)
    for index in range(2):
        as_text = as_text.replace(f"msg_{response.number:08}{index:02}", "__fake_id__")
    response.events = json.loads(as_text)


def in_pieces(events: Events) -> Iterator[bytes]:
    """CRLF, a comment, and cuts inside of characters."""
    yield b": comment\r\n\r\n"
    body = b"".join(sse(events)).replace(b"\n", b"\r\n") + b"data: [DONE]\r\n\r\n"
    for start in range(0, len(body), 7):
        yield body[start : start + 7]


@script(encode=in_pieces)
def pieces(response: Response) -> None:
    answer(response, Text(["Grüße ", "👩‍👩‍👧‍👦."]))
