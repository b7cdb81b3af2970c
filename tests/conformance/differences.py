"""The deliberate differences between streams, under their names in `DIFFERENCES.md`. Each takes what it explains out of
both streams, and nothing else, so that whatever is left must be the same."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

Events = list[dict[str, Any]]
Rule = Callable[[Events, Events], tuple[Events, Events]]

EVERYWHERE = ("own-ids", "utc-times", "pictures-are-files", "title-comes-beside-the-answer")
"""Differences of every stream; all but the last are in `compare.py`."""

RACES = {"failures-lose-nothing"}
"""Differences that are there in one run and not in the next."""


def is_update(event: dict[str, Any], *kinds: str) -> bool:
    return event["type"] == "thread.item.updated" and event["update"]["type"].endswith(kinds)


def blank(event: dict[str, Any]) -> bool:
    """Whether an answer is done that says nothing."""
    return event["type"] == "thread.item.done" and not any(
        part["text"].strip() for part in event["item"].get("content", [{"text": "not an answer"}])
    )


def workflow_of(event: dict[str, Any]) -> str | None:
    """The id of the workflow that the event is about."""
    if event.get("item", {}).get("type") == "workflow":
        return event["item"]["id"]
    return event["item_id"] if is_update(event, "workflow.task.added", "workflow.task.updated") else None


def title_comes_beside_the_answer(ours: Events, theirs: Events) -> tuple[Events, Events]:
    def last(events: Events) -> Events:
        """The last one is what counts: a tool may name the thread, too."""
        updated = [event for event in events if event["type"] == "thread.updated"][-1:]
        return [event for event in events if event["type"] != "thread.updated"] + updated

    return last(ours), last(theirs)


def error_says_why(ours: Events, theirs: Events) -> tuple[Events, Events]:
    def plain(events: Events) -> Events:
        return [{"type": "error"} if event["type"] == "error" else event for event in events]

    return plain(ours), plain(theirs)


def silence_is_an_error(ours: Events, theirs: Events) -> tuple[Events, Events]:
    is_silent = all(event["type"] != "error" for event in theirs)
    return [event for event in ours if event["type"] != "error" or not is_silent], theirs


def cuts_are_notices(ours: Events, theirs: Events) -> tuple[Events, Events]:
    is_cut = any(event["type"] == "notice" and event["level"] == "warning" for event in ours)
    if not is_cut:
        return ours, theirs
    return (
        [{"type": "error"} if event["type"] == "notice" else event for event in ours],
        [{"type": "error"} if event["type"] == "error" else event for event in theirs],
    )


def refusals_are_answers(ours: Events, theirs: Events) -> tuple[Events, Events]:
    error = {"type": "error"}
    return [*ours, error], [error if event["type"] == "error" else event for event in theirs]


def failures_lose_nothing(ours: Events, theirs: Events) -> tuple[Events, Events]:
    """What theirs tells before the failure is the beginning of what ours tells."""
    end = next((index for index, event in enumerate(theirs) if event["type"] == "error"), len(theirs))
    rest = [event for event in ours[end:] if event["type"] in {"error", "thread.updated"}]
    return title_comes_beside_the_answer(ours[:end] + rest, theirs)


def annotations_stay(ours: Events, theirs: Events) -> tuple[Events, Events]:
    def without(event: dict[str, Any]) -> dict[str, Any]:
        if not is_update(event, "content_part.done"):
            return event
        content = event["update"]["content"] | {"annotations": []}
        return event | {"update": event["update"] | {"content": content}}

    return [without(event) for event in ours], theirs


def reasoning_appears_with_its_first_words(ours: Events, theirs: Events) -> tuple[Events, Events]:
    spoken = {workflow_of(event) for event in theirs if event["type"] == "thread.item.updated"}
    return ours, [event for event in theirs if workflow_of(event) in {None} | spoken]


def later_thoughts_stream(ours: Events, theirs: Events) -> tuple[Events, Events]:
    """Of every thought but the first, what is left is the last that was told of it."""

    def condensed(events: Events) -> Events:
        kept: dict[Any, dict[str, Any]] = {}
        for position, event in enumerate(events):
            workflow = workflow_of(event)
            key: Any = position
            if workflow and event["type"] == "thread.item.updated" and event["update"]["task_index"] > 0:
                key = (workflow, event["update"]["task_index"])
                event = event | {"update": event["update"] | {"type": "thought"}}
                kept.pop(key, None)
            kept[key] = event
        return list(kept.values())

    return condensed(ours), condensed(theirs)


def thoughts_end_with_the_turn(ours: Events, theirs: Events) -> tuple[Events, Events]:
    """Without the end of thoughts of which theirs does not tell the end, or tells it in a later turn."""
    added = {event["item"]["id"] for event in theirs if event["type"] == "thread.item.added"}
    ended = {workflow_of(event) for event in theirs if event["type"] == "thread.item.done"} & added
    late = {workflow_of(event) for event in theirs if event["type"] == "thread.item.done"} - added - {None}
    theirs = [event for event in theirs if event["type"] != "thread.item.done" or workflow_of(event) not in late]
    if ended - {None}:
        return ours, theirs
    return [event for event in ours if event["type"] != "thread.item.done" or not workflow_of(event)], theirs


def empty_messages_are_taken_back(ours: Events, theirs: Events) -> tuple[Events, Events]:
    def taken_back(event: dict[str, Any]) -> dict[str, Any]:
        return {"type": "thread.item.removed", "item_id": event["item"]["id"]} if blank(event) else event

    return ours, [taken_back(event) for event in theirs]


def empty_deltas_are_dropped(ours: Events, theirs: Events) -> tuple[Events, Events]:
    return ours, [event for event in theirs if not is_update(event, "text_delta") or event["update"]["delta"]]


def what_runs_is_shown(ours: Events, theirs: Events) -> tuple[Events, Events]:
    """Ours without tasks, and without blocks in which there is nothing else."""
    kinds = {event["item"]["id"]: event["item"]["workflow"]["type"] for event in ours if workflow_item(event)}
    thoughts: dict[str, list[int]] = {}
    kept = []
    for event in ours:
        workflow = workflow_of(event)
        if workflow and kinds.get(workflow) == "custom":
            continue
        if workflow and event["type"] == "thread.item.updated":
            update, places = event["update"], thoughts.setdefault(workflow, [])
            if update["task"]["type"] != "thought":
                continue
            if update["task_index"] not in places:
                places.append(update["task_index"])
            event = event | {"update": update | {"task_index": places.index(update["task_index"])}}
        elif workflow:
            event = event | {"item": only_thoughts(event["item"])}
        kept.append(event)
    return kept, theirs


def only_thoughts(item: dict[str, Any]) -> dict[str, Any]:
    """`what-runs-is-shown`: a block without tasks."""
    if item["type"] != "workflow":
        return item
    tasks = [task for task in item["workflow"]["tasks"] if task["type"] == "thought"]
    return item | {"workflow": item["workflow"] | {"tasks": tasks}}


def workflow_item(event: dict[str, Any]) -> bool:
    return event.get("item", {}).get("type") == "workflow"


def progress_counts_what_is_there(ours: Events, theirs: Events) -> tuple[Events, Events]:
    def without(event: dict[str, Any]) -> dict[str, Any]:
        if not is_update(event, "generated_image.updated"):
            return event
        return event | {"update": {key: value for key, value in event["update"].items() if key != "progress"}}

    return [without(event) for event in ours], [without(event) for event in theirs]


def failed_pictures_are_taken_back(ours: Events, theirs: Events) -> tuple[Events, Events]:
    pictures = {event["item"]["id"] for event in ours if event.get("item", {}).get("type") == "generated_image"}
    return [
        event for event in ours if event["type"] != "thread.item.removed" or event["item_id"] not in pictures
    ], theirs


def titles_are_told_again(ours: Events, theirs: Events) -> tuple[Events, Events]:
    def untitled(events: Events) -> Events:
        return [event for event in events if event["type"] != "thread.updated"]

    return untitled(ours), untitled(theirs)


def unknown_functions_are_answered(ours: Events, theirs: Events) -> tuple[Events, Events]:
    error = {"type": "error"}
    if all(event["type"] != "error" for event in theirs):
        return ours, theirs
    return [*ours, error], [error if event["type"] == "error" else event for event in theirs]


def only_what_is_done(events: Events) -> Events:
    """The answers of a stream, without the way there."""
    return [event for event in events if event["type"] not in {"thread.item.added", "thread.item.updated"}]


def gaps_are_filled(ours: Events, theirs: Events) -> tuple[Events, Events]:
    """If theirs gets to the end of an answer, it is the same; if not, ours does all the same."""
    ours, theirs = only_what_is_done(ours), only_what_is_done(theirs)
    missing = len(ours) - len(theirs)
    answers = [event for event in ours if event["type"] == "thread.item.done"]
    if missing == 1 and len(answers) > len([event for event in theirs if event["type"] == "thread.item.done"]):
        ours.remove(answers[-1])
    return ours, theirs


def own_ids_for_every_item(ours: Events, theirs: Events) -> tuple[Events, Events]:
    """The answers without their ids, which repeat themselves in theirs."""

    def anonymous(events: Events) -> Events:
        nameless = []
        for event in events:
            if event.get("item", {}).get("type") == "assistant_message":
                event = event | {"item": {key: value for key, value in event["item"].items() if key != "id"}}
            nameless.append({key: value for key, value in event.items() if key != "item_id"})
        return nameless

    return anonymous(ours), anonymous(theirs)


RULES: dict[str, Rule] = {
    rule.__name__.replace("_", "-"): rule
    for rule in (
        silence_is_an_error,
        cuts_are_notices,
        error_says_why,
        refusals_are_answers,
        titles_are_told_again,
        unknown_functions_are_answered,
        what_runs_is_shown,
        progress_counts_what_is_there,
        failed_pictures_are_taken_back,
        annotations_stay,
        reasoning_appears_with_its_first_words,
        later_thoughts_stream,
        thoughts_end_with_the_turn,
        empty_messages_are_taken_back,
        empty_deltas_are_dropped,
        gaps_are_filled,
        own_ids_for_every_item,
        title_comes_beside_the_answer,
        failures_lose_nothing,
    )
}
"""In the order in which they are applied."""


def documented() -> set[str]:
    """The names of the differences that have a reason."""
    text = (Path(__file__).parent / "DIFFERENCES.md").read_text()
    return set(re.findall(r"^### `(.+)`$", text, re.MULTILINE))


def check_documentation() -> None:
    """What the code lets through is documented, and what is documented is let through somewhere."""
    here = Path(__file__).parent
    code = "".join(file.read_text() for file in here.rglob("*.py"))
    named = RULES.keys() | set(EVERYWHERE) | set(re.findall(r"`([a-z0-9]+(?:-[a-z0-9]+)+)`", code))
    named -= {"openai-chatkit"}
    if documented() != named:
        raise AssertionError(f"only documented: {documented() - named}; only in the code: {named - documented()}")


def explained(ours: Events, theirs: Events, names: frozenset[str]) -> tuple[Events, Events]:
    """Both streams without what the named differences explain."""
    for name, rule in RULES.items():
        if name in names or name in EVERYWHERE:
            ours, theirs = rule(ours, theirs)
    return ours, theirs
