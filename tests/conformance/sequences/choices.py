"""What a random sequence chooses."""

from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from .. import answers
from ..compare import Pairing, compare
from ..scripts import SCRIPTS
from ..upstream import Upstream
from ..wire import Answer, Server
from .bad import STRANGE
from .thread import Thread

# Theirs cannot store the first, and goes on with the thoughts of the next two in a later turn; the last has its pauses
# for nothing.
LEFT_OUT = {"placeholder-ids", "only-thoughts", "thought-and-pick", "slow"}
PLAYED = sorted(name for name, script in SCRIPTS.items() if script.is_compared and name not in LEFT_OUT)

# With what each begins, without which it is refused here.
FILES = (
    ("a.png", "image/png", b"\x89PNG\r\n\x1a\n"),
    ("Grüße.txt", "text/plain", b""),
    ("c.pdf", "application/pdf", b"%PDF-"),
)


class Choices:
    """Two users and their threads, and what is chosen for them from a seed."""

    def __init__(self, seed: int, ours: Server, theirs: Server, upstream: Upstream) -> None:
        self._random = Random(seed)
        self._ours, self._theirs, self._upstream = ours, theirs, upstream
        self._pairing = Pairing()
        self._users = [f"seed-{seed}-{name}" for name in "ab"]
        self._threads: list[Thread] = []
        self._scripts: dict[str, str] = {}
        self._answered: set[str] = set()
        self._log: list[str] = []

    def _ask(self, user: str, operation: str, params: dict[str, Any]) -> tuple[Answer, Answer]:
        """Asks both. Ids in `params` are ours."""
        self._log.append(f"{operation} {params}")
        theirs = self._pairing.translated(params)
        return self._ours.ask(user, operation, params), self._theirs.ask(user, operation, theirs)

    def _message(self, user: str) -> tuple[str, dict[str, Any]]:
        """A script's name and a message that calls it, some with a file."""
        random, name = self._random, self._random.choice(PLAYED)
        content: list[dict[str, Any]] = [{"type": "input_text", "text": f"play {name} {random.randint(1, 9)}"}]
        for _ in range(random.choice((0, 0, 0, 1, 2))):
            tag = {"type": "input_tag", "id": "doc", "text": random.choice("AB"), "data": {"n": random.randint(1, 3)}}
            content += [tag, {"type": "input_text", "text": " and"}]
        options = random.choice(({}, {}, {"model": "gpt-x"}, {"tool_choice": {"id": "search"}}))
        message: dict[str, Any] = {"content": content, "attachments": [], "inference_options": options}
        if random.random() < 0.2:
            message["quoted_text"] = random.choice(("", "said before"))
        if random.random() < 0.1:
            message["attachments"] = [self._uploaded(user) for _ in range(random.randint(1, 2))]
        return name, message

    def _thread(self) -> tuple[str, Thread | None, str]:
        """A user, a thread of theirs if the id names one, and the id."""
        random = self._random
        if random.random() < 0.1:
            return random.choice(self._users), None, random.choice(STRANGE)
        thread = random.choice(self._threads)
        user = random.choice(self._users) if random.random() < 0.1 else thread.user
        return user, thread if user == thread.user and thread.exists else None, thread.id

    def _item(self, thread: Thread) -> str:
        random = self._random
        gone = [item for each in self._threads for item in each.gone] + [
            item for each in self._threads if each is not thread for item in each.items
        ]
        if random.random() < 0.15:
            return random.choice([*STRANGE, *gone])
        # What only one of the two has cannot be named on both.
        return random.choice([item for item in thread.items if item not in thread.only_ours])

    def _uploaded(self, user: str) -> str:
        """The id of a file that both have."""
        name, mime_type, start = self._random.choice(FILES)
        content = start + self._random.randbytes(8).hex().encode()
        if self._random.random() < 0.5:
            ours, theirs = (each.upload_directly(user, name, mime_type, content) for each in (self._ours, self._theirs))
            answers.documents(ours, theirs, self._pairing)
            return ours.document["id"]
        ours, theirs = self._ask(
            user, "attachments.create", {"name": name, "size": len(content), "mime_type": mime_type}
        )
        answers.documents(ours, theirs, self._pairing)
        for server, answer in ((self._ours, ours), (self._theirs, theirs)):
            compare(server.upload(answer.document, content), 200, self._pairing, "the status of an upload")
        return ours.document["id"]

    def _some_thread(self, is_wanted: Callable[[Thread], bool]) -> tuple[str, Thread | None, str]:
        """As `_thread`, mostly one that is wanted."""
        wanted = [thread for thread in self._threads if thread.exists and is_wanted(thread)]
        if wanted and self._random.random() < 0.8:
            thread = self._random.choice(wanted)
            return thread.user, thread, thread.id
        return self._thread()

    def _paging(self) -> dict[str, Any]:
        random = self._random
        paging: dict[str, Any] = {"limit": random.choice((None, 0, 1, 2, 3, 5, 20, 9999))}
        return paging | random.choice(({}, {"order": "asc"}, {"order": "desc"}))

    def _action(self, plays: Sequence[str]) -> tuple[str, Thread | None, str, dict[str, Any]]:
        """A user, a thread of theirs if there is one, the play's name, and the operation's parameters."""
        random = self._random
        user, thread, thread_id = self._some_thread(lambda thread: bool(thread.widgets))
        play, sender = random.choice(plays), {}
        if thread and random.random() < 0.8:
            item_id = random.choice(thread.widgets) if thread.widgets and random.random() < 0.8 else self._item(thread)
            sender = {"item_id": item_id} if item_id else {}
        action = {"type": play, "payload": random.choice((None, 1, {"count": 2}))}
        return user, thread, play, {"thread_id": thread_id, "action": action, **sender}
