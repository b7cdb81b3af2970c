"""Whether two JSON values are the same but for ids and moments, which each server makes itself."""

from typing import Any

IDS = {"id", "thread_id", "item_id", "after"}
"""Keys whose values are compared by what they name."""

MOMENTS = {"created_at", "duration"}
"""Keys whose values depend on the clock. Each is checked on its own side by the oracle."""


class Difference(AssertionError):
    """Where the two servers differ."""


class Pairing:
    """Which id here is which id there. An id has one partner, and the same prefix as it."""

    def __init__(self) -> None:
        self._theirs: dict[str, str] = {}
        self._ours: dict[str, str] = {}

    def theirs(self, ours: str) -> str:
        """The partner of our id. An id that was never seen is the same on both sides."""
        return self._theirs.get(ours, ours)

    def knows(self, ours: str) -> bool:
        return ours in self._theirs

    def bind(self, ours: str, theirs: str, path: str) -> None:
        if ours.partition("_")[0] != theirs.partition("_")[0]:
            raise Difference(f"{path}: `{ours}` and `{theirs}` are ids of different kinds")
        if self._theirs.setdefault(ours, theirs) != theirs or self._ours.setdefault(theirs, ours) != ours:
            raise Difference(
                f"{path}: `{ours}` and `{theirs}` stand in the same place, "
                f"but `{ours}` is `{self._theirs.get(ours)}` and `{theirs}` is `{self._ours.get(theirs)}`"
            )


def compare(ours: Any, theirs: Any, pairing: Pairing, path: str = "$") -> None:
    """Raises `Difference` at the first place where the values differ."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        if ours.keys() != theirs.keys():
            raise Difference(f"{path}: the keys are {sorted(ours)} and {sorted(theirs)}: {ours} and {theirs}")
        for key in ours:
            place = f"{path}.{key}"
            if key in IDS and isinstance(ours[key], str) and isinstance(theirs[key], str):
                pairing.bind(ours[key], theirs[key], place)
            elif key not in MOMENTS:
                compare(ours[key], theirs[key], pairing, place)
    elif isinstance(ours, list) and isinstance(theirs, list):
        for index, (mine, other) in enumerate(zip(ours, theirs, strict=False)):
            compare(mine, other, pairing, f"{path}[{index}]")
        if len(ours) != len(theirs):
            rest = min(len(ours), len(theirs))
            raise Difference(f"{path}: {len(ours)} and {len(theirs)} elements, with {ours[rest:]} and {theirs[rest:]}")
    elif ours != theirs or type(ours) is not type(theirs):
        raise Difference(f"{path}: {ours!r} and {theirs!r}")
