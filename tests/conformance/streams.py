"""The same scripted answers through both servers: the streams are the same, and so is what is stored."""

from functools import partial

from . import answers
from .cases import Case
from .compare import Difference, Pairing, compare
from .differences import RACES, check_documentation, only_thoughts
from .scripts import SCRIPTS, Script
from .wire import Answer, Server, message, walk


def cases(ours: Server, theirs: Server) -> list[Case]:
    """One case per script, and one for `DIFFERENCES.md`."""
    return [
        Case("differences are documented", check_documentation),
        *(
            Case(f"stream {name}", partial(play, script, ours, theirs))
            for name, script in SCRIPTS.items()
            if script.is_compared
        ),
    ]


def play(script: Script, ours: Server, theirs: Server) -> None:
    """A thread of two turns: the second shows whether the first has left anything behind."""
    user, pairing, servers = f"stream-{script.name}", Pairing(), (ours, theirs)
    mine, other = [server.ask(user, "threads.create", {"input": message(f"play {script.name}")}) for server in servers]
    answers.streams(script.differences, mine, other, pairing)
    for name in script.differences - RACES:
        if are_the_same(script.differences - {name}, mine, other):
            raise Difference(f"the script names `{name}`, which explains nothing here")

    only_ours, only_theirs = answers.uneven(mine, other, pairing)
    ids = [answer.events[0]["thread"]["id"] for answer in (mine, other) if answer.events]
    mine, other = [
        server.ask(user, "threads.add_user_message", {"thread_id": thread_id, "input": message("play text")})
        for server, thread_id in zip(servers, ids, strict=True)
    ]
    answers.streams(frozenset(), mine, other, pairing)
    if "own-ids-for-every-item" in script.differences:
        return
    kept, others = [
        [
            only_thoughts(item)
            for item in walk(server, user, "items.list", 3, "asc", thread_id=thread_id)
            if item["id"] not in only
        ]
        for server, thread_id, only in zip(servers, ids, (only_ours, only_theirs), strict=True)
    ]
    if "thoughts-end-with-the-turn" in script.differences:
        for item in kept + others:
            item.get("workflow", {}).pop("summary", None)
    compare(kept, others, pairing, "stored")


def are_the_same(differences: frozenset[str], ours: Answer, theirs: Answer) -> bool:
    try:
        answers.streams(differences, ours, theirs, Pairing())
    except Difference:
        return False
    return True
