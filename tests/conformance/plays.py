"""What the site does: the effects that its endpoint asks for when a play of this name is called, by a function tool or
by an action. The official server carries out the same effects with its own means (`performer.py`)."""

from dataclasses import dataclass
from typing import Any

Effect = dict[str, Any]


@dataclass(frozen=True)
class Play:
    """Effects in this order. `form` is how the site sends them: `json`, `stream` (each as an event), `text`, or `bare`
    (the output alone, as JSON)."""

    effects: tuple[Effect, ...] = ()
    output: Any = None
    form: str = "json"
    fails: bool = False

    @property
    def hidden(self) -> int:
        """How many items it leaves behind which nobody sees."""
        return sum(effect["type"] == "hidden_context" for effect in self.effects)

    @property
    def responds(self) -> bool:
        """Whether the model answers then."""
        return any(effect["type"] == "respond" for effect in self.effects)

    @property
    def asks(self) -> bool:
        """Whether a person has to answer before the model goes on."""
        return any(effect["type"] == "structured_input" for effect in self.effects)


def card(text: str, **fields: Any) -> dict[str, Any]:
    """A widget with a text and a button that sends an action."""
    # The last three are what the package writes on every action, and a site may leave out.
    action = {"type": "replace", "payload": {"count": 2}, "handler": "server", "loadingBehavior": "auto"}
    button = {"type": "Button", "label": "Buy", "onClickAction": action | {"streaming": True}}
    return {"type": "Card", "children": [{"type": "Text", "id": "words", "value": text, **fields}, button]}


QUESTIONS = [
    {
        "type": "multiple_choice",
        "id": "color",
        "question": "Which color?",
        "options": [{"value": "red"}, {"value": "blue"}],
        "multiple": False,
    },
    {
        "type": "multiple_choice",
        "id": "size",
        "question": "Which sizes?",
        "options": [{"value": "s"}, {"value": "m"}],
        "multiple": True,
    },
    {"type": "freeform", "id": "note", "question": "Anything else?", "description": "A word or two"},
]


def widget(text: str, key: str | None = None, **fields: Any) -> Effect:
    return {"type": "widget", "widget": card(text, **fields), **({"key": key} if key else {})}


def replaced(text: str, copy_text: str | None = None) -> Effect:
    copied = {"copy_text": copy_text} if copy_text else {}
    return {"type": "replace_widget", "widget": card(text), **copied}


PROGRESS = {"type": "progress_update", "text": "Looking", "icon": "search"}
CLIENT_EFFECT = {"type": "client_effect", "name": "cart", "data": {"count": 2, "nothing": None}}
NOTICE = {"type": "notice", "level": "info", "message": "Closed on *Monday*.", "title": "Hours"}
HIDDEN = {"type": "hidden_context", "content": "The cart has two lamps."}
RESPOND = {"type": "respond"}

PLAYS: dict[str, Play] = {
    # Outputs, in each form that an endpoint may give them.
    "text": Play(output="in stock", form="text"),
    "bare": Play(output={"stock": [1, None, "three"]}, form="bare"),
    "output": Play(output={"stock": 3}),
    "nothing": Play(form="bare"),
    "flaky": Play(output="in stock", form="text"),
    # Each effect, and some together.
    "card": Play((widget("One"),), output="shown"),
    "copied": Play(({**widget("One"), "copy_text": "1"},), output="shown"),
    "cards": Play((widget("One"), widget("Two")), output="shown", form="stream"),
    "growing": Play(
        (
            widget("O", key="a", streaming=True),
            widget("One", key="a", streaming=True),
            widget("One", key="a", streaming=True),
            widget("One, two", key="a", streaming=False),
        ),
        output="shown",
        form="stream",
    ),
    "changing": Play(
        (widget("One", key="a"), widget("Two", key="a"), widget("Two", key="a", size="sm")),
        output="shown",
        form="stream",
    ),
    "progress": Play((PROGRESS, {"type": "progress_update", "text": "Found"}), output="done", form="stream"),
    "effect": Play((CLIENT_EFFECT, {"type": "client_effect", "name": "bell"}), output="done"),
    "notice": Play((NOTICE, {"type": "notice", "level": "danger", "message": "Sold out."}), output="done"),
    "hidden": Play((HIDDEN,), output="done"),
    "title": Play(({"type": "thread_title", "title": "Lamps"},), output="done"),
    "ask": Play(({"type": "structured_input", "inputs": QUESTIONS},)),
    "show-and-ask": Play((widget("One"), {"type": "structured_input", "inputs": QUESTIONS[2:]}), form="stream"),
    "everything": Play((PROGRESS, HIDDEN, widget("One"), CLIENT_EFFECT, NOTICE), output={"ok": True}, form="stream"),
    "fail": Play(fails=True),
    "fail-late": Play((widget("One"),), form="stream", fails=True),
    # Of actions.
    "replace": Play((replaced("Two"),)),
    "replace-copied": Play((replaced("Two", "2"), CLIENT_EFFECT), form="stream"),
    "idle": Play(),
    "respond": Play((replaced("Three"), RESPOND)),
    "respond-informed": Play((HIDDEN, RESPOND), form="stream"),
    "add-card": Play((widget("More"), RESPOND), form="stream"),
}

SYNC_PLAYS = ("replace", "idle", "hidden", "fail")

ACTION_PLAYS = sorted(PLAYS.keys() - {"text", "bare", "output", "nothing", "flaky", "everything", "show-and-ask"})

TOOL_PLAYS = sorted(
    PLAYS.keys() - {"replace", "replace-copied", "idle", "respond", "respond-informed", "add-card", "flaky"}
)
