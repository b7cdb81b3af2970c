"""Runs the commands of the documentation: every `sh` block of README.md and of the book, unless it says `not run: WHY`.

The blocks of a page run from top to bottom in one shell, against a local server that is started for the page and keeps
nothing. A command may not fail, and what a block prints must match the output that is printed below it, where `…` stands for
anything and ids, times and numbers may differ. Usage: `run_commands.py SERVER [PAGE...]`.
"""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from pages import BOOK, ROOT, blocks_of

# What the pages tell the reader to start the server with.
VARIABLES = {"ALLOWED_ORIGINS": "http://localhost:5173", "JWT_SECRET": "0123456789abcdef0123456789abcdef"}
ADDRESS = "127.0.0.1:3000"
TIMEOUT_SECONDS = 120
# A line that no command prints: the blocks' outputs are cut apart there.
CUT = "\x1e"
# `cargo run` is the program that is built already.
PRELUDE = """set -eo pipefail
cargo() { shift; [ "${1:-}" != -- ] || shift; "$SERVER" "$@"; }
"""
VARYING = re.compile(r"([a-z]+_)[0-9A-Z]{26}|(\d{4}-\d\d-\d\dT[\d:.]+Z)|(\d+)")


def main(server, *names):
    pages = [Path(name).resolve() for name in names] or [ROOT / "README.md", *sorted(BOOK.glob("*.md"))]
    failures = 0
    for page in pages:
        blocks = blocks_of(page.read_text())
        commands = [block for block in blocks if block.language == "sh" and not block.says("not run")]
        if not commands:
            continue
        found = list(problems(server, blocks, commands))
        failures += len(found)
        name = page.relative_to(ROOT)
        print(f"{name}: blocks of commands: {len(commands)}", *found, sep=f"\n{name}: ", flush=True)
    return bool(failures)


def problems(server, blocks, commands):
    with tempfile.TemporaryDirectory() as folder:
        for block in blocks:
            if name := block.says("file"):
                (Path(folder) / name).write_text(block.text)
        kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        process = subprocess.Popen(
            [server, "--memory", "--port", "0"], env=kept | VARIABLES, cwd=folder, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )
        try:
            address = process.stdout.readline().strip().removeprefix("listening on http://")
            script = f"\necho; echo '{CUT}'\n".join(block.text.replace(ADDRESS, address) for block in commands)
            ran = subprocess.run(
                ["bash", "-c", PRELUDE + script], env=kept | {"SERVER": server}, cwd=folder, text=True,
                capture_output=True, timeout=TIMEOUT_SECONDS, check=False,
            )
        finally:
            process.kill()
            process.wait()
    outputs = ran.stdout.replace("\r\n", "\n").split(CUT)
    for block, output in zip(commands, outputs, strict=False):
        if block.output is None and '"error":' in output:
            yield f"line {block.line}: the answer is an error:\n{output.strip()}"
        elif block.output is not None and not matches(block.output, output.strip()):
            yield f"line {block.line}: another output than the page shows:\n{output.strip()}"
    if ran.returncode:
        yield f"line {commands[len(outputs) - 1].line}: a command failed:\n{ran.stderr.strip()}"


def matches(shown, output):
    """Whether an output is the one that is shown: the parts between `…` come one after the other, the last at the end."""
    first, *others = [re.compile(piece(part)) for part in shown.strip().split("…")]
    if not others:
        return bool(first.fullmatch(output))
    if not (found := first.match(output)):
        return False
    for part in others[:-1]:
        if not (found := part.search(output, found.end())):
            return False
    return bool(re.compile(f"(?:{others[-1].pattern})\\Z").search(output, found.end()))


def piece(shown):
    """What a part of an output must match."""
    pieces, last_end = [], 0
    for each in VARYING.finditer(shown):
        pieces.append(re.escape(shown[last_end : each.start()]))
        last_end = each.end()
        match each.groups():
            case (str(prefix), _, _):
                pieces.append(prefix + r"[0-9A-Z]{26}")
            case (_, str(), _):
                pieces.append(r"\d{4}-\d\d-\d\dT[\d:.]+Z")
            case _:
                pieces.append(r"\d+")
    return "".join(pieces) + re.escape(shown[last_end:])


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
