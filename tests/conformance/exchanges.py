"""What goes on behind an answer, on both servers: the page's outputs, answers to questions, actions, files, dictation."""

import base64
from collections.abc import Callable
from functools import partial
from typing import Any

from . import answers
from .cases import Case
from .compare import Difference, Pairing, compare
from .differences import only_thoughts
from .plays import ACTION_PLAYS, PLAYS, SYNC_PLAYS
from .scripts import SCRIPTS
from .upstream import Upstream
from .wire import Answer, Server, message, walk

PNG = b"\x89PNG\r\n\x1a\n and the rest"

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
        return self.ours.ask(self.user, operation, params), self.theirs.ask(self.user, operation, self.pairing.translated(params))

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


def cases(ours: Server, theirs: Server, upstream: Upstream) -> list[Case]:
    """One case per exchange."""
    everything: dict[str, Callable[[Exchange], None]] = dict(EXCHANGES)
    everything |= {f"action-{play}": partial(acts, play) for play in ACTION_PLAYS}
    everything |= {f"sync-action-{play}": partial(acts_at_once, play) for play in SYNC_PLAYS}
    return [
        Case(f"exchange {name}", partial(play, Exchange(name, ours, theirs, upstream)))
        for name, play in everything.items()
    ]


def picked(stage: Exchange, script: str, result: Any) -> None:
    stage.create(script)
    stage.stream("threads.add_client_tool_output", SCRIPTS[script].differences, thread_id=stage.thread_id, result=result)
    stage.compare_shown()
    stage.compare_stored()
    stage.say()
    stage.compare_stored()


@exchange
def page_returns_an_output(stage: Exchange) -> None:
    picked(stage, "pick", {"kind": "lamp", "count": 2, "nothing": None})


@exchange
def page_returns_nothing(stage: Exchange) -> None:
    picked(stage, "pick", None)


@exchange
def page_returns_a_text(stage: Exchange) -> None:
    picked(stage, "text-before-pick", "Grüße")


@exchange
def page_returns_after_a_thought(stage: Exchange) -> None:
    picked(stage, "thought-and-pick", [1, 2])


@exchange
def page_returns_too_late(stage: Exchange) -> None:
    stage.create("pick")
    stage.say()
    stage.refused("threads.add_client_tool_output", thread_id=stage.thread_id, result=1)
    # The next output that is taken drops the call that was never answered.
    stage.say("pick")
    stage.stream("threads.add_client_tool_output", thread_id=stage.thread_id, result=1)
    stage.compare_stored()
    stage.refused("threads.add_client_tool_output", thread_id=stage.thread_id, result=2)
    stage.refused("threads.add_client_tool_output", 404, thread_id="thr_unknown", result=2)


@exchange
def page_returns_in_a_thread_that_was_retried(stage: Exchange) -> None:
    question = stage.create("pick")[1]["item"]["id"]
    stage.stream("threads.retry_after_item", thread_id=stage.thread_id, item_id=question)
    stage.stream("threads.add_client_tool_output", thread_id=stage.thread_id, result=1)
    stage.compare_stored()


SUBMISSIONS: dict[str, dict[str, Any]] = {
    "whole": {"answers": {"color": {"values": ["red"]}, "size": {"values": ["s", "m"]}, "note": {"values": ["Thanks"]}}},
    "nothing": {},
    "too-much": {"answers": {"color": {"values": ["blue", "red"]}, "else": {"values": ["x"]}}},
    "passed-over": {"answers": {"color": {"skipped": True, "values": ["red"]}, "size": {"values": []}}},
    "skipped": {"status": "skipped", "answers": {"color": {"values": ["red"]}}},
    "no-option": {"status": "answered", "answers": {"color": {"values": ["green"]}, "note": {"values": ["a", "b"]}}},
}


def answered(submission: dict[str, Any], script: str, stage: Exchange) -> None:
    stage.create(script)
    item_id = stage.last("structured_input")
    params = {"thread_id": stage.thread_id, "item_id": item_id, "input": submission}
    stage.stream("threads.add_structured_input", **params)
    stage.compare_shown()
    stage.compare_stored()
    stage.refused("threads.add_structured_input", **params)
    stage.say()
    stage.compare_stored()


for key, submission in SUBMISSIONS.items():
    EXCHANGES[f"questions-{key}"] = partial(answered, submission, "tool-ask")
EXCHANGES["questions-beside-a-widget"] = partial(answered, {"answers": {"note": {"values": ["x"]}}}, "tool-show-and-ask")


@exchange
def questions_are_answered_later(stage: Exchange) -> None:
    stage.create("tool-ask")
    item_id = stage.last("structured_input")
    stage.say()
    stage.stream("threads.add_structured_input", thread_id=stage.thread_id, item_id=item_id, input=SUBMISSIONS["whole"])
    stage.compare_shown()
    stage.compare_stored()


@exchange
def only_questions_are_answered(stage: Exchange) -> None:
    stage.create("tool-card")
    for item in stage.compare_stored():
        stage.refused("threads.add_structured_input", thread_id=stage.thread_id, item_id=item["id"], input={})
    stage.refused("threads.add_structured_input", 404, thread_id=stage.thread_id, item_id="msg_unknown", input={})
    stage.refused("threads.add_structured_input", 404, thread_id="thr_unknown", item_id="msg_unknown", input={})
    stage.compare_stored()


FAILURES = frozenset({"error-says-why"})


def acts(play: str, stage: Exchange) -> None:
    """An action of a widget, and one of the page's own."""
    stage.create("tool-copied")
    item_id = stage.last("widget")
    action = {"type": play, "payload": {"count": 2, "nothing": None}}
    differences = FAILURES if PLAYS[play].fails else NONE
    stage.stream("threads.custom_action", differences, thread_id=stage.thread_id, item_id=item_id, action=action)
    stage.compare_stored()
    if play == "title":
        differences |= {"titles-are-told-again"}
    stage.stream("threads.custom_action", differences, thread_id=stage.thread_id, action={"type": play})
    stage.compare_stored()
    stage.say()
    stage.compare_stored()


def acts_at_once(play: str, stage: Exchange) -> None:
    """The same without a stream."""
    stage.create("tool-copied")
    params = {"thread_id": stage.thread_id, "item_id": stage.last("widget"), "action": {"type": play}}
    if PLAYS[play].fails:
        ours, theirs = stage.ask("threads.sync_custom_action", **params)
        compare((ours.status, theirs.status), (502, 500), Pairing(), "statuses")
    else:
        stage.documents("threads.sync_custom_action", **params)
    stage.compare_stored()
    stage.say()


@exchange
def only_widgets_act(stage: Exchange) -> None:
    stage.create("tool-card")
    for operation in ("threads.custom_action", "threads.sync_custom_action"):
        for item in stage.compare_stored():
            if item["type"] != "widget":
                params = {"thread_id": stage.thread_id, "item_id": item["id"]}
                stage.refused(operation, **params, action={"type": "replace"})
        unknown = {"item_id": "msg_unknown", "action": {"type": "replace"}}
        stage.refused(operation, 404, thread_id=stage.thread_id, **unknown)
        stage.refused(operation, 404, thread_id="thr_unknown", **unknown)
    stage.compare_stored()


def attached(is_direct: bool, stage: Exchange) -> None:
    """Files in a first message and in a further one, and a retry."""
    ids = [
        stage.attachment("a.png", "image/png", PNG, is_direct),
        stage.attachment("Grüße.txt", "text/plain", b"A text", is_direct),
    ]
    question = stage.create("text", attachments=ids)[1]["item"]["id"]
    stage.compare_shown()
    stage.compare_stored()
    stage.say(attachments=[stage.attachment("b.pdf", "application/pdf", b"%PDF-1.7", is_direct)])
    stage.compare_stored()
    stage.stream("threads.retry_after_item", thread_id=stage.thread_id, item_id=question)
    stage.compare_shown()
    stage.compare_stored()
    stage.documents("threads.delete", thread_id=stage.thread_id)


EXCHANGES["files-in-two-phases"] = partial(attached, False)
EXCHANGES["files-at-once"] = partial(attached, True)


@exchange
def files_without_words(stage: Exchange) -> None:
    attachment = stage.attachment("a.png", "image/png", PNG)
    stage.stream("threads.create", input={"content": [], "attachments": [attachment], "inference_options": {}})
    stage.compare_shown()


@exchange
def files_are_taken_out_again(stage: Exchange) -> None:
    attachment = stage.attachment("a.png", "image/png", PNG)
    stage.documents("attachments.delete", attachment_id=attachment)
    stage.documents("attachments.delete", attachment_id=attachment)
    stage.documents("attachments.delete", attachment_id="atc_unknown")
    answers.half_created(*stage.ask("threads.create", input=message("play text", attachments=[attachment])))


@exchange
def files_of_nobody(stage: Exchange) -> None:
    stage.create("text")
    for unknown in ("atc_unknown", "", "../x", stage.thread_id):
        found = message("play text", attachments=[unknown])
        stage.refused("threads.add_user_message", thread_id=stage.thread_id, input=found)
    stage.compare_stored()


@exchange
def files_that_were_never_uploaded(stage: Exchange) -> None:
    """`files-are-there`: theirs takes what it was only told of."""
    stage.create("text")
    for content in (None, PNG + b" and more"):
        ours, theirs = stage.ask("attachments.create", name="a.png", size=len(PNG), mime_type="image/png")
        stage.ours.upload(ours.document, content) if content else None
        params = {"thread_id": stage.thread_id, "input": message("play text", attachments=[ours.document["id"]])}
        refused = stage.ours.ask(stage.user, "threads.add_user_message", params)
        compare(refused.status, 400, Pairing(), "the status")
        assert stage.theirs.ask(stage.user, "attachments.delete", {"attachment_id": theirs.document["id"]}).status == 200
    stage.compare_stored()


@exchange
def files_stay_in_their_message(stage: Exchange) -> None:
    """`files-stay-in-their-message`: theirs attaches a file twice, and removes one that a message shows."""
    attachment = stage.attachment("a.txt", "text/plain", b"A text")
    stage.create("text", attachments=[attachment])
    found = message("play text", attachments=[attachment])
    again = stage.ours.ask(stage.user, "threads.add_user_message", {"thread_id": stage.thread_id, "input": found})
    compare(again.status, 400, Pairing(), "the status")
    ours, theirs = stage.ask("attachments.delete", attachment_id=attachment)
    compare((ours.status, theirs.status), (400, 200), Pairing(), "statuses")
    stage.compare_stored()


@exchange
def dictation(stage: Exchange) -> None:
    for mime_type in ("audio/webm;codecs=opus", "audio/mp4", "audio/ogg;codecs=opus"):
        audio = base64.b64encode(b"words").decode()
        found = stage.ask("input.transcribe", audio_base64=audio, mime_type=mime_type)
        expected = {"text": f"5 bytes of {mime_type.partition(';')[0]}"}
        # `recordings-are-checked`: ours leaves out white space around the words.
        trimmed = [{"text": answer.document["text"].strip()} for answer in found]
        compare(trimmed, [expected, expected], Pairing(), "texts")
        compare(found[0].document, expected, Pairing(), "text")
    silence = base64.b64encode(b"silence").decode()
    stage.documents("input.transcribe", audio_base64=silence, mime_type="audio/mp4")
    failing = base64.b64encode(b"fail").decode()
    ours, theirs = stage.ask("input.transcribe", audio_base64=failing, mime_type="audio/mp4")
    compare((ours.status, theirs.status), (502, 500), Pairing(), "statuses")


@exchange
def dictation_that_makes_no_sense(stage: Exchange) -> None:
    """`recordings-are-checked`: theirs takes to the model whatever it is."""
    for audio, mime_type in (("!!!", "audio/mp4"), ("", "audio/mp4"), ("YWJj", "image/png"), ("YWJj", "")):
        ours, theirs = stage.ask("input.transcribe", audio_base64=audio, mime_type=mime_type)
        if ours.status != 400 or theirs.status not in {200, 500}:
            raise Difference(f"ours answers {ours}, theirs {theirs}")
