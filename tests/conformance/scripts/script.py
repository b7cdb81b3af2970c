"""What a script is."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from ..responses import Refusal, Response, Text

Events = list[dict[str, Any]]


def sse(events: Events) -> Iterator[bytes]:
    """Events as OpenAI sends them."""
    for event in events:
        yield f"event: {event['type']}\ndata: {json.dumps(event, ensure_ascii=False)}\n\n".encode()


@dataclass(frozen=True)
class Script:
    """One answer of the model."""

    name: str
    write: Callable[[Response], None]
    differences: frozenset[str]
    status: int = 200
    content_type: str = "text/event-stream"
    encode: Callable[[Events], Iterator[bytes]] = sse
    gives_title: bool = True
    then: tuple[Callable[[Response], None], ...] = ()
    is_compared: bool = True

    @property
    def rounds(self) -> tuple[Callable[[Response], None], ...]:
        """The answers, one after each time that functions were called."""
        return (self.write, *self.then)


SCRIPTS: dict[str, Script] = {}


def script(*differences: str, **fields: Any) -> Callable[[Callable[[Response], None]], None]:
    """Registers a script under the name of the function that writes it."""

    def register(write: Callable[[Response], None]) -> None:
        name = write.__name__.replace("_", "-")
        SCRIPTS[name] = Script(name, write, frozenset(differences), **fields)

    return register


def answer(response: Response, *parts: Text | Refusal) -> None:
    """A response of one message."""
    response.begin()
    response.message(*parts)
    response.complete()
