"""What the scripted model answers. Each script names the entries of `DIFFERENCES.md` that it brings about."""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from .responses import Refusal, Response, Text

Events = list[dict[str, Any]]


def sse(events: Events) -> Iterator[bytes]:
    """Events as OpenAI sends them."""
    for event in events:
        yield f"event: {event['type']}\ndata: {json.dumps(event, ensure_ascii=False)}\n\n".encode()


@dataclass(frozen=True)
class Script:
    """One answer of the model."""

    name: str
    write: Callable[[Response], None]
    differences: frozenset[str]
    status: int = 200
    content_type: str = "text/event-stream"
    encode: Callable[[Events], Iterator[bytes]] = sse
    gives_title: bool = True


SCRIPTS: dict[str, Script] = {}


def script(*differences: str, **fields: Any) -> Callable[[Callable[[Response], None]], None]:
    """Registers a script under the name of the function that writes it."""

    def register(write: Callable[[Response], None]) -> None:
        name = write.__name__.replace("_", "-")
        SCRIPTS[name] = Script(name, write, frozenset(differences), **fields)

    return register


def answer(response: Response, *parts: Text | Refusal) -> None:
    """A response of one message."""
    response.begin()
    response.message(*parts)
    response.complete()


URL = {"type": "url_citation", "url": "https://example.com/a", "title": "A page", "start_index": 0, "end_index": 5}
FILE = {"type": "file_citation", "file_id": "file_1", "filename": "notes.txt", "index": 3}
NAMELESS_FILE = {"type": "file_citation", "file_id": "file_2", "filename": "", "index": 3}
CONTAINER_FILE = {
    "type": "container_file_citation",
    "container_id": "cntr_1",
    "file_id": "cfile_1",
    "filename": "plot.png",
    "start_index": 1,
    "end_index": 4,
}
FILE_PATH = {"type": "file_path", "file_id": "file_3", "index": 2}


# Text


@script()
def text(response: Response) -> None:
    answer(response, Text(["Hel", "lo ", "there."]))


@script()
def single(response: Response) -> None:
    answer(response, Text(["Yes."]))


@script()
def unicode(response: Response) -> None:
    answer(response, Text(["Grüße 👩‍👩‍👧‍👦 ", "line\nbreak ", "\u2028 \\ \" \t", "漢字 \U0001f980"]))


@script()
def long(response: Response) -> None:
    answer(response, Text([f"word{number} " for number in range(300)]))


@script()
def parts(response: Response) -> None:
    answer(response, Text(["One."]), Text(["Two", "!"]), Text(["Three."]))


@script()
def two_messages(response: Response) -> None:
    response.begin()
    response.message(Text(["First."]))
    response.message(Text(["Sec", "ond."]))
    response.complete()


@script()
def half_empty(response: Response) -> None:
    answer(response, Text([]), Text(["Something."]))


@script("empty-messages-are-taken-back", "silence-is-an-error")
def empty(response: Response) -> None:
    answer(response, Text([]))


@script("empty-messages-are-taken-back")
def empty_then_text(response: Response) -> None:
    response.begin()
    response.message(Text([" "]))
    response.message(Text(["Something."]))
    response.complete()


@script("silence-is-an-error")
def nothing(response: Response) -> None:
    response.begin()
    response.complete()


@script("empty-deltas-are-dropped")
def empty_deltas(response: Response) -> None:
    answer(response, Text(["", "Hel", "", "lo"]))


# Sources


@script("annotations-stay")
def url_citation(response: Response) -> None:
    answer(response, Text(["Here."], [URL]))


@script("annotations-stay")
def file_citation(response: Response) -> None:
    answer(response, Text(["Here."], [FILE]))


@script("annotations-stay")
def container_file_citation(response: Response) -> None:
    answer(response, Text(["Here."], [CONTAINER_FILE]))


@script()
def file_path(response: Response) -> None:
    answer(response, Text(["Here."], [FILE_PATH]))


@script("annotations-stay")
def all_citations(response: Response) -> None:
    sources = [FILE_PATH, URL, NAMELESS_FILE, FILE, URL | {"url": "https://example.com/b"}, CONTAINER_FILE]
    answer(response, Text(["Many sources."], sources))


@script("annotations-stay")
def citations_in_parts(response: Response) -> None:
    answer(response, Text(["One."], [URL]), Text(["Two."], [FILE, URL]), Text(["Three."]))


# Thoughts


@script()
def thought(response: Response) -> None:
    response.begin()
    response.reasoning(["Let me ", "see."])
    response.message(Text(["Seen."]))
    response.complete()


@script("later-thoughts-stream")
def thoughts(response: Response) -> None:
    response.begin()
    response.reasoning(["One ", "thing."], ["Another ", "thing."], ["A third."])
    response.message(Text(["Done."]))
    response.complete()


@script("later-thoughts-stream")
def two_reasonings(response: Response) -> None:
    response.begin()
    response.reasoning(["First ", "thought."])
    response.reasoning(["Second ", "thought."], ["Third."])
    response.message(Text(["Done."]))
    response.complete()


@script()
def thoughts_between(response: Response) -> None:
    response.begin()
    response.reasoning(["Before."])
    response.message(Text(["A."]))
    response.reasoning(["Between."])
    response.message(Text(["B."]))
    response.complete()


@script("reasoning-appears-with-its-first-words")
def silent_reasoning(response: Response) -> None:
    response.begin()
    response.reasoning()
    response.message(Text(["Done."]))
    response.complete()


@script("reasoning-appears-with-its-first-words")
def silent_then_thought(response: Response) -> None:
    response.begin()
    response.reasoning()
    response.message(Text(["A."]))
    response.reasoning(["Aloud."])
    response.message(Text(["B."]))
    response.complete()


@script("thoughts-end-with-the-turn")
def only_thoughts(response: Response) -> None:
    response.begin()
    response.reasoning(["Hm."])
    response.complete()


@script()
def whole_thought(response: Response) -> None:
    response.begin()
    response.reasoning(["Said at once."])
    response.message(Text(["Done."]))
    response.complete()
    response.without("response.reasoning_summary_text.delta")


@script()
def reasoning_text(response: Response) -> None:
    response.begin()
    place = {"output_index": 0, "item_id": response.item_id("rs"), "content_index": 0}
    response.emit("response.content_part.added", **place, part={"type": "reasoning_text", "text": ""})
    response.emit("response.reasoning_text.delta", **place, delta="raw")
    response.emit("response.reasoning_text.done", **place, text="raw")
    response.emit("response.content_part.done", **place, part={"type": "reasoning_text", "text": "raw"})
    response.output.append({"id": place["item_id"], "type": "reasoning", "summary": []})
    response.message(Text(["Done."]))
    response.complete()


# Refusals, cuts, failures


@script("refusals-are-answers", "failures-lose-nothing")
def refusal(response: Response) -> None:
    answer(response, Refusal(["I ", "will not."]))


@script("refusals-are-answers", "failures-lose-nothing")
def text_and_refusal(response: Response) -> None:
    answer(response, Text(["A start."]), Refusal(["But no."]))


@script("cuts-are-notices", "failures-lose-nothing")
def too_long(response: Response) -> None:
    response.begin()
    response.message(Text(["As long as ", "it may be"]))
    response.cut("max_output_tokens")


@script("cuts-are-notices", "failures-lose-nothing")
def cut_within(response: Response) -> None:
    response.begin()
    response.message(Text(["Broken ", "off"]), finish=False)
    response.cut("max_output_tokens")


@script("cuts-are-notices", "failures-lose-nothing")
def filtered(response: Response) -> None:
    response.begin()
    response.message(Text(["As far as it goes"]))
    response.cut("content_filter")


@script("cuts-are-notices")
def filtered_at_once(response: Response) -> None:
    response.begin()
    response.cut("content_filter")


@script("error-says-why")
def failed(response: Response) -> None:
    response.begin()
    response.fail("server_error")


@script("error-says-why", "failures-lose-nothing")
def failed_within(response: Response) -> None:
    response.begin()
    response.message(Text(["Half an ", "answer"]), finish=False)
    response.fail("server_error")


@script("error-says-why", "failures-lose-nothing")
def failed_between(response: Response) -> None:
    response.begin()
    response.message(Text(["A whole message."]))
    response.fail("rate_limit_exceeded")


@script("error-says-why", "failures-lose-nothing")
def failed_thinking(response: Response) -> None:
    response.begin()
    response.reasoning(["Half a ", "thought"], finish=False)
    response.fail("server_error")


@script("error-says-why")
def error_event(response: Response) -> None:
    response.begin()
    response.emit("error", code="server_error", message="the upstream's own words", param=None)


@script("error-says-why", "failures-lose-nothing")
def broken_off(response: Response) -> None:
    response.begin()
    response.message(Text(["Half an ", "answer"]), finish=False)


def with_status(name: str, status: int, code: str) -> None:
    """A script that is an answer with an error status."""
    body = json.dumps({"error": {"message": "the upstream's own words", "type": "invalid_request_error", "code": code}})
    SCRIPTS[name] = Script(
        name, lambda _: None, frozenset({"error-says-why"}), status=status, encode=lambda _: iter([body.encode()])
    )


with_status("unauthorized", 401, "invalid_api_key")
with_status("too-long-a-prompt", 400, "context_length_exceeded")
with_status("overloaded", 500, "server_error")


# Other servers, other habits


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


@script()
def web_search(response: Response) -> None:
    response.begin()
    place = {"output_index": 0, "item_id": response.item_id("ws")}
    item = {"id": place["item_id"], "type": "web_search_call", "status": "in_progress", "action": {"type": "search", "query": "q"}}
    response.emit("response.output_item.added", output_index=0, item=item)
    response.emit("response.web_search_call.searching", **place)
    response.emit("response.web_search_call.completed", **place)
    response.output.append(item | {"status": "completed"})
    response.emit("response.output_item.done", output_index=0, item=response.output[0])
    response.message(Text(["Found."]))
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


def garbage(_: Events) -> Iterable[bytes]:
    return iter([b"data: {\"type\": \n\n", b"\x00\xff\xfe"])


@script("error-says-why", encode=garbage)
def not_json(_: Response) -> None:
    pass


@script("error-says-why", content_type="text/html", encode=lambda _: iter([b"<html>"]))
def not_events(_: Response) -> None:
    pass


@script("error-says-why", encode=lambda _: iter(()))
def not_a_byte(_: Response) -> None:
    pass


@script(gives_title=False)
def without_title(response: Response) -> None:
    answer(response, Text(["Hello."]))
