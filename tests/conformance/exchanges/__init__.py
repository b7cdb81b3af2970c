"""What goes on behind an answer, on both servers: the page, questions, actions, files, dictation."""

from functools import partial

from ..cases import Case
from ..upstream import Upstream
from ..wire import Server
from . import actions, files, page, questions
from .stage import EXCHANGES, Exchange

__all__ = ["actions", "cases", "files", "page", "questions"]


def cases(ours: Server, theirs: Server, upstream: Upstream) -> list[Case]:
    """One case per exchange."""
    return [
        Case(f"exchange {name}", partial(play, Exchange(name, ours, theirs, upstream)))
        for name, play in EXCHANGES.items()
    ]
