"""What the scripted model answers. Each script names the entries of `DIFFERENCES.md` that it brings about."""

from . import calls, failures, hosted, imitations, texts, thoughts
from .script import SCRIPTS, Script, sse

__all__ = ["SCRIPTS", "Script", "calls", "failures", "hosted", "imitations", "sse", "texts", "thoughts"]
