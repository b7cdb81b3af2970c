"""Refusals, answers that are cut, and those that fail."""

import json
from collections.abc import Iterator

from ..responses import Refusal, Response, Text
from .script import SCRIPTS, Events, Script, answer, script


@script("refusals-are-answers", "failures-lose-nothing")
def refusal(response: Response) -> None:
    answer(response, Refusal(["I ", "will not."]))


@script("refusals-are-answers", "failures-lose-nothing")
def text_and_refusal(response: Response) -> None:
    answer(response, Text(["A start."]), Refusal(["But no."]))


@script("cuts-are-notices", "failures-lose-nothing")
def too_long(response: Response) -> None:
    response.begin()
    response.message(Text(["As long as ", "it may be"]))
    response.cut("max_output_tokens")


@script("cuts-are-notices", "failures-lose-nothing")
def cut_within(response: Response) -> None:
    response.begin()
    response.message(Text(["Broken ", "off"]), finish=False)
    response.cut("max_output_tokens")


@script("cuts-are-notices", "failures-lose-nothing")
def filtered(response: Response) -> None:
    response.begin()
    response.message(Text(["As far as it goes"]))
    response.cut("content_filter")


@script("cuts-are-notices")
def filtered_at_once(response: Response) -> None:
    response.begin()
    response.cut("content_filter")


@script("error-says-why")
def failed(response: Response) -> None:
    response.begin()
    response.fail("server_error")


@script("error-says-why", "failures-lose-nothing")
def failed_within(response: Response) -> None:
    response.begin()
    response.message(Text(["Half an ", "answer"]), finish=False)
    response.fail("server_error")


@script("error-says-why", "failures-lose-nothing")
def failed_between(response: Response) -> None:
    response.begin()
    response.message(Text(["A whole message."]))
    response.fail("rate_limit_exceeded")


@script("error-says-why", "failures-lose-nothing")
def failed_thinking(response: Response) -> None:
    response.begin()
    response.reasoning(["Half a ", "thought"], finish=False)
    response.fail("server_error")


@script("error-says-why")
def error_event(response: Response) -> None:
    response.begin()
    response.emit("error", code="server_error", message="the upstream's own words", param=None)


@script("error-says-why", "failures-lose-nothing")
def broken_off(response: Response) -> None:
    response.begin()
    response.message(Text(["Half an ", "answer"]), finish=False)


def with_status(name: str, status: int, code: str) -> None:
    """A script that is an answer with an error status."""
    body = json.dumps({"error": {"message": "the upstream's own words", "type": "invalid_request_error", "code": code}})
    SCRIPTS[name] = Script(
        name, lambda _: None, frozenset({"error-says-why"}), status=status, encode=lambda _: iter([body.encode()])
    )


with_status("unauthorized", 401, "invalid_api_key")
with_status("too-long-a-prompt", 400, "context_length_exceeded")
with_status("overloaded", 500, "server_error")


def garbage(_: Events) -> Iterator[bytes]:
    return iter([b'data: {"type": \n\n', b"\x00\xff\xfe"])


@script("error-says-why", encode=garbage)
def not_json(_: Response) -> None:
    pass


@script("error-says-why", content_type="text/html", encode=lambda _: iter([b"<html>"]))
def not_events(_: Response) -> None:
    pass


@script("error-says-why", encode=lambda _: iter(()))
def not_a_byte(_: Response) -> None:
    pass
