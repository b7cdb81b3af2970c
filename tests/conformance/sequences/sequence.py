"""A random sequence of operations."""

import base64
from typing import Any

from .. import answers
from ..compare import Difference, compare
from ..differences import only_thoughts
from ..plays import ACTION_PLAYS, PLAYS, SYNC_PLAYS
from ..scripts import SCRIPTS
from ..wire import Answer, Server, walk
from .bad import BAD_PARAMS, STRANGE
from .choices import Choices
from .thread import Thread

NONE: frozenset[str] = frozenset()

HIDING = ("tool-hidden", "tool-everything", "three-rounds")
"""Scripts that leave something behind which nobody sees."""


class Sequence(Choices):
    """Two users and 2 to 15 operations."""

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
            (3, self._output),
            (3, self._answer),
            (5, self._act),
            (2, self._act_at_once),
            (1, self._file),
            (1, self._dictate),
        ]
        weights, actions = zip(*steps, strict=True)
        try:
            self._create()
            for action in self._random.choices(actions, weights, k=self._random.randint(1, 14)):
                action()
            self._end()
        except AssertionError as error:
            raise Difference(f"{error}\n    after {'; '.join(self._log)}") from error

    def _turn(
        self, thread: Thread, ours: Answer, theirs: Answer, differences: frozenset[str] = NONE, is_shown: bool = True
    ) -> None:
        """What both tell: the model's answer by the thread's newest script, and what more differs. `is_shown`: whether
        the model is asked."""
        if is_shown:
            differences |= SCRIPTS[thread.script].differences
        if thread.script == "tool-title":
            differences |= {"titles-are-told-again"}
        answers.streams(differences, ours, theirs, self._pairing)
        # A run that theirs breaks off has shown its model less.
        if is_shown and thread.is_shown_alike and "unknown-functions-are-answered" not in differences:
            shown = (self._upstream.transcript(agent) for agent in ("chatkit-backend", "Agents"))
            answers.transcripts(*shown, self._pairing)
        thread.items += answers.stored(ours)
        for event in ours.events or ():
            if event["type"] == "thread.item.done":
                thread.note(event["item"])
        thread.hidden += HIDING.count(thread.script)
        only_ours, only_theirs = answers.uneven(ours, theirs, self._pairing)
        thread.only_ours |= only_ours
        thread.only_theirs |= only_theirs

    def _create(self) -> None:
        user = self._random.choice(self._users)
        name, message = self._message(user)
        ours, theirs = self._ask(user, "threads.create", {"input": message})
        if not ours.events:
            raise Difference(f"ours answers {ours}, theirs {theirs}")
        thread = Thread(user, ours.events[0]["thread"]["id"])
        self._threads.append(thread)
        self._asked(thread, name, ours, theirs)

    def _asked(self, thread: Thread, name: str, ours: Answer, theirs: Answer) -> None:
        count, thread.script = len(thread.items), name
        self._turn(thread, ours, theirs)
        thread.questions.add(thread.items[count])
        self._scripts[thread.items[count]] = name

    def _say(self) -> None:
        user, thread, thread_id = self._thread()
        name, message = self._message(user)
        ours, theirs = self._ask(user, "threads.add_user_message", {"thread_id": thread_id, "input": message})
        if thread is None:
            return answers.unknown_thread("threads.add_user_message", ours, theirs)
        self._asked(thread, name, ours, theirs)

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
        thread.forget(set(thread.items[thread.items.index(item_id) + 1 :]))
        thread.only_theirs &= {item["id"] for item in self._all_items(self._theirs, thread)}
        thread.script = self._scripts[item_id]
        self._turn(thread, ours, theirs)

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
            page["data"] = [only_thoughts(item) for item in page["data"] if item["id"] not in only]
        answers.documents(ours, theirs, self._pairing)

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
        for answer in (ours, theirs):
            answer.document["data"] = [only_thoughts(item) for item in answer.document["data"]]
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
            [only_thoughts(item) for item in self._all_items(server, thread, limit, order) if item["id"] not in only]
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

    def _output(self) -> None:
        """What the page returns; refused by both unless the thread waits for it."""
        user, thread, thread_id = self._some_thread(lambda thread: thread.waits_for_the_page)
        result = self._random.choice((None, 1, "a text", {"picked": ["lamp", None]}, []))
        operation = "threads.add_client_tool_output"
        ours, theirs = self._ask(user, operation, {"thread_id": thread_id, "result": result})
        if thread is None or ours.events is None:
            return answers.both_refuse(ours, theirs)
        answered = thread.calls[-1]
        self._turn(thread, ours, theirs)
        # Calls that nobody answered are gone with the next output.
        thread.forget(set(thread.calls[: thread.calls.index(answered)]) - self._answered)
        self._answered.add(answered)

    def _answer(self) -> None:
        """Answers to questions; refused by both unless they are open."""
        random = self._random
        user, thread, thread_id = self._some_thread(lambda thread: bool(thread.asked))
        item_id = "msg_unknown"
        if thread:
            item_id = random.choice(thread.asked) if thread.asked and random.random() < 0.8 else self._item(thread)
        values = random.choice((["red"], ["m", "s"], ["a text"], []))
        given = {random.choice(("color", "size", "note", "else")): {"values": values} for _ in range(3)}
        submission = random.choice(({}, {"answers": given}, {"answers": given, "status": "skipped"}))
        params = {"thread_id": thread_id, "item_id": item_id, "input": submission}
        ours, theirs = self._ask(user, "threads.add_structured_input", params)
        if thread is None or ours.events is None:
            return answers.both_refuse(ours, theirs)
        self._turn(thread, ours, theirs)

    def _act(self) -> None:
        user, thread, play, params = self._action(ACTION_PLAYS)
        ours, theirs = self._ask(user, "threads.custom_action", params)
        if thread is None or ours.events is None:
            return answers.both_refuse(ours, theirs)
        differences = {"error-says-why"} if PLAYS[play].fails else set()
        differences |= {"titles-are-told-again"} if play == "title" else set()
        thread.hidden += PLAYS[play].hidden
        self._turn(thread, ours, theirs, frozenset(differences), PLAYS[play].responds)

    def _act_at_once(self) -> None:
        user, thread, play, params = self._action(SYNC_PLAYS)
        ours, theirs = self._ask(user, "threads.sync_custom_action", params)
        if thread is None or 400 <= ours.status < 500:
            return answers.both_refuse(ours, theirs)
        if PLAYS[play].fails:
            return compare((ours.status, theirs.status), (502, 500), self._pairing, "statuses")
        thread.hidden += PLAYS[play].hidden
        answers.documents(ours, theirs, self._pairing)

    def _file(self) -> None:
        """A file that no message gets in the end, or one that nobody has."""
        random, user = self._random, self._random.choice(self._users)
        attachment = random.choice((self._uploaded(user), *STRANGE))
        if random.random() < 0.5:
            answers.documents(*self._ask(user, "attachments.delete", {"attachment_id": attachment}), self._pairing)
        own = [thread for thread in self._threads if thread.user == user and thread.exists]
        if own and attachment in STRANGE:
            message = {"content": [], "attachments": [attachment], "inference_options": {}}
            params = {"thread_id": own[0].id, "input": message}
            answers.both_refuse(*self._ask(user, "threads.add_user_message", params))

    def _dictate(self) -> None:
        audio = base64.b64encode(self._random.randbytes(self._random.randint(1, 90))).decode()
        mime_type = self._random.choice(("audio/webm;codecs=opus", "audio/mp4", "audio/ogg;codecs=opus"))
        params = {"audio_base64": audio, "mime_type": mime_type}
        ours, theirs = self._ask(self._random.choice(self._users), "input.transcribe", params)
        # `recordings-are-checked`: ours leaves out white space around the words.
        theirs.document["text"] = theirs.document["text"].strip()
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
