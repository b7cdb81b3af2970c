"""Turns: said, answered, retried, failed, left."""

import time
from typing import Any

from ..wire import message
from .stage import Stage, done, equal, events, refused, scenario, texts, types


@scenario
def echoes_the_message(stage: Stage) -> None:
    content = [
        {"type": "input_text", "text": "play text "},
        {"type": "input_tag", "id": "doc", "text": "Doc", "data": {"k": None}, "group": "Docs", "interactive": True},
    ]
    options = {"tool_choice": {"id": "search"}, "model": "gpt-x"}
    fields: dict[str, Any] = {"content": content, "quoted_text": "said before", "inference_options": options}
    created = done(stage.create(**fields))[0]
    added = done(stage.say(created["thread_id"], **fields))[0]
    for item in (created, added):
        equal({key: item[key] for key in fields}, fields)
        equal((item["type"], item["attachments"]), ("user_message", []))


@scenario
def what_was_streamed_is_stored(stage: Stage) -> None:
    for script in ("text", "parts", "two-messages", "all-citations", "thoughts", "unicode", "long", "refusal"):
        stream = stage.create(f"play {script}")
        equal(stage.items(stream[0]["thread"]["id"]), done(stream))


@scenario
def item_is_done_as_it_was_added(stage: Stage) -> None:
    stream = stage.create("play thoughts-between")
    added = {
        event["item"]["id"]: event["item"]["created_at"] for event in stream if event["type"] == "thread.item.added"
    }
    equal({item["id"]: item["created_at"] for item in done(stream)[1:]}, added)


@scenario
def items_are_in_the_order_of_time(stage: Stage) -> None:
    thread_id = stage.thread("play thoughts-between")
    stage.say(thread_id, "play two-messages")
    items = stage.items(thread_id)
    moments = [item["created_at"] for item in items]
    equal(moments, sorted(moments))
    equal([item["id"].partition("_")[2] for item in items], sorted(item["id"].partition("_")[2] for item in items))


@scenario
def tasks_are_not_doubled(stage: Stage) -> None:
    items = stage.items(stage.thread("play two-reasonings"))
    tasks = [item["workflow"]["tasks"] for item in items if item["type"] == "workflow"]
    equal([[task["content"] for task in each] for each in tasks], [["First thought.", "Second thought.", "Third."]])


@scenario
def removed_item_is_gone(stage: Stage) -> None:
    stream = stage.create("play empty-then-text")
    removed = [event["item_id"] for event in stream if event["type"] == "thread.item.removed"]
    equal(len(removed), 1)
    items = stage.items(stream[0]["thread"]["id"])
    equal(texts(items), ["play empty-then-text", "Something."])
    assert removed[0] not in [item["id"] for item in items]


@scenario
def failure_is_the_last_event(stage: Stage) -> None:
    allow_retry = {
        "failed": True,
        "error-event": True,
        "overloaded": True,
        "broken-off": True,
        "not-json": True,
        "not-events": True,
        "not-a-byte": True,
        "nothing": True,
        "empty": True,
        "unauthorized": False,
        "too-long-a-prompt": False,
    }
    for script, expected in allow_retry.items():
        stream = stage.create(f"play {script}")
        last = stream[-1]
        equal((script, last["type"], last["code"], last["allow_retry"]), (script, "error", "custom", expected))
        assert "upstream" not in last["message"], last["message"]
        thread_id = stream[0]["thread"]["id"]
        equal(texts(stage.items(thread_id))[0], f"play {script}")
        equal(texts(done(stage.say(thread_id))), ["play text", "Hello there."])


@scenario
def failure_keeps_what_was_said(stage: Stage) -> None:
    for script, kept in {"failed-within": "Half an answer", "broken-off": "Half an answer"}.items():
        stream = stage.create(f"play {script}")
        equal(stream[-1]["type"], "error")
        equal(texts(stage.items(stream[0]["thread"]["id"])), [f"play {script}", kept])


@scenario
def cut_is_a_notice(stage: Stage) -> None:
    for script in ("too-long", "cut-within", "filtered", "filtered-at-once"):
        stream = stage.create(f"play {script}")
        equal((script, stream[-1]["type"], stream[-1]["level"]), (script, "notice", "warning"))
        equal(stage.items(stream[0]["thread"]["id"]), done(stream))


@scenario
def retries_the_last_message(stage: Stage) -> None:
    created = stage.create()
    thread_id = created[0]["thread"]["id"]
    question, answer = done(created)
    stream = events(stage.ask("threads.retry_after_item", thread_id=thread_id, item_id=question["id"]))
    equal(types(stream)[0], "stream_options")
    equal(texts(done(stream)), ["Hello there."])
    items = stage.items(thread_id)
    equal([item["id"] for item in items], [question["id"], done(stream)[0]["id"]])
    assert answer["id"] != items[1]["id"]
    equal(items[0], question)


@scenario
def retries_an_earlier_message(stage: Stage) -> None:
    thread_id = stage.thread("play single")
    question = done(stage.say(thread_id, "play text"))[0]
    stage.say(thread_id, "play two-messages")
    events(stage.ask("threads.retry_after_item", thread_id=thread_id, item_id=question["id"]))
    equal(texts(stage.items(thread_id)), ["play single", "Yes.", "play text", "Hello there."])
    equal(stage.shown(), [("user", "play single"), ("assistant", "Yes."), ("user", "play text")])


@scenario
def retries_in_a_long_thread(stage: Stage) -> None:
    created = stage.create("play text")
    thread_id, question = created[0]["thread"]["id"], done(created)[0]
    for number in range(30):
        stage.say(thread_id, f"play single {number}")
    events(stage.ask("threads.retry_after_item", thread_id=thread_id, item_id=question["id"]))
    equal(texts(stage.items(thread_id)), ["play text", "Hello there."])
    equal(stage.shown(), [("user", "play text")])


@scenario
def retries_after_a_failure(stage: Stage) -> None:
    created = stage.create("play failed")
    thread_id, question = created[0]["thread"]["id"], done(created)[0]
    for _ in range(2):
        stream = events(stage.ask("threads.retry_after_item", thread_id=thread_id, item_id=question["id"]))
        equal(types(stream), ["stream_options", "error"])
    equal(stage.items(thread_id), [question])


@scenario
def retry_wants_a_message_of_the_user(stage: Stage) -> None:
    thread_id = stage.thread("play thought")
    items = stage.items(thread_id)
    for item in items[1:]:
        refused(stage.ask("threads.retry_after_item", thread_id=thread_id, item_id=item["id"]), 400, "bad_request")
    for unknown in ("msg_unknown", "", "../x", thread_id):
        refused(stage.ask("threads.retry_after_item", thread_id=thread_id, item_id=unknown), 404, "not_found")
    equal(stage.items(thread_id), items)


@scenario
def leaving_does_not_end_the_turn(stage: Stage) -> None:
    """`leaving-does-not-end-the-turn`"""
    seen = stage.server.leave(stage.user, "threads.create", {"input": message("play slow")}, 64)
    assert seen.startswith(b'data: {"type":"thread.created"'), seen
    thread_id = stage.threads()[0]["id"]
    expected = ["play slow", "One two three four five six seven eight nine ten "]
    stage.server.follow(stage.user, thread_id)
    equal(texts(stage.items(thread_id)), expected)
    equal(texts(done(stage.say(thread_id))), ["play text", "Hello there."])
    roles = [role for role, _ in stage.shown()]
    equal(roles, ["user", "assistant", "user"])


@scenario
def same_message_is_not_answered_twice(stage: Stage) -> None:
    """`same-message-once`"""
    thread_id = stage.thread()
    params = {"thread_id": thread_id, "input": message("play slow")}
    stage.server.leave(stage.user, "threads.add_user_message", params, 64)
    joined = events(stage.ask("threads.add_user_message", **params))
    equal(texts(done(joined)), ["play slow", "One two three four five six seven eight nine ten "])
    equal(len(stage.items(thread_id)), 4)


@scenario
def another_message_goes_on_at_once(stage: Stage) -> None:
    thread_id = stage.thread()
    stage.server.leave(
        stage.user, "threads.add_user_message", {"thread_id": thread_id, "input": message("play slow")}, 64
    )
    equal(texts(done(stage.say(thread_id, "play single"))), ["play single", "Yes."])
    equal(eventually(lambda: len(stage.items(thread_id)), 6), 6)


def eventually(look, expected):
    """What is seen once it is as expected, or after ten seconds."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        found = look()
        if found == expected:
            return found
        time.sleep(0.05)
    return look()
