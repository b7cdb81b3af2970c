"""What a scenario is played with."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .. import servers
from ..assistant import document
from ..site import Site
from ..upstream import Upstream
from ..wire import Answer, Server, message, walk

AGENT = "chatkit-backend"
"""How the server introduces itself to the model."""

Document = dict[str, Any]


class Stage:
    """A user whom no other scenario knows, and what users do."""

    def __init__(self, server: Server, upstream: Upstream, site: Site, binary: Path, user: str) -> None:
        self.server, self.upstream, self.site, self.binary, self.user = server, upstream, site, binary, user

    def other(self) -> "Stage":
        """Somebody else."""
        return Stage(self.server, self.upstream, self.site, self.binary, f"{self.user}-other")

    @contextmanager
    def configured(self, *without: str, **fields: Any) -> Iterator["Stage"]:
        """The same user of a server whose assistant's document has these fields; without these variables."""
        assistant = document(self.site.url, **fields)
        with servers.ours(self.binary, self.upstream.url, assistant, without=without) as url:
            yield Stage(Server(url, self.server.judge), self.upstream, self.site, self.binary, self.user)

    def ask(self, operation: str, **params: Any) -> Answer:
        return self.server.ask(self.user, operation, params)

    def get(self, operation: str, **params: Any) -> Document:
        """The document that a successful operation answers with."""
        answer = self.ask(operation, **params)
        equal(answer.status, 200)
        return answer.document

    def create(self, text: str = "play text", **fields: Any) -> list[Document]:
        """The events of a new thread."""
        return events(self.ask("threads.create", input=message(text, **fields)))

    def thread(self, text: str = "play text") -> str:
        """The id of a new thread."""
        return self.create(text)[0]["thread"]["id"]

    def say(self, thread_id: str, text: str = "play text", **fields: Any) -> list[Document]:
        """The events of one more turn."""
        return events(self.ask("threads.add_user_message", thread_id=thread_id, input=message(text, **fields)))

    def items(self, thread_id: str, order: str = "asc", limit: int = 100) -> list[Document]:
        return walk(self.server, self.user, "items.list", limit, order, thread_id=thread_id)

    def threads(self, order: str = "desc", limit: int = 100) -> list[Document]:
        return walk(self.server, self.user, "threads.list", limit, order)

    def calls(self) -> list[Document]:
        """What the site was told for this user, one call after the other."""
        return [call for call in self.site.calls if call["data"]["user"]["id"] == self.user]

    def shown(self) -> list[tuple[str, str]]:
        """What the model was shown last."""
        return self.upstream.transcript(AGENT)


SCENARIOS: dict[str, Callable[[Stage], None]] = {}


def scenario(play: Callable[[Stage], None]) -> None:
    """Registers a scenario under its function's name."""
    name = play.__name__.replace("_", "-")
    assert name not in SCENARIOS, name
    SCENARIOS[name] = play


def events(answer: Answer) -> list[Document]:
    equal(answer.status, 200)
    assert answer.events is not None
    return answer.events


def equal(found: Any, expected: Any) -> None:
    assert found == expected, f"found {found!r}, expected {expected!r}"


def types(stream: list[Document]) -> list[str]:
    return [event["type"] for event in stream]


def done(stream: list[Document]) -> list[Document]:
    """The items that a stream has finished."""
    return [event["item"] for event in stream if event["type"] == "thread.item.done"]


def texts(items: list[Document]) -> list[str]:
    """What messages say."""
    return ["\n".join(part["text"] for part in item["content"]) for item in items if "content" in item]


def refused(answer: Answer, status: int, code: str) -> None:
    equal((answer.status, (answer.document or {}).get("error")), (status, code))
