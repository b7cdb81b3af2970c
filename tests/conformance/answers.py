"""Whether two answers to the same operation agree. What a deliberate difference explains is named where it is allowed,
by its heading in `DIFFERENCES.md`."""

from typing import Any

from . import prompts
from .compare import Difference, Pairing, compare
from .differences import explained
from .wire import Answer, Server, walk

EMPTY_PAGE = {"data": [], "has_more": False}

ITEMS_WITH_THREAD = 200


def both_refuse(ours: Answer, theirs: Answer) -> None:
    """`refusals-have-a-status`: ours with 4xx and a documented body, theirs with a 500, a body that breaks off, or an
    error that is all there is."""
    theirs_refuses = theirs.refused or [event["type"] for event in theirs.events or ()] == ["error"]
    if not (400 <= ours.status < 500 and theirs_refuses):
        raise Difference(f"ours answers {ours}, theirs {theirs}")


def half_created(ours: Answer, theirs: Answer) -> None:
    """`nothing-is-half-created`: ours refuses, theirs breaks off behind the new thread."""
    if (
        ours.status != 400
        or not theirs.is_broken
        or [event["type"] for event in theirs.events or ()] != ["thread.created"]
    ):
        raise Difference(f"ours answers {ours}, theirs {theirs}")


def unknown_thread(operation: str, ours: Answer, theirs: Answer) -> None:
    """`unknown-is-404`: where theirs takes a thread that does not exist for one without items, ours says so."""
    if operation == "threads.delete":
        compare(ours.document, theirs.document, Pairing())
    elif operation == "items.list":
        if ours.status != 404 or theirs.document != EMPTY_PAGE:
            raise Difference(f"ours answers {ours}, theirs {theirs}")
    else:
        both_refuse(ours, theirs)


def unknown_item(operation: str, ours: Answer, theirs: Answer) -> None:
    """`unknown-is-404`: where theirs ends a retry without a word, ours says that there is no such message."""
    if operation == "threads.retry_after_item":
        if ours.status != 404 or theirs.events != []:
            raise Difference(f"ours answers {ours}, theirs {theirs}")
    else:
        both_refuse(ours, theirs)


def streams(differences: frozenset[str], ours: Answer, theirs: Answer, pairing: Pairing) -> None:
    """The events, but for what the named differences explain."""
    if ours.events is None or theirs.events is None:
        raise Difference(f"ours answers {ours}, theirs {theirs}")
    compare(*explained(ours.events, theirs.events, differences), pairing, "events")


def documents(ours: Answer, theirs: Answer, pairing: Pairing) -> None:
    """The documents, which are the same."""
    if ours.status != 200 or theirs.status != 200:
        raise Difference(f"ours answers {ours}, theirs {theirs}")
    compare(ours.document, theirs.document, pairing, "document")


def from_a_cursor_that_is_gone(page: dict[str, Any], limit: int, everything: list[str]) -> None:
    """`cursors-need-not-exist`: theirs refuses, ours goes on from where the element was; a page without a gap."""
    ids = [element["id"] for element in page["data"]]
    start = everything.index(ids[0]) if ids else len(everything)
    if ids != everything[start:][: limit or 20] or page["has_more"] != (start + len(ids) < len(everything)):
        raise Difference(f"the page {ids} is no part of {everything}")


def thread_with_newest_items(ours: Answer, theirs: Answer, their_server: Server, user: str, their_id: str) -> Answer:
    """`newest-items-with-the-thread`: theirs brings the oldest 20 items, ours the newest 200. What theirs would say."""
    newest = {"thread_id": their_id, "limit": ITEMS_WITH_THREAD, "order": "desc"}
    page = their_server.ask(user, "items.list", newest).document
    if theirs.status != 200:
        raise Difference(f"ours answers {ours}, theirs {theirs}")
    oldest = walk(their_server, user, "items.list", 20, "asc", thread_id=their_id)
    # `pages-are-full`: hidden items are among the 20.
    brought = theirs.document["items"]["data"]
    if brought != oldest[: len(brought)]:
        raise Difference(f"theirs no longer brings the oldest items: {theirs}")
    return Answer(200, document=theirs.document | {"items": page | {"data": page["data"][::-1]}})


def transcripts(ours: list[prompts.Line], theirs: list[prompts.Line], pairing: Pairing) -> None:
    """What the model is shown is the same but for what `context-in-own-words`, `calls-are-remembered` and
    `calls-are-readable` explain."""
    mine = prompts.in_plain_words(prompts.of_this_turn(ours), pairing)
    readable = prompts.with_readable_calls(prompts.of_this_turn(theirs))
    compare(mine, prompts.in_plain_words(readable), Pairing(), "shown")


def stored(answer: Answer) -> list[str]:
    """What a stream has left behind, in order. `thoughts-end-with-the-turn`: theirs also stores thoughts with which the
    answer ends, and does not say so."""
    events = answer.events or []
    # Theirs may end an item twice, the second time in a later turn.
    added = {event["item"]["id"] for event in events if event["type"] == "thread.item.added"}
    done = [
        event["item"]["id"]
        for event in events
        if event["type"] == "thread.item.done" and (event["item"]["type"] != "workflow" or event["item"]["id"] in added)
    ]
    if any(event["type"] == "error" for event in events):
        return done
    started = [event["item"] for event in events if event["type"] == "thread.item.added"]
    return done + [item["id"] for item in started if item["type"] == "workflow" and item["id"] not in done]


def uneven(ours: Answer, theirs: Answer, pairing: Pairing) -> tuple[set[str], set[str]]:
    """The items that only one of the two has stored."""
    mine, other = stored(ours), stored(theirs)
    partners = {pairing.theirs(item_id) for item_id in mine}
    return {item_id for item_id in mine if pairing.theirs(item_id) not in other}, set(other) - partners
