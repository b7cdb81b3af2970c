"""What the scripted model answers. Each script names the entries of `DIFFERENCES.md` that it brings about."""

from . import failures, imitations, texts, thoughts
from .script import SCRIPTS, Script, sse

__all__ = ["SCRIPTS", "Script", "failures", "imitations", "sse", "texts", "thoughts"]
