"""The official package as the judge of every byte: its models must read what the server sends, and write it again
unchanged. Beyond the models, a stream must make sense: what the updates add up to is what `thread.item.done` says."""

import json
from copy import deepcopy
from datetime import datetime
from typing import Any

from chatkit.types import (
    Attachment,
    Page,
    SyncCustomActionResponse,
    Thread,
    ThreadItem,
    ThreadStreamEvent,
    TranscriptionResult,
)
from pydantic import TypeAdapter, ValidationError

from .wire import STREAMED, Answer

EVENT: TypeAdapter[Any] = TypeAdapter(ThreadStreamEvent)
DOCUMENTS: dict[str, TypeAdapter[Any] | None] = {
    "threads.get_by_id": TypeAdapter(Thread),
    "threads.list": TypeAdapter(Page[Thread]),
    "threads.update": TypeAdapter(Thread),
    "threads.delete": None,
    "items.list": TypeAdapter(Page[ThreadItem]),
    "items.feedback": None,
    "threads.sync_custom_action": TypeAdapter(SyncCustomActionResponse),
    "attachments.create": TypeAdapter(Attachment),
    "attachments.delete": None,
    "input.transcribe": TypeAdapter(TranscriptionResult),
}
OPENINGS = {
    "threads.create": ["thread.created", "thread.item.done", "stream_options"],
    "threads.add_user_message": ["thread.item.done", "stream_options"],
    "threads.retry_after_item": ["stream_options"],
    "threads.add_client_tool_output": ["stream_options"],
    "threads.add_structured_input": ["stream_options", "thread.item.replaced"],
    "threads.custom_action": ["stream_options"],
}
AT_ONCE = {"widget", "structured_input", "client_tool_call", "end_of_turn"}
"""Items that may be done without having been added."""

BAD_GATEWAY = {"threads.sync_custom_action", "input.transcribe"}
"""Operations whose answer is somebody else's, and no stream."""


class Violation(AssertionError):
    """Something that the official package does not read, or not as it was meant."""


class Oracle:
    """Judges answers, and counts what it has judged."""

    def __init__(self) -> None:
        self.events = 0
        self.documents = 0
        self.errors = 0

    def judge(self, operation: str, answer: Answer) -> None:
        """Raises `Violation`."""
        if answer.status != 200:
            self.errors += 1
            check_error(operation, answer)
        elif operation in STREAMED:
            if answer.events is None or answer.is_broken:
                raise Violation(f"`{operation}` is not answered with whole events")
            self.events += len(answer.events)
            for event in answer.events:
                round_trip(EVENT, event)
            check_stream(operation, answer.events)
        else:
            self.documents += 1
            adapter = DOCUMENTS[operation]
            if adapter is None:
                expect(answer.document == {}, f"`{operation}` is answered with {answer.document}")
            else:
                round_trip(adapter, answer.document)


def expect(condition: bool, message: str) -> None:
    if not condition:
        raise Violation(message)


def check_error(operation: str, answer: Answer) -> None:
    """The documented error body."""
    body = answer.document
    is_gateway = answer.status == 502 and operation in BAD_GATEWAY
    expect(400 <= answer.status < 500 or is_gateway, f"status {answer.status}")
    expect(isinstance(body, dict) and set(body) == {"error", "message", "request_id"}, f"an error of the form {body}")
    expect(body["request_id"] == answer.headers.get("x-request-id"), "the error has another id than its header")


def round_trip(adapter: TypeAdapter[Any], sent: Any) -> None:
    """What the models read and write again is what was sent: no nulls, no unknown keys, nothing lost."""
    try:
        model = adapter.validate_json(json.dumps(sent))
    except ValidationError as error:
        raise Violation(f"the models do not read {json.dumps(sent)}: {error}") from error
    written = json.loads(adapter.dump_json(model, by_alias=True, exclude_none=True, context={"exclude_metadata": True}))
    expect(instants(written) == instants(sent), f"sent {json.dumps(sent)}, the models write {json.dumps(written)}")


def instants(value: Any) -> Any:
    """The same with times as moments, since one moment can be written with more or fewer digits. They are in UTC and
    say so."""
    if isinstance(value, list):
        return [instants(element) for element in value]
    if not isinstance(value, dict):
        return value
    result = {key: instants(element) for key, element in value.items()}
    if "created_at" in result:
        expect(result["created_at"].endswith("Z"), f"the time {result['created_at']} is not in UTC")
        result["created_at"] = datetime.fromisoformat(result["created_at"])
    return result


def check_stream(operation: str, events: list[dict[str, Any]]) -> None:
    """The order of events, and that updates add up."""
    types = [event["type"] for event in events]
    opening = OPENINGS[operation]
    expect(types[: len(opening)] == opening or types == ["error"], f"the stream begins with {types[:3]}")
    expect("error" not in types[:-1], f"something follows the error in {types}")
    expect(types.count("stream_options") <= 1, "`stream_options` comes twice")
    items: dict[str, dict[str, Any]] = {}
    done: set[str] = set()
    threads = {event["item"]["thread_id"] for event in events if "item" in event}
    threads |= {event["thread"]["id"] for event in events if "thread" in event}
    expect(len(threads) <= 1, f"one stream is about the threads {threads}")
    for event in events[len(opening) :]:
        match event["type"]:
            case "thread.item.added":
                expect(event["item"]["id"] not in done | items.keys(), "an item is added twice")
                items[event["item"]["id"]] = deepcopy(event["item"])
            case "thread.item.updated":
                expect(event["item_id"] in items, "an update of an item that is not open")
                apply(items[event["item_id"]], event["update"])
            case "thread.item.done":
                item = event["item"]
                done.add(item["id"])
                if item["type"] in AT_ONCE and item["id"] not in items:
                    continue
                expect(item["id"] in items, "an item is done that was never added")
                added = items.pop(item["id"])
                if item["type"] == "generated_image":
                    added["image"] = item["image"]
                summary = item.get("workflow", {}).get("summary")
                if summary and "workflow" in added:
                    added["workflow"]["summary"] = summary
                    stop_tasks(added["workflow"]["tasks"], item["workflow"]["tasks"])
                expect(added == item, f"the updates make {json.dumps(added)}, done says {json.dumps(item)}")
            case "thread.item.removed":
                expect(event["item_id"] in items, "an item is removed that was never added")
                items.pop(event["item_id"])
            case _:
                pass
    expect(not items, f"items are never done: {list(items)}")


def stop_tasks(told: list[dict[str, Any]], done: list[dict[str, Any]]) -> None:
    """What was under way when its block ended is no longer."""
    for task, final in zip(told, done, strict=False):
        if task["status_indicator"] == "loading":
            expect(final["status_indicator"] != "loading", "a task of a block that is done is still under way")
            task["status_indicator"] = final["status_indicator"]


def apply(item: dict[str, Any], update: dict[str, Any]) -> None:
    """Changes an item as an update says."""
    kind = update["type"]
    if kind.startswith("workflow.task."):
        tasks, index = item["workflow"]["tasks"], update["task_index"]
        expect(index == len(tasks) if kind.endswith("added") else index < len(tasks), f"task {index} of {len(tasks)}")
        tasks[index:] = [update["task"], *tasks[index + 1 :]]
        return
    if kind.startswith("widget."):
        change_widget(item, update)
        return
    if kind == "generated_image.updated":
        item["image"] = update["image"]
        return
    content, index = item["content"], update["content_index"]
    if kind.endswith("content_part.added"):
        expect(index == len(content), f"part {index} is added as number {len(content)}")
        content.append(deepcopy(update["content"]))
        return
    expect(index < len(content), f"an update of part {index} of {len(content)}")
    part = content[index]
    if kind.endswith("text_delta"):
        part["text"] += update["delta"]
    elif kind.endswith("annotation_added"):
        expect(update["annotation_index"] == len(part["annotations"]), "annotations are not counted from 0")
        part["annotations"].append(update["annotation"])
    elif kind.endswith("content_part.done"):
        content[index] = deepcopy(update["content"])
    else:
        raise Violation(f"an update of the unknown type {kind}")


def change_widget(item: dict[str, Any], update: dict[str, Any]) -> None:
    """Changes a widget as an update says."""
    if update["type"] == "widget.root.updated":
        item["widget"] = deepcopy(update["widget"])
        return
    expect(update["type"] == "widget.streaming_text.value_delta", f"an update of the unknown type {update['type']}")
    named = [part for part in components(item["widget"]) if part.get("id") == update["component_id"]]
    expect(len(named) == 1, f"{len(named)} components are called {update['component_id']}")
    named[0]["value"] += update["delta"]
    if update["done"]:
        named[0]["streaming"] = False


def components(component: dict[str, Any]) -> list[dict[str, Any]]:
    """A component and all those in it."""
    return [component, *(each for child in component.get("children", []) for each in components(child))]
