"""A conversation through a model that others have written, `@copilotkit/aimock`, by both APIs that a model may have:
the events and what is stored are the same."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from . import servers
from .assistant import document, function
from .cases import Case
from .compare import Pairing, compare
from .differences import title_comes_beside_the_answer
from .site import Site
from .wire import Judge, Server, message, walk

FIXTURES = Path(__file__).parent / "aimock.json"

APIS = ("responses", "chat_completions")

# What is said, and what the answers say in the end; none where the model fails.
CONVERSATION: list[tuple[str, list[str] | None]] = [
    ("greet me", ["Hi there, how can I help you today?"]),
    ("show a card", ["There it is."]),
    ("look it up", ["Let me look.", "There are three in stock."]),
    ("think", ["Done."]),
    ("pick", ["You have picked a lamp."]),
    ("go on too long", ["A long text that is cut"]),
    ("break", None),
    ("greet me", ["Hi there, how can I help you today?"]),
]


def cases(binary: Path, program: Path | None, site: Site, judge: Judge) -> Iterator[Case]:
    """One case for both APIs; none where `program` is not installed."""
    if program is None or not shutil.which("node"):
        print("aimock: not installed, nothing was played")
        return
    yield Case("aimock", lambda: play(binary, program, site, judge))


def play(binary: Path, program: Path, site: Site, judge: Judge) -> None:
    spoken = []
    with aimock(program) as upstream:
        for api in APIS:
            # Chat Completions knows functions only.
            tools = [function("perform", "play", {"url": site.url}), function("pick", "kind", "client")]
            assistant = document(site.url, composer={}, tools=tools, end_of_turn=True, reasoning={"summaries": True})
            with servers.ours(binary, upstream, assistant, MODEL_API=api) as url:
                spoken.append(converse(Server(url, judge)))
    (events, items), (other_events, other_items) = spoken
    compare(events, other_events, pairing := Pairing(), "events")
    compare(items, other_items, pairing, "items")


def converse(server: Server) -> tuple[list[Any], list[Any]]:
    """The events of each turn, and what is stored."""
    turns, thread_id = [], ""
    for text, expected in CONVERSATION:
        params: dict[str, Any] = {"input": message(text)}
        if thread_id:
            answer = server.ask("aimock", "threads.add_user_message", {"thread_id": thread_id, **params})
        else:
            answer = server.ask("aimock", "threads.create", params)
        assert answer.events, answer
        thread_id = thread_id or answer.events[0]["thread"]["id"]
        events = list(answer.events)
        if events[-1].get("item", {}).get("type") == "client_tool_call":
            output = {"thread_id": thread_id, "result": {"kind": "lamp"}}
            events += server.ask("aimock", "threads.add_client_tool_output", output).events or []
        check(text, events, expected)
        # The title first: where it falls between two deltas, it would keep them from being joined.
        turns.append(joined(without_references(title_comes_beside_the_answer(events, [])[0])))
    return turns, walk(server, "aimock", "items.list", 50, "asc", thread_id=thread_id)


def check(text: str, events: list[dict[str, Any]], expected: list[str] | None) -> None:
    items = [event["item"] for event in events if event["type"] == "thread.item.done"]
    said = [item["content"][0]["text"] for item in items if item["type"] == "assistant_message"]
    if expected is None:
        assert events[-1]["type"] == "error" and not said, events
        return
    assert said == expected, f"`{text}` is answered with {said}"
    kinds = [item["type"] for item in items]
    is_cut = events[-1]["type"] == "notice"
    assert kinds[-1] == ("assistant_message" if is_cut else "end_of_turn"), kinds


def without_references(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Errors without what names their request."""
    return [
        event | {"message": re.sub(r" \(ref \w+\)$", "", event["message"])} if event["type"] == "error" else event
        for event in events
    ]


def joined(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Deltas that stand one behind the other as one: where a text is cut is the upstream's business."""
    result: list[dict[str, Any]] = []
    for event in events:
        last = result[-1] if result else {}
        if "delta" in event.get("update", {}) and "delta" in last.get("update", {}):
            delta = last["update"]["delta"] + event["update"]["delta"]
            result[-1] = last | {"update": last["update"] | {"delta": delta}}
        elif event["type"] == "notice":
            # Only one of the APIs says here why an answer was cut.
            result.append(event | {"message": ""})
        elif is_thought(event) and is_thought(last):
            result[-1] = event
        else:
            result.append(event)
    return result


def is_thought(event: dict[str, Any]) -> bool:
    return event.get("update", {}).get("type") == "workflow.task.updated"


@contextmanager
def aimock(program: Path) -> Iterator[str]:
    """The model's URL, as `OPENAI_BASE_URL` wants it."""
    command = ["node", str(program), "--port", "0", "--fixtures", str(FIXTURES)]
    environment = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/")}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        assert process.stdout
        for line in process.stdout:
            if found := re.search(r"listening on (http://\S+)", line):
                yield f"{found[1]}/v1"
                return
        raise RuntimeError("aimock does not start")
    finally:
        process.terminate()
        process.wait()
