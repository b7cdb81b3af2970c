"""Checks the documentation without running anything: links and their anchors, the table of contents, the names of recipes
and tests, and that every `sh` block is run or says why it is not. `just book` runs it."""

import re
import sys

from pages import BOOK, ROOT, all_pages, blocks_of, without_blocks

MAX_README_LINES = 220


def main():
    problems = [f"{path.relative_to(ROOT)}: {each}" for path in all_pages() for each in problems_of(path)]
    named = set(re.findall(r"\(([a-z-]+\.md)\)", (BOOK / "SUMMARY.md").read_text()))
    existing = {path.name for path in BOOK.glob("*.md")} - {"SUMMARY.md"}
    problems += [f"docs/src/SUMMARY.md: `{name}` is missing here, or does not exist" for name in sorted(named ^ existing)]
    lines = len((ROOT / "README.md").read_text().splitlines())
    if lines > MAX_README_LINES:
        problems.append(f"README.md: {lines} lines, and {MAX_README_LINES} are allowed")
    print("\n".join(problems) or "the links, anchors and recipes of the documentation exist")
    return bool(problems)


def problems_of(path):
    text = path.read_text()
    for target in re.findall(r"\]\(([^)\s]+)\)", without_inline_code(without_blocks(text))):
        if not re.match(r"https?:|mailto:", target) and (problem := problem_of_link(path, target)):
            yield f"the link `{target}` {problem}"
    for name in re.findall(r"\{\{#include ([^}]+)\}\}", text):
        if not (path.parent / name).is_file():
            yield f"`{name}` is included and does not exist"
    for name in sorted(set(re.findall(r"\bjust ([a-z][a-z-]*[a-z])\b", code_of(text))) - recipes()):
        yield f"there is no recipe `just {name}`"
    if path.name in ("proof.md", "what-survives.md"):
        yield from (f"there is no test `{name}`" for name in sorted(named_tests(text)) if not is_test(name))
    is_in_repository_root = path.parent == ROOT
    if is_in_repository_root or path.parent == BOOK:
        for block in blocks_of(text):
            if block.language == "bash" or (block.language == "sh" and block.comment and not block.says("not run")):
                yield f"line {block.line}: a block of commands is `sh`, and says nothing above it or `not run: WHY`"


def problem_of_link(path, target):
    """What is wrong with a relative link, if anything is."""
    name, _, anchor = target.partition("#")
    found = (path.parent / name).resolve() if name else path
    if not found.exists():
        return "leads nowhere"
    if path.parent == BOOK and found.parent != BOOK:
        return "leads out of the book: name the file in `code` instead"
    if anchor and anchor not in anchors(found.read_text()):
        return "names no heading of that page"
    return None


def anchors(text):
    """The ids of the headings, as GitHub and mdBook make them."""
    headings = re.findall(r"^#+ (.*)$", without_blocks(text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def named_tests(text):
    """Files of tests, modules of the integration tests, and functions: those that a page names in `code`."""
    return set(re.findall(r"`((?:tests|infra)/[\w/-]+\.\w+|[a-z_]+::\w+|[a-z]+(?:_[a-z0-9]+){3,})`", text))


def is_test(name):
    if "/" in name:
        return (ROOT / name).is_file()
    if "::" in name:
        module = ROOT / "tests" / name.replace("::", "/")
        return module.with_suffix(".rs").is_file() or (module / "mod.rs").is_file()
    return any(f"fn {name}(" in path.read_text() for path in ROOT.glob("tests/**/*.rs"))


def without_inline_code(text):
    return re.sub(r"``.*?``|`[^`\n]*`", "", text)


def code_of(text):
    return "\n".join(re.findall(r"`([^`]*)`", text) + [block.text for block in blocks_of(text)])


def recipes():
    # The names at the start of a line, so that `just` itself need not be installed.
    return set(re.findall(r"^([a-z][a-z-]*)(?: [^\n]*)?:(?!=)", (ROOT / "justfile").read_text(), re.MULTILINE))


if __name__ == "__main__":
    sys.exit(main())
