"""The modules of `shared/` form a DAG: each one imports only what stands before it in ORDER.

Prints each import that breaks this, with its file and line: `python3 infra/check_module_order.py [folder of lib.rs]`.
"""

import re
import sys
from pathlib import Path

# From the ground up. A module is a file or a folder beside `lib.rs`.
ORDER = """
    protocol
    clock env hash limits json
    ids telemetry https reload
    widgets aws secrets
    webhooks
    identity model
    endpoints files assistant
    store
    engine
    setup
    sessions
    http
    lambda
""".split()

NOT_CODE = re.compile(
    r"""
      //[^\n]* | /\*.*?\*/                                  # comments
    | r(\#*)".*?"\1 | "(?:\\.|[^"\\])*" | '(?:\\.|[^'\\])'  # texts and characters; a lifetime has no second quote
    """,
    re.DOTALL | re.VERBOSE,
)
TOKEN = re.compile(r"\w+|::|[{}(),;*]|\S")


def imports(text, module):
    """Yields each module beside `lib.rs` that a file names, with the line. `["http", "error"]` is `crate::http::error`."""
    code = NOT_CODE.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), text)
    tokens = list(TOKEN.finditer(code))
    words = ["", *(token[0] for token in tokens), "", "", ""]
    path, inline_modules = list(module), []
    for at, word in enumerate(words):
        if word == "{":
            inline_modules.append(words[at - 2] == "mod")
            path += [words[at - 1]] if inline_modules[-1] else []
        elif word == "}" and inline_modules and inline_modules.pop():
            path.pop()
        elif word in ("crate", "super") and words[at - 1] != "::" and words[at + 1] == "::":
            levels, start = (len(path) if word == "crate" else 1), at + 2
            while words[start] == "super":
                levels, start = levels + 1, start + 2
            if levels == len(path):
                for name, index in first_segments(words, start):
                    yield name, code.count("\n", 0, tokens[index - 1].start()) + 1


def first_segments(words, at):
    """The names with which the paths of a use tree begin: of `{a::b, c::{d, e}}` they are `a` and `c`."""
    if words[at] != "{":
        yield words[at], at
        return
    depth, at_start = 0, False
    for index in range(at, len(words)):
        word = words[index]
        if at_start and word not in ("{", "}"):
            yield word, index
        depth += {"{": 1, "}": -1}.get(word, 0)
        if depth == 0:
            return
        at_start = depth == 1 and word in ("{", ",")


def module_of(file, source):
    parts = list(file.relative_to(source).with_suffix("").parts)
    return parts[:-1] if parts[-1] == "mod" else parts


def faults(source, order=ORDER):
    """The imports that break the order, and the modules that it lacks, as lines for people."""
    rank = {name: index for index, name in enumerate(order)}
    files = [file for file in sorted(source.rglob("*.rs")) if file.relative_to(source) != Path("lib.rs")]
    modules = {module_of(file, source)[0] for file in files}
    found = [f"`{name}` is not in the order of modules" for name in sorted(modules - rank.keys())]
    found += [f"`{name}` is in the order of modules and does not exist" for name in sorted(rank.keys() - modules)]
    for file in files:
        module = module_of(file, source)
        for name, line in imports(file.read_text(encoding="utf-8"), module):
            if name in modules and rank.get(name, -1) > rank.get(module[0], len(rank)):
                found.append(f"{file}:{line}: `{module[0]}` imports `{name}`, which stands above it")
    return found


def main():
    source = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent.parent / "shared" / "src"
    found = faults(source)
    print("\n".join(found), file=sys.stderr) if found else print(f"the modules of {source.parent.name}/ form a DAG")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
