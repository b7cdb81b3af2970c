"""Running cases and saying what came of them."""

import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from traceback import extract_tb


@dataclass(frozen=True)
class Case:
    """Something that either holds or raises."""

    name: str
    check: Callable[[], None]


def run(cases: Iterable[Case]) -> tuple[int, int]:
    """Runs cases, prints those that fail, and counts those that pass and those that fail."""
    passed = failed = 0
    for case in cases:
        try:
            case.check()
            passed += 1
        except Exception as error:
            failed += 1
            place = extract_tb(error.__traceback__)[-1]
            print(f"FAILED {case.name}: {type(error).__name__}: {error} ({place.name}:{place.lineno})", file=sys.stderr)
    return passed, failed
