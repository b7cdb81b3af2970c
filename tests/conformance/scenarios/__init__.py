"""What the official package's own suite asks of a server, as requests and answers of ours."""

from functools import partial

from ..cases import Case
from ..upstream import Upstream
from ..wire import Server
from . import answers, requests, threads, turns
from .stage import SCENARIOS, Stage

__all__ = ["answers", "cases", "requests", "threads", "turns"]


def cases(server: Server, upstream: Upstream) -> list[Case]:
    """One case per scenario, each with users of its own."""
    return [
        Case(f"scenario {name}", partial(scenario, Stage(server, upstream, name)))
        for name, scenario in SCENARIOS.items()
    ]
