"""The pages of the documentation, as the two checks beside this file read them."""

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BOOK = ROOT / "docs/src"


@dataclass
class Block:
    """A fenced block. `comment` is the HTML comment on the line above it: `not run: WHY` or `file: NAME`."""

    line: int
    language: str
    text: str
    comment: str
    # The block right below it, if that is one without a language: what the commands print.
    output: str | None = None

    def says(self, key):
        """The value of the comment `key: value`, if the block has it."""
        name, _, value = self.comment.partition(": ")
        return value if name == key else None


def all_pages():
    """Every Markdown file of the repository that a person reads."""
    places = ["*.md", "infra/*.md", "tests/**/*.md", "examples/*.md", "examples/*/*.md"]
    folders = [BOOK.glob("*.md"), *map(ROOT.glob, places)]
    return sorted(path for paths in folders for path in paths if "node_modules" not in path.parts)


def blocks_of(text):
    found = []
    last_end = 0
    for each in re.finditer(r"^```([a-z]*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        between = text[last_end : each.start()]
        last_end = each.end()
        comment = re.search(r"<!-- (.*) -->\n$", between)
        block = Block(text.count("\n", 0, each.start()) + 1, each[1], each[2], comment[1] if comment else "")
        if not block.language and found and not between.strip():
            found[-1].output = block.text
        found.append(block)
    return found


def without_blocks(text):
    return re.sub(r"^```[a-z]*\n.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
