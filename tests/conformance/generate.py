"""Random sequences of operations on both servers. A sequence is made from its seed alone, so that one that fails can be
played again: `--start SEED --seeds 1`."""

from dataclasses import dataclass, field
from random import Random
from typing import Any

from . import answers
from .cases import Case
from .compare import Difference, Pairing, compare
from .scripts import SCRIPTS
from .upstream import Upstream
from .wire import Answer, Server, walk

# The first cannot be stored by theirs, the second has its pauses for nothing here.
PLAYED = sorted(SCRIPTS.keys() - {"placeholder-ids", "only-thoughts", "slow"})

STRANGE = ("thr_unknown", "msg_unknown", "", "../x", "#", "thr_\u0000", "👻", "x" * 300)

BAD_PARAMS: list[tuple[str, dict[str, Any]]] = [
    ("threads.create", {}),
    ("threads.create", {"input": {"content": [{"type": "input_text", "text": 1}], "attachments": []}}),
    ("threads.add_user_message", {"thread_id": "thr_1"}),
    ("threads.retry_after_item", {"thread_id": "thr_1"}),
    ("threads.get_by_id", {"thread_id": 1}),
    ("threads.list", {"limit": "many"}),
    ("threads.list", {"limit": 1.5}),
    ("threads.list", {"order": "up"}),
    ("threads.update", {"thread_id": "thr_1", "title": None}),
    ("threads.delete", {}),
    ("items.list", {"limit": 1}),
    ("items.feedback", {"thread_id": "thr_1", "item_ids": "msg_1", "kind": "positive"}),
    ("items.feedback", {"thread_id": "thr_1", "item_ids": [], "kind": "neutral"}),
    ("threads.unknown", {}),
]


@dataclass
class Thread:
    """A thread on both servers; ids are ours."""

    user: str
    id: str
    items: list[str] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    questions: set[str] = field(default_factory=set)
    only_ours: set[str] = field(default_factory=set)
    only_theirs: set[str] = field(default_factory=set)
    exists: bool = True

    @property
    def is_even(self) -> bool:
        return not (self.only_ours or self.only_theirs)


def cases(ours: Server, theirs: Server, upstream: Upstream, start: int, count: int) -> list[Case]:
    """One case per seed."""
    return [
        Case(f"sequence {seed}", Sequence(seed, ours, theirs, upstream).play) for seed in range(start, start + count)
    ]


class Sequence:
    """Two users and 2 to 15 operations."""

    def __init__(self, seed: int, ours: Server, theirs: Server, upstream: Upstream) -> None:
        self._random = Random(seed)
        self._ours, self._theirs, self._upstream = ours, theirs, upstream
        self._pairing = Pairing()
        self._users = [f"seed-{seed}-{name}" for name in "ab"]
        self._threads: list[Thread] = []
        self._scripts: dict[str, str] = {}
        self._log: list[str] = []

    def play(self) -> None:
        """Raises `Difference`."""
        steps = [
            (3, self._create),
            (6, self._say),
            (3, self._retry),
            (2, self._get),
            (2, self._list_threads),
            (4, self._list_items),
            (2, self._rename),
            (1, self._delete),
            (1, self._feedback),
            (1, self._bad),
        ]
        weights, actions = zip(*steps, strict=True)
        try:
            self._create()
            for action in self._random.choices(actions, weights, k=self._random.randint(1, 14)):
                action()
            self._end()
        except AssertionError as error:
            raise Difference(f"{error}\n    after {'; '.join(self._log)}") from error

    def _ask(self, user: str, operation: str, params: dict[str, Any]) -> tuple[Answer, Answer]:
        """Asks both. Ids in `params` are ours."""
        self._log.append(f"{operation} {params}")
        return self._ours.ask(user, operation, params), self._theirs.ask(user, operation, self._translated(params))

    def _translated(self, params: dict[str, Any]) -> dict[str, Any]:
        ids = {key: self._pairing.theirs(value) for key, value in params.items() if isinstance(value, str)}
        lists = (
            {"item_ids": [self._pairing.theirs(each) for each in params["item_ids"]]} if "item_ids" in params else {}
        )
        return params | ids | lists

    # What is chosen

    def _message(self) -> tuple[str, dict[str, Any]]:
        """A script's name and a message that calls it."""
        random, name = self._random, self._random.choice(PLAYED)
        content: list[dict[str, Any]] = [{"type": "input_text", "text": f"play {name} {random.randint(1, 9)}"}]
        for _ in range(random.choice((0, 0, 0, 1, 2))):
            tag = {"type": "input_tag", "id": "doc", "text": random.choice("AB"), "data": {"n": random.randint(1, 3)}}
            content += [tag, {"type": "input_text", "text": " and"}]
        options = random.choice(({}, {}, {"model": "gpt-x"}, {"tool_choice": {"id": "search"}}))
        message: dict[str, Any] = {"content": content, "attachments": [], "inference_options": options}
        if random.random() < 0.2:
            message["quoted_text"] = random.choice(("", "said before"))
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

    # What is done

    def _turn(self, thread: Thread, name: str, ours: Answer, theirs: Answer) -> None:
        answers.streams(SCRIPTS[name].differences, ours, theirs, self._pairing)
        if thread.is_even and len(thread.items) < 18:
            answers.transcripts(self._upstream.transcript("chatkit-backend"), self._upstream.transcript("Agents"))
        thread.items += answers.stored(ours)
        only_ours, only_theirs = answers.uneven(ours, theirs, self._pairing)
        thread.only_ours |= only_ours
        thread.only_theirs |= only_theirs

    def _create(self) -> None:
        user, (name, message) = self._random.choice(self._users), self._message()
        ours, theirs = self._ask(user, "threads.create", {"input": message})
        if not ours.events:
            raise Difference(f"ours answers {ours}, theirs {theirs}")
        thread = Thread(user, ours.events[0]["thread"]["id"])
        self._threads.append(thread)
        self._turn(thread, name, ours, theirs)
        thread.questions.add(thread.items[0])
        self._scripts[thread.items[0]] = name

    def _say(self) -> None:
        (user, thread, thread_id), (name, message) = self._thread(), self._message()
        ours, theirs = self._ask(user, "threads.add_user_message", {"thread_id": thread_id, "input": message})
        if thread is None:
            return answers.unknown_thread("threads.add_user_message", ours, theirs)
        count = len(thread.items)
        self._turn(thread, name, ours, theirs)
        thread.questions.add(thread.items[count])
        self._scripts[thread.items[count]] = name

    def _retry(self) -> None:
        user, thread, thread_id = self._thread()
        if thread is None:
            ours, theirs = self._ask(
                user, "threads.retry_after_item", {"thread_id": thread_id, "item_id": "msg_unknown"}
            )
            return answers.unknown_thread("threads.retry_after_item", ours, theirs)
        item_id = self._random.choice(sorted(thread.questions)) if self._random.random() < 0.7 else self._item(thread)
        ours, theirs = self._ask(user, "threads.retry_after_item", {"thread_id": thread_id, "item_id": item_id})
        if item_id not in thread.items:
            return answers.unknown_item("threads.retry_after_item", ours, theirs)
        if item_id not in thread.questions:
            return answers.both_refuse(ours, theirs)
        position = thread.items.index(item_id) + 1
        thread.gone += [item for item in thread.items[position:] if item not in thread.only_ours]
        del thread.items[position:]
        thread.questions &= set(thread.items)
        thread.only_ours &= set(thread.items)
        thread.only_theirs &= {item["id"] for item in self._all_items(self._theirs, thread)}
        self._turn(thread, self._scripts[item_id], ours, theirs)

    def _get(self) -> None:
        user, thread, thread_id = self._thread()
        ours, theirs = self._ask(user, "threads.get_by_id", {"thread_id": thread_id})
        if thread is None:
            return answers.unknown_thread("threads.get_by_id", ours, theirs)
        self._same_thread(thread, ours, theirs)

    def _same_thread(self, thread: Thread, ours: Answer, theirs: Answer) -> None:
        their_id = self._pairing.theirs(thread.id)
        theirs = answers.thread_with_newest_items(ours, theirs, self._theirs, thread.user, their_id)
        for answer, only in ((ours, thread.only_ours), (theirs, thread.only_theirs)):
            page = answer.document["items"]
            page["data"] = [item for item in page["data"] if item["id"] not in only]
        answers.documents(ours, theirs, self._pairing)

    def _paging(self) -> dict[str, Any]:
        random = self._random
        paging: dict[str, Any] = {"limit": random.choice((None, 0, 1, 2, 3, 5, 20, 9999))}
        return paging | random.choice(({}, {"order": "asc"}, {"order": "desc"}))

    def _list_threads(self) -> None:
        user, paging = self._random.choice(self._users), self._paging()
        alive = [thread.id for thread in self._threads if thread.user == user and thread.exists]
        if alive and self._random.random() < 0.5:
            paging["after"] = self._random.choice([*alive, self._random.choice(STRANGE)])
        ours, theirs = self._ask(user, "threads.list", paging)
        if "after" in paging and paging["after"] not in alive:
            return self._gone_cursor(paging, alive, ours, theirs)
        answers.documents(ours, theirs, self._pairing)

    def _list_items(self) -> None:
        (user, thread, thread_id), paging = self._thread(), self._paging()
        if thread is None:
            ours, theirs = self._ask(user, "items.list", {"thread_id": thread_id, **paging})
            return answers.unknown_thread("items.list", ours, theirs)
        if not thread.is_even:
            return self._same_items(thread)
        if self._random.random() < 0.6:
            paging["after"] = self._item(thread)
        ours, theirs = self._ask(user, "items.list", {"thread_id": thread_id, **paging})
        if "after" in paging and paging["after"] not in thread.items:
            return self._gone_cursor(paging, thread.items, ours, theirs)
        answers.documents(ours, theirs, self._pairing)

    def _gone_cursor(self, paging: dict[str, Any], oldest_first: list[str], ours: Answer, theirs: Answer) -> None:
        if ours.status != 200 or not theirs.refused:
            raise Difference(f"ours answers {ours}, theirs {theirs}")
        ordered = oldest_first if paging.get("order") == "asc" else oldest_first[::-1]
        answers.from_a_cursor_that_is_gone(ours.document, paging["limit"] or 20, ordered)

    def _all_items(self, server: Server, thread: Thread, limit: int = 9999, order: str = "asc") -> list[dict[str, Any]]:
        thread_id = thread.id if server is self._ours else self._pairing.theirs(thread.id)
        return walk(server, thread.user, "items.list", limit, order, thread_id=thread_id)

    def _same_items(self, thread: Thread) -> None:
        """All items, but for those that only one of the two has."""
        limit, order = self._random.choice((1, 2, 3, 20)), self._random.choice(("asc", "desc"))
        self._log.append(f"all items of {thread.id} by {limit}, {order}")
        ours, theirs = [
            [item for item in self._all_items(server, thread, limit, order) if item["id"] not in only]
            for server, only in ((self._ours, thread.only_ours), (self._theirs, thread.only_theirs))
        ]
        compare(ours, theirs, self._pairing, "items")

    def _rename(self) -> None:
        user, thread, thread_id = self._thread()
        title = self._random.choice(("", "New", "Grüße 👋", "a\nb"))
        ours, theirs = self._ask(user, "threads.update", {"thread_id": thread_id, "title": title})
        if thread is None:
            return answers.unknown_thread("threads.update", ours, theirs)
        answers.documents(ours, theirs, self._pairing)

    def _delete(self) -> None:
        user, thread, thread_id = self._thread()
        answers.documents(*self._ask(user, "threads.delete", {"thread_id": thread_id}), self._pairing)
        if thread:
            thread.exists = False

    def _feedback(self) -> None:
        user, thread, thread_id = self._thread()
        kind = self._random.choice(("positive", "negative"))
        ids = [self._item(thread) for _ in range(self._random.randint(1, 3))] if thread else ["msg_unknown"]
        ours, theirs = self._ask(user, "items.feedback", {"thread_id": thread_id, "item_ids": ids, "kind": kind})
        if thread is None:
            return answers.unknown_thread("items.feedback", ours, theirs)
        if not set(ids) <= set(thread.items):
            return answers.unknown_item("items.feedback", ours, theirs)
        answers.documents(ours, theirs, self._pairing)

    def _bad(self) -> None:
        operation, params = self._random.choice(BAD_PARAMS)
        answers.both_refuse(*self._ask(self._random.choice(self._users), operation, params))

    def _end(self) -> None:
        """Everything that is there in the end."""
        for user in self._users:
            mine, other = (walk(server, user, "threads.list", 2, "asc") for server in (self._ours, self._theirs))
            compare(mine, other, self._pairing, "threads")
        for thread in self._threads:
            if thread.exists:
                self._same_thread(thread, *self._ask(thread.user, "threads.get_by_id", {"thread_id": thread.id}))
                self._same_items(thread)
