"""What the official package's own suite asks of a server, as requests and answers of ours."""

from functools import partial
from pathlib import Path

from ..cases import Case
from ..site import Site
from ..upstream import Upstream
from ..wire import Server
from . import actions, answers, configured, files, requests, threads, tools, turns
from .stage import SCENARIOS, Stage

__all__ = ["actions", "answers", "cases", "configured", "files", "requests", "threads", "tools", "turns"]


def cases(server: Server, upstream: Upstream, site: Site, binary: Path) -> list[Case]:
    """One case per scenario, each with users of its own. `binary` is started once more with another assistant."""
    stages = (Stage(server, upstream, site, binary, name) for name in SCENARIOS)
    return [
        Case(f"scenario {stage.user}", partial(scenario, stage))
        for stage, scenario in zip(stages, SCENARIOS.values(), strict=True)
    ]
