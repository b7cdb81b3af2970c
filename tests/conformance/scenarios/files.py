"""Files, from the composer to a message, and dictation."""

import base64
from typing import Any

from ..compare import content
from ..wire import message
from .stage import Document, Stage, done, equal, events, refused, scenario

PNG = b"\x89PNG\r\n\x1a\n and the rest"


def announced(stage: Stage, name: str = "a.png", mime_type: str = "image/png", size: int = len(PNG)) -> Document:
    return stage.get("attachments.create", name=name, size=size, mime_type=mime_type)


def uploaded(stage: Stage, **fields: Any) -> Document:
    attachment = announced(stage, **fields)
    equal(stage.server.upload(attachment, PNG), 200)
    return attachment


def attach(stage: Stage, *ids: str):
    return stage.ask("threads.create", input=message("play text", attachments=list(ids)))


@scenario
def creates_image_file(stage: Stage) -> None:
    attachment = announced(stage)
    equal(set(attachment), {"id", "name", "mime_type", "type", "preview_url", "upload_descriptor"})
    equal((attachment["name"], attachment["mime_type"], attachment["type"]), ("a.png", "image/png", "image"))
    upload = attachment["upload_descriptor"]
    equal((upload["method"], upload["headers"]), ("PUT", {"Content-Type": "image/png"}))
    equal(content(attachment["preview_url"]), None)
    equal(stage.server.upload(attachment, PNG), 200)
    equal(content(attachment["preview_url"]), PNG)


@scenario
def creates_file(stage: Stage) -> None:
    attachment = announced(stage, name="Grüße.txt", mime_type="text/plain")
    equal(set(attachment), {"id", "name", "mime_type", "type", "upload_descriptor"})
    equal((attachment["name"], attachment["type"]), ("Grüße.txt", "file"))


@scenario
def takes_a_file_with_its_bytes(stage: Stage) -> None:
    answer = stage.server.upload_directly(stage.user, "a.png", "image/png", PNG)
    equal((answer.status, "upload_descriptor" in answer.document), (200, False))
    equal(content(answer.document["preview_url"]), PNG)
    equal(len(done(events(attach(stage, answer.document["id"])))[0]["attachments"]), 1)
    refused(stage.server.upload_directly(stage.user, "a.svg", "image/svg+xml", b"<svg>"), 400, "bad_request")
    refused(stage.server.upload_directly(stage.user, "a.png", "image/png", b""), 400, "bad_request")


@scenario
def message_has_its_files(stage: Stage) -> None:
    attachment = uploaded(stage)
    stream = events(attach(stage, attachment["id"]))
    thread_id = stream[0]["thread"]["id"]
    [attached] = done(stream)[0]["attachments"]
    equal(
        {key: attached[key] for key in attached if key != "preview_url"},
        {
            "id": attachment["id"],
            "name": "a.png",
            "mime_type": "image/png",
            "type": "image",
            "thread_id": thread_id,
        },
    )
    equal(content(attached["preview_url"]), PNG)
    [stored] = stage.items(thread_id)[0]["attachments"]
    equal((content(stored["preview_url"]), set(stored)), (PNG, set(attached)))
    assert stage.shown()[0][1].startswith("play text\n[input_image"), stage.shown()
    stage.get("threads.delete", thread_id=thread_id)
    equal(content(stored["preview_url"]), None)


@scenario
def file_must_be_there(stage: Stage) -> None:
    """`files-are-there`"""
    never = announced(stage)
    refused(attach(stage, never["id"]), 400, "bad_request")
    larger = announced(stage)
    assert stage.server.upload(larger, PNG + b"!") != 200 or attach(stage, larger["id"]).status == 400
    other_type = announced(stage)
    other_type["upload_descriptor"]["headers"] = {"Content-Type": "text/html"}
    assert stage.server.upload(other_type, PNG) != 200 or attach(stage, other_type["id"]).status == 400
    good = uploaded(stage)
    for unknown in ("atc_unknown", "", "../x", never["id"]):
        refused(attach(stage, good["id"], unknown), 400, "bad_request")
    refused(attach(stage.other(), good["id"]), 400, "bad_request")
    equal(attach(stage, good["id"]).status, 200)
    equal(len(stage.threads()), 1)


@scenario
def file_stays_in_its_message(stage: Stage) -> None:
    """`files-stay-in-their-message`"""
    attachment = uploaded(stage)
    stream = events(attach(stage, attachment["id"]))
    refused(attach(stage, attachment["id"]), 400, "bad_request")
    refused(stage.ask("attachments.delete", attachment_id=attachment["id"]), 400, "bad_request")
    [stored] = stage.items(stream[0]["thread"]["id"])[0]["attachments"]
    equal(content(stored["preview_url"]), PNG)


@scenario
def deletes_file(stage: Stage) -> None:
    attachment = uploaded(stage)
    equal(stage.other().get("attachments.delete", attachment_id=attachment["id"]), {})
    equal(content(attachment["preview_url"]), PNG)
    for _ in range(2):
        equal(stage.get("attachments.delete", attachment_id=attachment["id"]), {})
        equal(content(attachment["preview_url"]), None)
        refused(attach(stage, attachment["id"]), 400, "bad_request")


@scenario
def pictures_of_the_model_are_kept(stage: Stage) -> None:
    """`pictures-are-files`"""
    stream = stage.create("play picture-that-takes-shape")
    updates = [event["update"] for event in stream if event.get("update", {}).get("type") == "generated_image.updated"]
    equal([update["progress"] for update in updates], [0.5, 1.0])
    [item] = [item for item in done(stream) if item["type"] == "generated_image"]
    equal(content(item["image"]["url"])[:4], b"\x89PNG")
    assert all(content(update["image"]["url"]) for update in updates)
    assert "base64" not in str(stream), "a picture is in the stream"
    stored = next(each for each in stage.items(item["thread_id"]) if each["type"] == "generated_image")
    equal(content(stored["image"]["url"]), content(item["image"]["url"]))


@scenario
def transcribes(stage: Stage) -> None:
    for mime_type in ("audio/webm;codecs=opus", "audio/mp4", "audio/ogg;codecs=opus"):
        audio = base64.b64encode(b"words").decode()
        found = stage.get("input.transcribe", audio_base64=audio, mime_type=mime_type)
        equal(found, {"text": f"5 bytes of {mime_type.partition(';')[0]}"})
    silence = base64.b64encode(b"silence").decode()
    equal(stage.get("input.transcribe", audio_base64=silence, mime_type="audio/mp4"), {"text": ""})
    failing = base64.b64encode(b"fail").decode()
    answer = stage.ask("input.transcribe", audio_base64=failing, mime_type="audio/mp4")
    refused(answer, 502, "upstream_error")
    assert "upstream's own words" not in answer.document["message"]
