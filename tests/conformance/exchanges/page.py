"""What the page returns from functions that the model calls."""

from typing import Any

from ..scripts import SCRIPTS
from .stage import Exchange, exchange


def picked(stage: Exchange, script: str, result: Any) -> None:
    stage.create(script)
    stage.stream(
        "threads.add_client_tool_output", SCRIPTS[script].differences, thread_id=stage.thread_id, result=result
    )
    stage.compare_shown()
    stage.compare_stored()
    stage.say()
    stage.compare_stored()


@exchange
def page_returns_an_output(stage: Exchange) -> None:
    picked(stage, "pick", {"kind": "lamp", "count": 2, "nothing": None})


@exchange
def page_returns_nothing(stage: Exchange) -> None:
    picked(stage, "pick", None)


@exchange
def page_returns_a_text(stage: Exchange) -> None:
    picked(stage, "text-before-pick", "Grüße")


@exchange
def page_returns_after_a_thought(stage: Exchange) -> None:
    picked(stage, "thought-and-pick", [1, 2])


@exchange
def page_returns_too_late(stage: Exchange) -> None:
    stage.create("pick")
    stage.say()
    stage.refused("threads.add_client_tool_output", thread_id=stage.thread_id, result=1)
    # The next output that is taken drops the call that was never answered.
    stage.say("pick")
    stage.stream("threads.add_client_tool_output", thread_id=stage.thread_id, result=1)
    stage.compare_stored()
    stage.refused("threads.add_client_tool_output", thread_id=stage.thread_id, result=2)
    stage.refused("threads.add_client_tool_output", 404, thread_id="thr_unknown", result=2)


@exchange
def page_returns_in_a_thread_that_was_retried(stage: Exchange) -> None:
    question = stage.create("pick")[1]["item"]["id"]
    stage.stream("threads.retry_after_item", thread_id=stage.thread_id, item_id=question)
    stage.stream("threads.add_client_tool_output", thread_id=stage.thread_id, result=1)
    stage.compare_stored()
