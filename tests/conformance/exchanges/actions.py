"""Actions of widgets and of the page."""

from functools import partial

from ..compare import Pairing, compare
from ..plays import ACTION_PLAYS, PLAYS, SYNC_PLAYS
from .stage import EXCHANGES, NONE, Exchange, exchange

FAILURES = frozenset({"error-says-why"})


def acts(play: str, stage: Exchange) -> None:
    """An action of a widget, and one of the page's own."""
    stage.create("tool-copied")
    item_id = stage.last("widget")
    action = {"type": play, "payload": {"count": 2, "nothing": None}}
    differences = FAILURES if PLAYS[play].fails else NONE
    stage.stream("threads.custom_action", differences, thread_id=stage.thread_id, item_id=item_id, action=action)
    stage.compare_stored()
    if play == "title":
        differences |= {"titles-are-told-again"}
    stage.stream("threads.custom_action", differences, thread_id=stage.thread_id, action={"type": play})
    stage.compare_stored()
    stage.say()
    stage.compare_stored()


def acts_at_once(play: str, stage: Exchange) -> None:
    """The same without a stream."""
    stage.create("tool-copied")
    params = {"thread_id": stage.thread_id, "item_id": stage.last("widget"), "action": {"type": play}}
    if PLAYS[play].fails:
        ours, theirs = stage.ask("threads.sync_custom_action", **params)
        compare((ours.status, theirs.status), (502, 500), Pairing(), "statuses")
    else:
        stage.documents("threads.sync_custom_action", **params)
    stage.compare_stored()
    stage.say()


@exchange
def only_widgets_act(stage: Exchange) -> None:
    stage.create("tool-card")
    for operation in ("threads.custom_action", "threads.sync_custom_action"):
        for item in stage.compare_stored():
            if item["type"] != "widget":
                params = {"thread_id": stage.thread_id, "item_id": item["id"]}
                stage.refused(operation, **params, action={"type": "replace"})
        unknown = {"item_id": "msg_unknown", "action": {"type": "replace"}}
        stage.refused(operation, 404, thread_id=stage.thread_id, **unknown)
        stage.refused(operation, 404, thread_id="thr_unknown", **unknown)
    stage.compare_stored()


for play in ACTION_PLAYS:
    EXCHANGES[f"action-{play}"] = partial(acts, play)
for play in SYNC_PLAYS:
    EXCHANGES[f"sync-action-{play}"] = partial(acts_at_once, play)
