"""Whether two JSON values are the same but for ids, moments and URLs, which each server makes itself."""

import base64
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

IDS = {"id", "thread_id", "item_id", "after", "call_id"}
"""Keys whose values are compared by what they name."""

MOMENTS = {"created_at", "duration"}
"""Keys whose values depend on the clock. Each is checked on its own side by the oracle."""

KINDS = {"fc": "tc"}
"""`own-ids`: the upstream's prefixes for what has another prefix here."""


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

    def translated(self, value: Any) -> Any:
        """A value with their ids in the place of ours."""
        if isinstance(value, dict):
            return {key: self.translated(each) for key, each in value.items()}
        if isinstance(value, list):
            return [self.translated(each) for each in value]
        return self.theirs(value) if isinstance(value, str) else value

    def bind(self, ours: str, theirs: str, path: str) -> None:
        kind = theirs.partition("_")[0]
        if ours.partition("_")[0] != KINDS.get(kind, kind):
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
            if path.endswith(".image") and key == "id":
                # `pictures-are-files`
                continue
            if key in {"url", "preview_url"} and is_file(theirs[key]):
                compare_files(ours[key], theirs[key], place)
            elif key in IDS and isinstance(ours[key], str) and isinstance(theirs[key], str):
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


def is_file(url: Any) -> bool:
    """Whether a URL leads to something that a server keeps."""
    return isinstance(url, str) and url.startswith(("data:", "http://127.0.0.1:"))


def compare_files(ours: Any, theirs: str, path: str) -> None:
    """`pictures-are-files`: what the URLs lead to is the same, unless it is where something can be put."""
    if not is_file(ours):
        raise Difference(f"{path}: {ours!r} and {theirs!r}")
    if not path.endswith("upload_descriptor.url") and content(ours) != content(theirs):
        raise Difference(f"{path}: {ours!r} and {theirs!r} lead to different files")


def content(url: str) -> bytes | None:
    """What a URL leads to; none if that is nothing."""
    if url.startswith("data:"):
        return base64.b64decode(url.partition(",")[2])
    try:
        with urlopen(url, timeout=60) as response:
            return response.read()
    except HTTPError:
        return None
