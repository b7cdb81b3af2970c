"""What an exchange is played with."""

from collections.abc import Callable
from typing import Any

from .. import answers
from ..compare import Pairing, compare
from ..differences import only_thoughts
from ..scripts import SCRIPTS
from ..upstream import Upstream
from ..wire import Answer, Server, message, walk

NONE: frozenset[str] = frozenset()


class Exchange:
    """A user of both servers, and the thread that the two have."""

    def __init__(self, name: str, ours: Server, theirs: Server, upstream: Upstream) -> None:
        self.user, self.ours, self.theirs, self.upstream = f"exchange-{name}", ours, theirs, upstream
        self.pairing = Pairing()
        self.only: tuple[set[str], set[str]] = (set(), set())
        self.thread_id = ""

    def ask(self, operation: str, **params: Any) -> tuple[Answer, Answer]:
        """Asks both. Ids are ours."""
        return self.ours.ask(self.user, operation, params), self.theirs.ask(
            self.user, operation, self.pairing.translated(params)
        )

    def stream(self, operation: str, differences: frozenset[str] = NONE, **params: Any) -> list[dict[str, Any]]:
        """The events of both, which are the same; ours."""
        ours, theirs = self.ask(operation, **params)
        answers.streams(differences, ours, theirs, self.pairing)
        for known, more in zip(self.only, answers.uneven(ours, theirs, self.pairing), strict=True):
            known |= more
        assert ours.events is not None
        return ours.events

    def create(self, script: str, **fields: Any) -> list[dict[str, Any]]:
        """A new thread."""
        found = message(f"play {script}", **fields)
        events = self.stream("threads.create", SCRIPTS[script].differences, input=found)
        self.thread_id = events[0]["thread"]["id"]
        return events

    def say(self, script: str = "text", differences: frozenset[str] = NONE, **fields: Any) -> list[dict[str, Any]]:
        """A further message. What the model is shown is the same on both sides."""
        found = message(f"play {script}", **fields)
        differences |= SCRIPTS[script].differences
        events = self.stream("threads.add_user_message", differences, thread_id=self.thread_id, input=found)
        self.compare_shown()
        return events

    def documents(self, operation: str, **params: Any) -> Any:
        """The documents of both, which are the same; ours."""
        ours, theirs = self.ask(operation, **params)
        answers.documents(ours, theirs, self.pairing)
        return ours.document

    def refused(self, operation: str, status: int = 400, **params: Any) -> None:
        """Neither does it."""
        ours, theirs = self.ask(operation, **params)
        answers.both_refuse(ours, theirs)
        compare(ours.status, status, Pairing(), f"the status of {operation}")

    def compare_shown(self) -> None:
        """What the model was shown last."""
        ours, theirs = self.upstream.transcript("chatkit-backend"), self.upstream.transcript("Agents")
        answers.transcripts(ours, theirs, self.pairing)

    def compare_stored(self) -> list[dict[str, Any]]:
        """All items; ours."""
        ours, theirs = [
            [
                only_thoughts(item)
                for item in walk(server, self.user, "items.list", 3, "asc", thread_id=thread_id)
                if item["id"] not in only
            ]
            for server, thread_id, only in (
                (self.ours, self.thread_id, self.only[0]),
                (self.theirs, self.pairing.theirs(self.thread_id), self.only[1]),
            )
        ]
        compare(ours, theirs, self.pairing, "stored")
        return ours

    def last(self, kind: str) -> str:
        """The id of the newest item of a type."""
        return [item["id"] for item in self.compare_stored() if item["type"] == kind][-1]

    def attachment(self, name: str, mime_type: str, content: bytes, is_direct: bool = False) -> str:
        """A file that both have."""
        if is_direct:
            found = [server.upload_directly(self.user, name, mime_type, content) for server in (self.ours, self.theirs)]
            answers.documents(*found, self.pairing)
            return found[0].document["id"]
        found = self.ask("attachments.create", name=name, size=len(content), mime_type=mime_type)
        answers.documents(*found, self.pairing)
        for server, answer in zip((self.ours, self.theirs), found, strict=True):
            compare(server.upload(answer.document, content), 200, Pairing(), "the status of an upload")
        return found[0].document["id"]


EXCHANGES: dict[str, Callable[[Exchange], None]] = {}


def exchange(play: Callable[[Exchange], None]) -> None:
    """Registers an exchange under its function's name."""
    EXCHANGES[play.__name__.replace("_", "-")] = play
