"""Answers to questions."""

from functools import partial
from typing import Any

from .stage import EXCHANGES, Exchange, exchange

SUBMISSIONS: dict[str, dict[str, Any]] = {
    "whole": {
        "answers": {"color": {"values": ["red"]}, "size": {"values": ["s", "m"]}, "note": {"values": ["Thanks"]}}
    },
    "nothing": {},
    "too-much": {"answers": {"color": {"values": ["blue", "red"]}, "else": {"values": ["x"]}}},
    "passed-over": {"answers": {"color": {"skipped": True, "values": ["red"]}, "size": {"values": []}}},
    "skipped": {"status": "skipped", "answers": {"color": {"values": ["red"]}}},
    "no-option": {"status": "answered", "answers": {"color": {"values": ["green"]}, "note": {"values": ["a", "b"]}}},
}


def answered(submission: dict[str, Any], script: str, stage: Exchange) -> None:
    stage.create(script)
    item_id = stage.last("structured_input")
    params = {"thread_id": stage.thread_id, "item_id": item_id, "input": submission}
    stage.stream("threads.add_structured_input", **params)
    stage.compare_shown()
    stage.compare_stored()
    stage.refused("threads.add_structured_input", **params)
    stage.say()
    stage.compare_stored()


for key, submission in SUBMISSIONS.items():
    EXCHANGES[f"questions-{key}"] = partial(answered, submission, "tool-ask")
EXCHANGES["questions-beside-a-widget"] = partial(
    answered, {"answers": {"note": {"values": ["x"]}}}, "tool-show-and-ask"
)


@exchange
def questions_are_answered_later(stage: Exchange) -> None:
    stage.create("tool-ask")
    item_id = stage.last("structured_input")
    stage.say()
    stage.stream("threads.add_structured_input", thread_id=stage.thread_id, item_id=item_id, input=SUBMISSIONS["whole"])
    stage.compare_shown()
    stage.compare_stored()


@exchange
def only_questions_are_answered(stage: Exchange) -> None:
    stage.create("tool-card")
    for item in stage.compare_stored():
        stage.refused("threads.add_structured_input", thread_id=stage.thread_id, item_id=item["id"], input={})
    stage.refused("threads.add_structured_input", 404, thread_id=stage.thread_id, item_id="msg_unknown", input={})
    stage.refused("threads.add_structured_input", 404, thread_id="thr_unknown", item_id="msg_unknown", input={})
    stage.compare_stored()
