"""Answers of text, with and without sources."""

from collections.abc import Iterator
from time import sleep

from ..responses import Response, Text
from .script import Events, answer, script, sse

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


@script()
def text(response: Response) -> None:
    answer(response, Text(["Hel", "lo ", "there."]))


@script()
def single(response: Response) -> None:
    answer(response, Text(["Yes."]))


@script()
def unicode(response: Response) -> None:
    answer(response, Text(["Grüße 👩‍👩‍👧‍👦 ", "line\nbreak ", '\u2028 \\ " \t', "漢字 \U0001f980"]))


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


def slowly(events: Events, pause: float = 0.03) -> Iterator[bytes]:
    """With pauses, for a person to leave in."""
    for chunk in sse(events):
        sleep(pause)
        yield chunk


@script(encode=slowly)
def slow(response: Response) -> None:
    words = ["One", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]
    answer(response, Text([f"{word} " for word in words]))


@script(gives_title=False)
def without_title(response: Response) -> None:
    answer(response, Text(["Hello."]))
