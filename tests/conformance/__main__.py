"""Conformance with the official Python package `openai-chatkit`, over HTTP.

    PYTHONPATH=tests python -m conformance [PART …] [--server PATH] [--seeds N] [--start S] [--aimock PATH]

Parts (all of them where none is named):

- `shapes`: requests with fields that are missing or of another type are understood as the package understands them
- `scenarios`: what the package's own suite asks of a server, as requests and answers
- `streams`: the same scripted model and site through the official server and ours; the event streams are the same
- `sequences`: `--seeds` random sequences of operations, the first made from the seed `--start`, on both servers
- `widgets`: the updates of widgets that change are those of the package, or better
- `aimock`: a conversation through a model that others have written, by both of its APIs

Every answer of ours, in every part, is read by the package's models and must be written by them unchanged. What may
differ is listed in `DIFFERENCES.md`, and nothing else may. Prints each case that fails, and a summary as its last line.
"""

import argparse
import sys
from pathlib import Path

from . import aimock, exchanges, scenarios, sequences, servers, shapes, streams, widgets
from .assistant import document
from .cases import Case, run
from .differences import documented
from .oracle import Oracle
from .site import Site
from .upstream import Upstream
from .wire import Server

PARTS = ("shapes", "scenarios", "streams", "sequences", "widgets", "aimock")


def main() -> int:
    parser = argparse.ArgumentParser(prog="conformance", description="Conformance with openai-chatkit.")
    parser.add_argument("parts", nargs="*", choices=[[], *PARTS], metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--server", type=Path, default=Path("target/debug/chatkit-local"))
    parser.add_argument("--seeds", type=int, default=200, metavar="N")
    parser.add_argument("--start", type=int, default=1, metavar="S")
    parser.add_argument("--aimock", type=Path, metavar="PATH", help="the program of @copilotkit/aimock")
    arguments = parser.parse_args()
    parts = arguments.parts or PARTS

    upstream, site, oracle = Upstream(), Site(), Oracle()
    with (
        servers.ours(arguments.server, upstream.url, document(site.url)) as our_url,
        servers.official(upstream.url) as their_url,
    ):
        ours, theirs = Server(our_url, oracle.judge), Server(their_url)
        available = {
            "shapes": lambda: shapes.cases(ours),
            "scenarios": lambda: scenarios.cases(ours, upstream, site, arguments.server),
            "streams": lambda: [*streams.cases(ours, theirs), *exchanges.cases(ours, theirs, upstream)],
            "sequences": lambda: sequences.cases(ours, theirs, upstream, arguments.start, arguments.seeds),
            "widgets": widgets.cases,
            "aimock": lambda: aimock.cases(arguments.server, arguments.aimock, site, oracle.judge),
        }
        passed = failed = 0
        for part in parts:
            good, bad = run(available[part]())
            print(f"{part}: {good} passed, {bad} failed", flush=True)
            passed, failed = passed + good, failed + bad
        good, bad = run([Case("every call of the site is signed and whole", lambda: no_faults(site))])
        passed, failed = passed + good, failed + bad
    print(
        f"judged by the package's models: {oracle.events} events, {oracle.documents} documents; {oracle.errors} errors"
    )
    print(f"{len(site.calls)} calls of the site; {len(documented())} deliberate differences, each with its reason")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


def no_faults(site: Site) -> None:
    assert not site.faults, site.faults


if __name__ == "__main__":
    sys.exit(main())
