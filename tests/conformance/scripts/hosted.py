"""What the model's server does itself on its way: searches, programs, tools elsewhere, pictures."""

import base64

from ..responses import Response, Text
from .calls import SHOWN
from .script import script

PICTURES = [base64.b64encode(b"\x89PNG" + bytes([number] * 8)).decode() for number in range(3)]
"""Only their first bytes are those of a PNG; nobody looks at them."""

SEARCH = {"type": "search", "query": "lamps", "queries": ["lamps", "lights"]}
SOURCES = [{"type": "url", "url": "https://example.com/a"}, {"type": "url", "url": "https://example.com/b"}]


def search(response: Response) -> None:
    steps = ("in_progress", "searching", "completed")
    done = {"action": SEARCH | {"sources": SOURCES}}
    response.hosted("web_search_call", steps, {"action": {"type": "search", "query": "lamps"}}, done)


@script(SHOWN)
def web_search(response: Response) -> None:
    response.begin()
    search(response)
    response.message(Text(["Found."]))
    response.complete()


@script(SHOWN)
def web_searches(response: Response) -> None:
    response.begin()
    search(response)
    opened = {"action": {"type": "open_page", "url": "https://example.com/a"}}
    response.hosted("web_search_call", ("in_progress", "completed"), opened, opened)
    looked = {"action": {"type": "find_in_page", "url": "https://example.com/a", "pattern": "lamp"}}
    response.hosted("web_search_call", ("in_progress", "completed"), looked, looked)
    response.message(Text(["Found."]))
    response.complete()


@script(SHOWN)
def file_search(response: Response) -> None:
    response.begin()
    results = [{"file_id": "file_1", "filename": "lamps.pdf", "score": 0.9, "text": "…"}]
    steps = ("in_progress", "searching", "completed")
    response.hosted(
        "file_search_call", steps, {"queries": [], "results": None}, {"queries": ["lamps"], "results": results}
    )
    response.message(Text(["Found."]))
    response.complete()


@script(SHOWN)
def program(response: Response) -> None:
    response.begin()
    started = {"code": "", "container_id": "cntr_1", "outputs": None}
    steps = ("in_progress", "interpreting", "completed")
    response.hosted("code_interpreter_call", steps, started, started | {"code": "print(1)\n"})
    response.message(Text(["One."]))
    response.complete()


@script(SHOWN)
def remote_tools(response: Response) -> None:
    response.begin()
    server = {"server_label": "docs"}
    response.hosted("mcp_list_tools", ("in_progress", "completed"), server | {"tools": []}, {})
    call = server | {"name": "look_up", "arguments": "{}", "output": None, "error": None}
    response.hosted("mcp_call", ("in_progress", "completed"), call, call | {"output": "42"})
    response.hosted("mcp_call", ("in_progress", "failed"), call, call | {"error": "broken", "status": "failed"})
    response.message(Text(["Looked up."]))
    response.complete()


@script(SHOWN)
def search_and_text_and_search(response: Response) -> None:
    response.begin()
    search(response)
    response.message(Text(["Found."]))
    search(response)
    response.message(Text(["More."]))
    response.complete()


@script(SHOWN)
def thought_and_search(response: Response) -> None:
    response.begin()
    response.reasoning(["Let me ", "see."])
    search(response)
    response.message(Text(["Found."]))
    response.complete()


@script()
def picture(response: Response) -> None:
    response.begin()
    response.picture([], PICTURES[2])
    response.message(Text(["There."]))
    response.complete()


@script("progress-counts-what-is-there")
def picture_that_takes_shape(response: Response) -> None:
    response.begin()
    response.picture(PICTURES[:2], PICTURES[2])
    response.message(Text(["There."]))
    response.complete()


@script("failed-pictures-are-taken-back")
def failed_picture(response: Response) -> None:
    response.begin()
    response.picture([], None)
    response.message(Text(["It did not work."]))
    response.complete()
