"""Files and dictation."""

import base64
from functools import partial

from .. import answers
from ..compare import Difference, Pairing, compare
from ..wire import message
from .stage import EXCHANGES, Exchange, exchange

PNG = b"\x89PNG\r\n\x1a\n and the rest"


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
        if content:
            stage.ours.upload(ours.document, content)
        params = {"thread_id": stage.thread_id, "input": message("play text", attachments=[ours.document["id"]])}
        refused = stage.ours.ask(stage.user, "threads.add_user_message", params)
        compare(refused.status, 400, Pairing(), "the status")
        assert (
            stage.theirs.ask(stage.user, "attachments.delete", {"attachment_id": theirs.document["id"]}).status == 200
        )
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
