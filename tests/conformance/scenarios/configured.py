"""What depends on how the server is configured."""

from ..wire import message
from .stage import Stage, done, equal, refused, scenario, types


@scenario
def domains_of_images_are_said(stage: Stage) -> None:
    with stage.configured(allowed_image_domains=["example.com"]) as other:
        created = other.create()[0]["thread"]
        equal(created["allowed_image_domains"], ["example.com"])
        equal([thread["allowed_image_domains"] for thread in other.threads()], [["example.com"]])
        equal(other.get("threads.get_by_id", thread_id=created["id"])["allowed_image_domains"], ["example.com"])


@scenario
def turn_may_end_with_an_item(stage: Stage) -> None:
    with stage.configured(end_of_turn=True) as other:
        equal([item["type"] for item in done(other.create())], ["user_message", "assistant_message", "end_of_turn"])
        equal(done(other.create("play pick"))[-1]["type"], "client_tool_call")
        equal(types(other.create("play failed"))[-1], "error")


@scenario
def what_is_not_configured_is_refused(stage: Stage) -> None:
    with stage.configured("TRANSCRIBE_MODEL", tools=[], composer={}, actions=None) as other:
        thread_id = other.thread()
        action = {"thread_id": thread_id, "action": {"type": "replace"}}
        refused(other.ask("threads.custom_action", **action), 400, "bad_request")
        refused(other.ask("threads.sync_custom_action", **action), 400, "bad_request")
        refused(other.ask("input.transcribe", audio_base64="YWJj", mime_type="audio/mp4"), 400, "bad_request")


@scenario
def only_what_is_offered_is_chosen(stage: Stage) -> None:
    """`choices-are-offered`"""
    for options in ({"model": "gpt-x"}, {"tool_choice": {"id": "search"}}):
        equal(len(done(stage.create(inference_options=options))), 2)
    for options in ({"model": "another"}, {"tool_choice": {"id": "another"}}):
        answer = stage.ask("threads.create", input=message("play text", inference_options=options))
        refused(answer, 400, "bad_request")
