"""Random sequences of operations on both servers. A sequence is made from its seed alone, so that one that fails can be
played again: `--start SEED --seeds 1`."""

from ..cases import Case
from ..upstream import Upstream
from ..wire import Server
from .sequence import Sequence

__all__ = ["cases"]


def cases(ours: Server, theirs: Server, upstream: Upstream, start: int, count: int) -> list[Case]:
    """One case per seed."""
    return [
        Case(f"sequence {seed}", Sequence(seed, ours, theirs, upstream).play) for seed in range(start, start + count)
    ]
