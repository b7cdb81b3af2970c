"""What people do in widgets."""

from typing import Any

from ..plays import card
from .stage import Stage, done, equal, events, refused, scenario, texts, types

ACT = "threads.custom_action"
ACT_AT_ONCE = "threads.sync_custom_action"


def shown_widget(stage: Stage) -> dict[str, Any]:
    """A new thread's widget."""
    return next(item for item in stage.items(stage.thread("play tool-copied")) if item["type"] == "widget")


def place(widget: dict[str, Any], play: str, **payload: Any) -> dict[str, Any]:
    """An action of a widget."""
    action = {"type": play, "payload": payload, "handler": "server", "loadingBehavior": "auto"}
    return {"thread_id": widget["thread_id"], "item_id": widget["id"], "action": action}


@scenario
def site_is_told_of_an_action(stage: Stage) -> None:
    widget = shown_widget(stage)
    events(stage.ask(ACT, **place(widget, "idle", count=2, nothing=None)))
    call = stage.calls()[-1]
    equal(call["type"], "action")
    equal(call["data"]["action"], {"type": "idle", "payload": {"count": 2, "nothing": None}})
    equal(call["data"]["item"], widget)
    events(stage.ask(ACT, thread_id=widget["thread_id"], action={"type": "idle"}))
    equal("item" in stage.calls()[-1]["data"], False)


@scenario
def action_changes_its_widget(stage: Stage) -> None:
    widget = shown_widget(stage)
    stream = events(stage.ask(ACT, **place(widget, "replace")))
    equal(types(stream), ["stream_options", "thread.item.replaced"])
    equal(stream[1]["item"], widget | {"widget": card("Two")})
    equal([item for item in stage.items(widget["thread_id"]) if item["type"] == "widget"], [stream[1]["item"]])


@scenario
def action_may_want_an_answer(stage: Stage) -> None:
    widget = shown_widget(stage)
    stream = events(stage.ask(ACT, **place(widget, "respond")))
    equal((types(stream)[1], texts(done(stream))), ("thread.item.replaced", ["I have seen it."]))
    assert any('"Three"' in text for _, text in stage.shown()), stage.shown()


@scenario
def action_without_a_stream(stage: Stage) -> None:
    widget = shown_widget(stage)
    updated = stage.get(ACT_AT_ONCE, **place(widget, "replace-copied"))
    equal(updated, {"updated_item": widget | {"widget": card("Two"), "copy_text": "2"}})
    equal([item for item in stage.items(widget["thread_id"]) if item["type"] == "widget"], [updated["updated_item"]])
    equal(stage.get(ACT_AT_ONCE, **place(widget, "idle")), {})


@scenario
def action_that_fails(stage: Stage) -> None:
    widget = shown_widget(stage)
    items = stage.items(widget["thread_id"])
    last = events(stage.ask(ACT, **place(widget, "fail")))[-1]
    equal((last["type"], last["code"], last["allow_retry"]), ("error", "custom", False))
    refused(stage.ask(ACT_AT_ONCE, **place(widget, "fail")), 502, "upstream_error")
    equal(stage.items(widget["thread_id"]), items)


@scenario
def only_ones_own_widgets_act(stage: Stage) -> None:
    widget = shown_widget(stage)
    calls = len(stage.calls())
    for operation in (ACT, ACT_AT_ONCE):
        for item in stage.items(widget["thread_id"]):
            if item["type"] != "widget":
                refused(stage.ask(operation, **place(item, "replace")), 400, "bad_request")
        refused(stage.other().ask(operation, **place(widget, "replace")), 404, "not_found")
        for unknown in ("msg_unknown", "", "../x", "#"):
            refused(stage.ask(operation, **place(widget | {"id": unknown}, "replace")), 404, "not_found")
    equal((len(stage.calls()), len(stage.other().calls())), (calls, 0))
