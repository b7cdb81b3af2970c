"""Calls of functions that the site and the page run. Each of the site's plays has a script `tool-NAME`."""

import json
from collections.abc import Callable, Iterator
from typing import Any

from ..plays import TOOL_PLAYS
from ..responses import Response, Text
from .script import SCRIPTS, Events, Script, answer, script
from .texts import slowly

SHOWN = "what-runs-is-shown"


def calling(*calls: tuple[str, str]) -> Callable[[Response], None]:
    """An answer that is nothing but calls, by name and arguments."""

    def write(response: Response) -> None:
        response.begin()
        for name, arguments in calls:
            response.call(name, arguments)
        response.complete()

    return write


def performing(*plays: str) -> Callable[[Response], None]:
    return calling(*(("perform", json.dumps({"play": play})) for play in plays))


def seen(response: Response) -> None:
    answer(response, Text(["I have ", "seen it."]))


def register(name: str, *rounds: Callable[[Response], None], **fields: Any) -> None:
    fields = {"differences": frozenset({SHOWN}), "then": (*rounds[1:], seen)} | fields
    SCRIPTS[name] = Script(name, rounds[0], **fields)


for play in TOOL_PLAYS:
    register(f"tool-{play}", performing(play))

register("two-calls", performing("text", "card"))
register("three-rounds", performing("text"), performing("hidden"), performing("card"))
register("call-without-arguments", calling(("perform", "")), differences=frozenset())
register("call-with-wrong-arguments", calling(("perform", '{"play": 5}')), differences=frozenset())
register("call-with-broken-arguments", calling(("perform", '{"play": "te')), differences=frozenset())
register("pick", calling(("pick", '{"kind": "lamp"}')), differences=frozenset())

# What theirs forgets on the way, it would do again; and it stops after another number of rounds.
register("perform-and-pick", performing("text"), calling(("pick", '{"kind": "lamp"}')), is_compared=False)
register("two-picks", calling(("pick", '{"kind": "lamp"}'), ("pick", '{"kind": "shade"}')), is_compared=False)
register("flaky-call", performing("flaky"), is_compared=False)
register("forever", performing("text"), then=(), is_compared=False)


def in_order(events: Events) -> Iterator[bytes]:
    """`tools-do-not-overtake`: with pauses in which theirs tells what it has."""
    return slowly(events, pause=0.02)


@script(SHOWN, then=(seen,), encode=in_order)
def text_and_call(response: Response) -> None:
    response.begin()
    response.message(Text(["Let me ", "look."]))
    response.call("perform", '{"play": "card"}')
    response.complete()


@script(SHOWN, then=(seen,), encode=in_order)
def thought_and_call(response: Response) -> None:
    response.begin()
    response.reasoning(["Let me ", "see."])
    response.call("perform", '{"play": "output"}')
    response.complete()


@script("thoughts-end-with-the-turn", then=(seen,))
def thought_and_pick(response: Response) -> None:
    response.begin()
    response.reasoning(["What is ", "picked?"])
    response.call("pick", '{"kind": "lamp"}')
    response.complete()


@script(then=(seen,))
def text_before_pick(response: Response) -> None:
    response.begin()
    response.message(Text(["Let me look."]))
    response.call("pick", '{"kind": "lamp"}')
    response.complete()


@script("unknown-functions-are-answered", "failures-lose-nothing", then=(seen,))
def unknown_function(response: Response) -> None:
    response.begin()
    response.call("no_such_function", "{}")
    response.complete()
