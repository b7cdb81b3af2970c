"""What schemathesis cannot know: which threads exist, what the scripted model and site play, and with what an operation
of ChatKit is answered."""

import zlib

import schemathesis

from . import schemas
from .known import ACTIONS, SCRIPT_NAMES, items, threads


@schemathesis.hook
def map_case(context, case):
    """The same request for what exists. What is taken depends on the request only, so that a run can be repeated."""
    random = zlib.crc32(repr((case.body, case.path_parameters)).encode(errors="replace"))
    if random % 4 == 0:
        return case
    if case.path_parameters and isinstance(case.path_parameters.get("thread"), str):
        case.path_parameters["thread"] = pick(threads, random)
    if case.headers and random % 8:
        case.headers.pop("last-event-id", None)
    params = case.body.get("params") if isinstance(case.body, dict) else None
    if isinstance(params, dict) and case.body.get("type") != "threads.delete":
        use_known(params, random)
    return case


def use_known(params, random):
    thread = pick(threads, random)
    item = pick(items[thread], random)
    if isinstance(params.get("thread_id"), str):
        params["thread_id"] = thread
    if isinstance(params.get("item_id"), str):
        params["item_id"] = item
    if isinstance(params.get("item_ids"), list):
        params["item_ids"] = [item if isinstance(each, str) else each for each in params["item_ids"]]
    match params:
        case {"input": {"content": [{"type": "input_text", "text": str()} as first, *_]}}:
            first["text"] = f"play {pick(SCRIPT_NAMES, random)}"
        case {"action": {"type": str()} as action}:
            action["type"] = pick(ACTIONS, random)


def pick(choices, random):
    return choices[random // 8 % len(choices)]


@schemathesis.check
def answers_the_operation(ctx, response, case):
    if case.path != "/chatkit" or response.status_code != 200 or not isinstance(case.body, dict):
        return
    if response.headers["content-type"][0].startswith("text/event-stream"):
        for event in schemas.data_of(response.text):
            schemas.require(schemas.EVENT, event)
    else:
        schemas.require(schemas.of_operation(case.body["type"]), response.json())
