"""Requests of every operation with every field missing or of another type: ours understands what the package's models
understand, and more only where `more-is-understood-than-must-be` says so."""

import json
from collections.abc import Iterator
from copy import deepcopy
from functools import partial
from typing import Any

from chatkit.types import ChatKitReq
from pydantic import TypeAdapter, ValidationError

from .cases import Case
from .compare import Difference
from .wire import Server

REQUEST: TypeAdapter[Any] = TypeAdapter(ChatKitReq)

TAG = {"type": "input_tag", "id": "a", "text": "A", "data": {"k": 1}, "group": "G", "interactive": True}
INPUT = {
    "content": [{"type": "input_text", "text": "play single"}, TAG],
    "attachments": [],
    "quoted_text": "q",
    "inference_options": {"tool_choice": {"id": "search"}, "model": "m"},
}
ACTION = {"thread_id": "thr_no", "item_id": "msg_no", "action": {"type": "go", "payload": {"a": 1}}}
SUBMISSION = {"status": "answered", "answers": {"q": {"values": ["A"], "skipped": False}}}
PARAMS: dict[str, dict[str, Any]] = {
    "threads.create": {"input": INPUT},
    "threads.add_user_message": {"thread_id": "thr_no", "input": INPUT},
    "threads.add_client_tool_output": {"thread_id": "thr_no", "result": 1},
    "threads.add_structured_input": {"thread_id": "thr_no", "item_id": "msg_no", "input": SUBMISSION},
    "threads.retry_after_item": {"thread_id": "thr_no", "item_id": "msg_no"},
    "threads.custom_action": ACTION,
    "threads.sync_custom_action": ACTION,
    "threads.get_by_id": {"thread_id": "thr_no"},
    "threads.list": {"limit": 5, "order": "asc", "after": "thr_no"},
    "threads.update": {"thread_id": "thr_no", "title": "T"},
    "threads.delete": {"thread_id": "thr_no"},
    "items.list": {"thread_id": "thr_no", "limit": 5, "order": "asc", "after": "msg_no"},
    "items.feedback": {"thread_id": "thr_no", "item_ids": ["msg_no"], "kind": "positive"},
    "attachments.create": {"name": "a", "size": 1, "mime_type": "image/png"},
    "attachments.delete": {"attachment_id": "atc_no"},
    "input.transcribe": {"audio_base64": "YWJj", "mime_type": "audio/webm"},
}

MISSING = object()
VALUES: tuple[Any, ...] = (
    MISSING,
    None,
    True,
    False,
    0,
    3,
    3.0,
    1.5,
    -1,
    "",
    "3",
    " 3 ",
    "3.0",
    "x",
    "true",
    "yes",
    [],
    {},
    ["x"],
    [None],
    {"x": 1},
)

LENIENT = {"metadata", "attachments", "inference_options", "data", "interactive", "order"}
"""`more-is-understood-than-must-be`: keys that may be missing or null; the first one is never read."""

ODD_SCALARS: dict[str, tuple[Any, ...]] = {
    "interactive": (0, "true", "yes"),
    "skipped": (0, "true", "yes"),
    "limit": (True, False, "3.0"),
    "size": (True, False, "3.0"),
}
"""`odd-scalars-are-refused`: by key, values that pydantic takes for a truth or an integer."""


def cases(server: Server) -> list[Case]:
    """One case per operation."""
    return [Case(f"shapes of {operation}", partial(check, server, operation)) for operation in PARAMS]


def check(server: Server, operation: str) -> None:
    """Tries every shape, and raises with all that are taken differently."""
    wrong = []
    for path, value, shape in shapes({"type": operation, "params": PARAMS[operation], "metadata": {"a": 1}}):
        mine, theirs = understands(server, operation, shape), is_valid(shape)
        if mine != theirs and not is_deliberate(path, value, mine):
            place, shown = ".".join(str(step) for step in path), "nothing" if value is MISSING else json.dumps(value)
            wrong.append(f"{place}: {shown} is {'understood' if mine else 'refused'} by ours only")
    if wrong:
        raise Difference(f"{len(wrong)} shapes\n    " + "\n    ".join(wrong))


def is_deliberate(path: list[Any], value: Any, mine: bool) -> bool:
    """Whether `DIFFERENCES.md` explains why only one of the two understands."""
    if mine:
        return path[0] == "metadata" or (path[-1] in LENIENT and (value is MISSING or value is None))
    # `actions-have-a-type`
    if (path[-2:] == ["action", "type"] and value is MISSING) or (path[-1] == "action" and isinstance(value, dict)):
        return True
    return any(value is odd or (value == odd and type(value) is type(odd)) for odd in ODD_SCALARS.get(path[-1], ()))


def understands(server: Server, operation: str, shape: Any) -> bool:
    """Whether a body is understood. It may be refused all the same, for what it says."""
    answer = server.post("shapes", json.dumps(shape).encode())
    if answer.status >= 500:
        raise Difference(f"{json.dumps(shape)} is answered with {answer.status}")
    unread = (f"`{operation}`: ", "the body is not a ChatKit request", "unknown operation")
    return answer.status != 400 or not answer.document["message"].startswith(unread)


def is_valid(shape: Any) -> bool:
    try:
        REQUEST.validate_json(json.dumps(shape))
    except ValidationError:
        return False
    return True


def shapes(request: dict[str, Any]) -> Iterator[tuple[list[Any], Any, Any]]:
    """Where what is put, and the request with it."""
    for path in paths(request):
        for value in VALUES:
            changed = deepcopy(request)
            place = changed
            for step in path[:-1]:
                place = place[step]
            if value is not MISSING:
                place[path[-1]] = value
            else:
                del place[path[-1]]
            yield path, value, changed


def paths(value: Any) -> Iterator[list[Any]]:
    """Where a value's parts are."""
    for key, part in value.items() if isinstance(value, dict) else enumerate(value):
        yield [key]
        if isinstance(part, (dict, list)):
            yield from ([key, *rest] for rest in paths(part))
