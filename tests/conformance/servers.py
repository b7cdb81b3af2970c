"""Starts the servers as processes of their own, and ends them."""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile

from .assistant import MODEL
from .site import SECRET

LISTENING = "listening on "


@contextmanager
def ours(binary: Path, upstream: str, document: str, without: Sequence[str] = (), **variables: str) -> Iterator[str]:
    """The server under test with an assistant's document, with nothing kept and no limits but the defaults that a
    message has; without some of the variables that it has otherwise."""
    limits = {
        "LIMIT_USER_TURNS_PER_MINUTE": "0",
        "LIMIT_USER_REQUESTS_PER_MINUTE": "0",
        "LIMIT_USER_TOKENS_PER_HOUR": "0",
    }
    environment = {"OPENAI_BASE_URL": upstream, "ASSISTANT": document, "TRANSCRIBE_MODEL": MODEL}
    environment |= {"TOOL_SIGNING_SECRET": SECRET} | limits | variables
    environment = {name: value for name, value in environment.items() if name not in without}
    with _process([str(binary), "--memory", "--port", "0"], environment) as url:
        yield url


@contextmanager
def official(upstream: str) -> Iterator[str]:
    """The official server."""
    root = Path(__file__).parents[1]
    environment = {"OPENAI_BASE_URL": upstream, "OPENAI_API_KEY": "none", "PYTHONPATH": str(root)}
    with _process([sys.executable, "-m", "conformance.official"], environment) as url:
        yield url


@contextmanager
def _process(command: list[str], environment: dict[str, str]) -> Iterator[str]:
    # Nothing of the developer's own configuration reaches a server.
    environment = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/")} | environment
    with TemporaryFile("w+") as log:
        process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=log, text=True)
        try:
            assert process.stdout
            for line in process.stdout:
                if line.startswith(LISTENING):
                    yield line.removeprefix(LISTENING).strip()
                    return
            log.seek(0)
            raise RuntimeError(f"{command[0]} does not start: {log.read()}")
        finally:
            process.terminate()
            process.wait()
