"""The same scripted answers through both servers: the streams are the same, and so is what is stored."""

from typing import Any

from .cases import Case
from .compare import Difference, Pairing, compare
from .differences import RACES, explained
from .scripts import SCRIPTS, Script
from .wire import Answer, Server, message, walk


def cases(ours: Server, theirs: Server) -> list[Case]:
    """One case per script."""
    return [Case(f"stream {name}", lambda script=script: play(script, ours, theirs)) for name, script in SCRIPTS.items()]


def play(script: Script, ours: Server, theirs: Server) -> None:
    """A thread of two turns: the second shows whether the first has left anything behind."""
    user, pairing = f"stream-{script.name}", Pairing()
    answers = both(ours, theirs, user, "threads.create", {"input": message(f"play {script.name}")})
    same_streams(script.differences, *answers, pairing)
    for name in script.differences - RACES:
        if is_the_same(script.differences - {name}, *answers):
            raise Difference(f"the script names `{name}`, which explains nothing here")
    ids = [answer.events[0]["thread"]["id"] for answer in answers if answer.events]
    more = [
        server.ask(user, "threads.add_user_message", {"thread_id": thread_id, "input": message("play text")})
        for server, thread_id in zip((ours, theirs), ids)
    ]
    same_streams(frozenset(), *more, pairing)
    lists = [
        walk(server, user, "items.list", 3, "asc", thread_id=thread_id)
        for server, thread_id in zip((ours, theirs), ids)
    ]
    only_ours, only_theirs = uneven(*answers, pairing)
    kept = [item for item in lists[0] if item["id"] not in only_ours]
    other = [item for item in lists[1] if item["id"] not in only_theirs]
    if script.differences & {"own-ids-for-every-item"}:
        return
    if "thoughts-end-with-the-turn" in script.differences:
        for item in kept + other:
            item.get("workflow", {}).pop("summary", None)
    compare(kept, other, pairing, "stored")


def both(ours: Server, theirs: Server, user: str, operation: str, params: dict[str, Any]) -> tuple[Answer, Answer]:
    return ours.ask(user, operation, params), theirs.ask(user, operation, params)


def same_streams(differences: frozenset[str], ours: Answer, theirs: Answer, pairing: Pairing) -> None:
    """Raises `Difference`."""
    if ours.events is None or theirs.events is None:
        raise Difference(f"the answers are {ours} and {theirs}")
    compare(*explained(ours.events, theirs.events, differences), pairing, "events")


def is_the_same(differences: frozenset[str], ours: Answer, theirs: Answer) -> bool:
    try:
        same_streams(differences, ours, theirs, Pairing())
    except Difference:
        return False
    return True


def stored(answer: Answer) -> set[str]:
    """What a stream has left behind. The official server also stores thoughts that the answer ends with, unsaid."""
    events = answer.events or []
    done = {event["item"]["id"] for event in events if event["type"] == "thread.item.done"}
    has_failed = any(event["type"] == "error" for event in events)
    open_thoughts = {
        event["item"]["id"]
        for event in events
        if event["type"] == "thread.item.added" and event["item"]["type"] == "workflow" and not has_failed
    }
    return done | open_thoughts


def uneven(ours: Answer, theirs: Answer, pairing: Pairing) -> tuple[set[str], set[str]]:
    """The items that only one of the two has stored."""
    mine, other = stored(ours), stored(theirs)
    partners = {pairing.theirs(item_id) for item_id in mine}
    return {item_id for item_id in mine if pairing.theirs(item_id) not in other}, other - partners
