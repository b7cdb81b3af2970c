"""The package's `diff_widget` on the pairs of widgets that the Rust tests know the updates of.

`tests/widgets/cases.json` is written by hand: what changes, and the updates that it gives, `"root"` where the whole
widget is sent. Where the package fails or loses a change (`widget-changes-are-not-lost`), its own answer stands beside
ours as `official`, with `why`.
`tests/widgets/generated.json` is made here, from a seed, with the package's answers:

    PYTHONPATH=tests python -m conformance.widgets > tests/widgets/generated.json
"""

import json
import warnings
from collections.abc import Iterator
from copy import deepcopy
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

from pydantic import TypeAdapter

from .cases import Case

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    from chatkit.server import diff_widget
    from chatkit.widgets import WidgetRoot

FOLDER = Path(__file__).parent.parent / "widgets"
SEED = 3
PAIRS = 100

WIDGET: TypeAdapter[Any] = TypeAdapter(WidgetRoot)


def cases() -> list[Case]:
    """One case per pair that was written by hand, and one for all that were generated."""
    by_hand = [Case(f"widgets: {pair['name']}", partial(check, pair)) for pair in read("cases.json")]
    return [*by_hand, Case("widgets: generated pairs", check_generated)]


def read(name: str) -> Any:
    return json.loads((FOLDER / name).read_text())


def check(pair: dict[str, Any]) -> None:
    expected = pair.get("official", pair["updates"])
    assert ("official" in pair) == ("why" in pair), "a difference needs a reason"
    assert pair.get("official") != pair["updates"], "there is no difference"
    found = official(pair["before"], pair["after"])
    assert found == expected, f"the package says {found}"


def check_generated() -> None:
    assert read("generated.json") == list(generated()), "generated.json is not what the package says"


def official(before: Any, after: Any) -> Any:
    """The package's updates; `"root"` for the whole widget, `"raises"` where it fails."""
    try:
        updates = diff_widget(WIDGET.validate_python(before), WIDGET.validate_python(after))
    except (AttributeError, ValueError):
        return "raises"
    documents = [json.loads(update.model_dump_json(exclude_none=True)) for update in updates]
    if [document["type"] for document in documents] == ["widget.root.updated"]:
        whole = json.loads(WIDGET.dump_json(WIDGET.validate_python(after), exclude_none=True))
        assert documents[0]["widget"] == whole, "the whole widget is another one"
        return "root"
    return documents


def generated() -> Iterator[dict[str, Any]]:
    """Pairs of widgets of which the second is mostly the first with more text."""
    random = Random(SEED)
    for _ in range(PAIRS):
        before = {"type": random.choice(["Card", "Basic"]), "children": [component(random, 1) for _ in range(3)]}
        for index, text in enumerate(texts(before)):
            text["id"] = f"t{index}"
        after = deepcopy(before)
        for text in texts(after):
            if random.random() < 0.8:
                text["value"] += words(random)
        if random.random() < 0.3:
            change(random, after)
        yield {"before": before, "after": after, "updates": official(before, after)}


def component(random: Random, depth: int) -> dict[str, Any]:
    kind = random.choice(["Text", "Markdown", "Title", "Divider", "Button", "Row", "Col", "Box"])
    if kind in ("Text", "Markdown"):
        return {"type": kind, "value": words(random), "streaming": random.random() < 0.5}
    if kind == "Title":
        return {"type": kind, "value": words(random)}
    if kind == "Button":
        return {"type": kind, "label": words(random), "disabled": random.random() < 0.5}
    if kind == "Divider" or depth == 0:
        return {"type": "Divider", "spacing": random.randrange(4)}
    return {"type": kind, "gap": random.randrange(3), "children": [component(random, depth - 1) for _ in range(2)]}


def words(random: Random) -> str:
    return "".join(random.choice(["a ", "bc ", "ü", "日", "\n", "🎉"]) for _ in range(random.randrange(1, 4)))


def components(widget: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield widget
    for child in widget.get("children", []):
        yield from components(child)


def texts(widget: dict[str, Any]) -> list[dict[str, Any]]:
    return [one for one in components(widget) if one["type"] in ("Text", "Markdown")]


def change(random: Random, widget: dict[str, Any]) -> None:
    """One change that is not text that grows, to a component at random; none to some."""
    one = random.choice(list(components(widget)))
    if "children" in one and random.random() < 0.5:
        random.shuffle(one["children"])
    elif "value" in one:
        one["value"] = one["value"][1:]
    elif "label" in one:
        one["label"] += "!"
    elif "gap" in one:
        one["gap"] += 1


if __name__ == "__main__":
    lines = ",\n".join(json.dumps(pair, ensure_ascii=False, separators=(",", ":")) for pair in generated())
    print(f"[\n{lines}\n]")
