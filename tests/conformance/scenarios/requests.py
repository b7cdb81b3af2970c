"""Requests that are not as they should be, and those that only look so."""

import json
import re
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

from ..wire import message
from .stage import Stage, equal, events, refused, scenario

INPUT = message("play text")


def without(value: dict[str, Any], *keys: str) -> dict[str, Any]:
    return {key: each for key, each in value.items() if key not in keys}


ANSWERED_AT_LENGTH = {"answers": {"q": {"values": ["x" * 10_001]}}}

BAD_PARAMS: list[tuple[str, Any]] = [
    ("threads.create", {}),
    ("threads.create", None),
    ("threads.create", []),
    ("threads.create", {"input": None}),
    ("threads.create", {"input": without(INPUT, "content")}),
    ("threads.create", {"input": INPUT | {"content": "text"}}),
    ("threads.create", {"input": INPUT | {"content": [{"type": "input_image"}]}}),
    ("threads.create", {"input": INPUT | {"content": [{"type": "input_text"}]}}),
    ("threads.create", {"input": INPUT | {"content": [{"type": "input_text", "text": 5}]}}),
    ("threads.create", {"input": INPUT | {"content": [{"type": "input_tag", "id": "a"}]}}),
    ("threads.create", {"input": INPUT | {"attachments": "atc"}}),
    ("threads.create", {"input": INPUT | {"attachments": ["atc_unknown"]}}),
    ("threads.create", {"input": INPUT | {"inference_options": 1}}),
    ("threads.create", {"input": INPUT | {"content": []}}),
    ("threads.create", {"input": message(" \n")}),
    ("threads.create", {"input": message("x" * 10_001)}),
    ("threads.add_user_message", {"input": INPUT}),
    ("threads.add_user_message", {"thread_id": 1, "input": INPUT}),
    ("threads.retry_after_item", {"thread_id": "thr_1"}),
    ("threads.get_by_id", {}),
    ("threads.get_by_id", {"thread_id": None}),
    ("threads.list", None),
    ("threads.list", {"limit": "many"}),
    ("threads.list", {"limit": 1.5}),
    ("threads.list", {"limit": -1}),
    ("threads.list", {"order": "random"}),
    ("threads.list", {"after": 1}),
    ("threads.update", {"thread_id": "thr_1"}),
    ("threads.update", {"thread_id": "thr_1", "title": None}),
    ("threads.update", {"thread_id": "thr_1", "title": "x" * 1_001}),
    ("threads.delete", {}),
    ("items.list", {"limit": 1}),
    ("items.list", {"thread_id": "thr_1", "limit": -20}),
    ("items.feedback", {"thread_id": "thr_1", "kind": "positive"}),
    ("items.feedback", {"thread_id": "thr_1", "item_ids": ["a"], "kind": "fine"}),
    ("items.feedback", {"thread_id": "thr_1", "item_ids": ["a"] * 101, "kind": "positive"}),
    ("threads.add_client_tool_output", {"thread_id": "thr_1"}),
    ("threads.add_client_tool_output", {"thread_id": "thr_1", "result": "x" * 131_073}),
    ("threads.add_structured_input", {"thread_id": "thr_1", "item_id": "a"}),
    ("threads.add_structured_input", {"thread_id": "thr_1", "item_id": "a", "input": {"status": "pending"}}),
    ("threads.add_structured_input", {"thread_id": "thr_1", "item_id": "a", "input": {"answers": {"q": []}}}),
    ("threads.add_structured_input", {"thread_id": "thr_1", "item_id": "a", "input": ANSWERED_AT_LENGTH}),
    ("threads.custom_action", {"thread_id": "thr_1", "item_id": "a"}),
    ("threads.custom_action", {"thread_id": "thr_1", "action": {"payload": 1}}),
    ("threads.sync_custom_action", {"thread_id": "thr_1", "action": "go"}),
    ("threads.sync_custom_action", {"thread_id": "thr_1", "item_id": 1, "action": {"type": "replace"}}),
    ("attachments.create", {"name": "a.png", "mime_type": "image/png"}),
    ("attachments.create", {"name": "", "size": 3, "mime_type": "image/png"}),
    ("attachments.create", {"name": "x" * 256, "size": 3, "mime_type": "image/png"}),
    ("attachments.create", {"name": "a\n.png", "size": 3, "mime_type": "image/png"}),
    ("attachments.create", {"name": "a.png", "size": 0, "mime_type": "image/png"}),
    ("attachments.create", {"name": "a.png", "size": -1, "mime_type": "image/png"}),
    ("attachments.create", {"name": "a.png", "size": 20_000_001, "mime_type": "image/png"}),
    ("attachments.create", {"name": "a", "size": 3, "mime_type": "png"}),
    ("attachments.create", {"name": "a.svg", "size": 3, "mime_type": "image/svg+xml"}),
    ("attachments.delete", {"attachment_id": None}),
    ("input.transcribe", {"mime_type": "audio/mp4"}),
    ("input.transcribe", {"audio_base64": "", "mime_type": "audio/mp4"}),
    ("input.transcribe", {"audio_base64": "!!!", "mime_type": "audio/mp4"}),
    ("input.transcribe", {"audio_base64": "YWJj", "mime_type": "image/png"}),
]


@scenario
def wrong_params_are_refused(stage: Stage) -> None:
    """Among them `empty-messages-are-refused`, `input-has-limits` and `nothing-is-half-created`."""
    for operation, params in BAD_PARAMS:
        answer = stage.server.post(stage.user, json.dumps({"type": operation, "params": params}).encode())
        equal((operation, params, answer.status, answer.document["error"]), (operation, params, 400, "bad_request"))
    equal(stage.threads(), [])


@scenario
def wrong_bodies_are_refused(stage: Stage) -> None:
    for body in (
        b"",
        b"{",
        b"[]",
        b"null",
        b'"threads.list"',
        b"{}",
        b'{"type": 1}',
        b'{"type": "threads.stop"}',
        b'{"type": "threads.list", "params": {}} more',
        b"\xff\xfe",
        b"[" * 100_000,
    ):
        refused(stage.server.post(stage.user, body), 400, "bad_request")
    refused(stage.server.post(stage.user, b"{}", "text/plain"), 415, "unsupported_media_type")
    refused(stage.server.post(stage.user, b'{"a":"' + b"x" * 1_100_000 + b'"}'), 413, "payload_too_large")
    equal(stage.threads(), [])


@scenario
def hostile_ids_are_unknown_ids(stage: Stage) -> None:
    stage.thread()
    for hostile in ("", " ", "#", "%23", "../..", "thr_\u0000", "thr_" + "x" * 5_000, "👩‍👩‍👧‍👦", "T#thr", stage.user):
        refused(stage.ask("threads.get_by_id", thread_id=hostile), 404, "not_found")
        refused(stage.ask("items.list", thread_id=hostile), 404, "not_found")
        refused(stage.ask("threads.update", thread_id=hostile, title="x"), 404, "not_found")
        refused(stage.ask("threads.add_user_message", thread_id=hostile, input=INPUT), 404, "not_found")
        equal(stage.get("threads.delete", thread_id=hostile), {})
        equal(stage.ask("threads.list", after=hostile).status, 200)


@scenario
def hostile_text_comes_back(stage: Stage) -> None:
    text = 'play text \u0000 \u202e <script> \ud83e\udd80 \\ " #% \U000e0001'
    stream = events(stage.ask("threads.create", input=message(text)))
    equal(stream[1]["item"]["content"][0]["text"], text.encode("utf-16", "surrogatepass").decode("utf-16"))


@scenario
def lone_surrogates_are_no_text(stage: Stage) -> None:
    body = (
        b'{"type":"threads.create","params":{"input":{"content":[{"type":"input_text","text":"play \\ud800"}],'
        b'"attachments":[],"inference_options":{}}}}'
    )
    refused(stage.server.post(stage.user, body), 400, "bad_request")


@scenario
def more_is_understood_than_must_be(stage: Stage) -> None:
    """`more-is-understood-than-must-be`"""
    thread_id = stage.thread()
    lenient: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
        ("threads.create", {"input": without(INPUT, "attachments", "inference_options")}, {}),
        ("threads.create", {"input": INPUT, "unknown": 1}, {"metadata": None, "unknown": []}),
        ("threads.create", {"input": INPUT | {"quoted_text": "", "attachments": None}}, {}),
        ("threads.create", {"input": INPUT | {"content": [{"type": "input_tag", "id": "a", "text": "A"}]}}, {}),
        ("threads.list", {"limit": "5", "order": None}, {}),
        ("items.list", {"thread_id": thread_id, "limit": 5.0, "after": None}, {}),
    ]
    for operation, params, envelope in lenient:
        answer = stage.server.ask(stage.user, operation, params, **envelope)
        equal((operation, params, answer.status), (operation, params, 200))


@scenario
def streams_are_what_the_client_reads(stage: Stage) -> None:
    headers = {"content-type": "application/json", "x-user-id": stage.user}
    body = json.dumps({"type": "threads.create", "params": {"input": message("play unicode")}})
    connection = HTTPConnection(urlsplit(stage.server.url).netloc, timeout=60)
    connection.request("POST", "/chatkit", body, headers)
    response = connection.getresponse()
    raw = response.read()
    equal(response.getheader("content-type"), "text/event-stream; charset=utf-8")
    equal(response.getheader("cache-control"), "no-cache, no-transform")
    assert re.search(rb"}\nid: thr_[^\n]+\n\n$", raw) and b"\r" not in raw and b"event:" not in raw and b"[DONE]" not in raw
    assert "Grüße 👩‍👩‍👧‍👦".encode() in raw, "text is escaped"
    connection.request("GET", "/chatkit")
    equal(connection.getresponse().status, 405)
    connection.close()
