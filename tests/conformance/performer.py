"""What the site's endpoint asks for (`plays.py`), done by the official server with what the package offers."""

import json
import warnings
from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from datetime import datetime
from itertools import groupby
from typing import Any

from pydantic import TypeAdapter

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    from chatkit.server import stream_widget
    from chatkit.widgets import WidgetRoot

from chatkit.store import Store
from chatkit.types import (
    ClientEffectEvent,
    HiddenContextItem,
    NoticeEvent,
    ProgressUpdateEvent,
    StructuredInputItem,
    ThreadItemDoneEvent,
    ThreadItemReplacedEvent,
    ThreadMetadata,
    ThreadStreamEvent,
    WidgetItem,
)

from .plays import Effect, Play

WIDGET: TypeAdapter[Any] = TypeAdapter(WidgetRoot)


class SiteFailed(Exception):
    """The site does not do what it should."""


class Performer:
    """Carries out effects in a thread of a user."""

    def __init__(self, thread: ThreadMetadata, store: Store[str], user: str, sender: WidgetItem | None = None) -> None:
        self._thread, self._store, self._user, self._sender = thread, store, user, sender

    async def perform(self, play: Play) -> AsyncIterator[ThreadStreamEvent]:
        """The events of a play. Widgets with one key are one that changes."""
        if play.fails and not play.effects:
            raise SiteFailed
        for (kind, key), effects in groupby(play.effects, key=lambda effect: (effect["type"], effect.get("key"))):
            if kind == "widget" and key:
                async for event in self._widget(states(effects), None):
                    yield event
                continue
            for effect in effects:
                async for event in self._effect(effect):
                    yield event
        if play.fails:
            raise SiteFailed

    def new_id(self, kind: Any) -> str:
        return self._store.generate_item_id(kind, self._thread, self._user)

    async def _widget(self, widget: Any, copy_text: str | None) -> AsyncIterator[ThreadStreamEvent]:
        async for event in stream_widget(self._thread, widget, copy_text, self.new_id):
            yield event

    async def _effect(self, effect: Effect) -> AsyncIterator[ThreadStreamEvent]:
        head = {"id": self.new_id("message"), "thread_id": self._thread.id, "created_at": datetime.now()}
        fields = {name: value for name, value in effect.items() if name != "type"}
        match effect["type"]:
            case "widget":
                async for event in self._widget(WIDGET.validate_python(effect["widget"]), effect.get("copy_text")):
                    yield event
            case "replace_widget" if self._sender:
                changed = {"widget": WIDGET.validate_python(effect["widget"])}
                changed |= {"copy_text": effect["copy_text"]} if "copy_text" in effect else {}
                yield ThreadItemReplacedEvent(item=self._sender.model_copy(update=changed))
            case "client_effect":
                yield ClientEffectEvent(**fields)
            case "progress_update":
                yield ProgressUpdateEvent(**fields)
            case "notice":
                yield NoticeEvent(**fields)
            case "structured_input":
                yield ThreadItemDoneEvent(item=StructuredInputItem.model_validate(head | fields))
            case "hidden_context":
                yield ThreadItemDoneEvent(item=HiddenContextItem(**head, content=effect["content"]))
            case "thread_title":
                self._thread.title = effect["title"]
            case _:
                pass


async def states(effects: Iterable[Effect]) -> AsyncGenerator[Any, None]:
    for effect in effects:
        yield WIDGET.validate_python(effect["widget"])


def output(play: Play) -> str:
    """What the model is told."""
    if play.output is None:
        return "null" if play.form == "bare" else ""
    return play.output if isinstance(play.output, str) else json.dumps(play.output)
