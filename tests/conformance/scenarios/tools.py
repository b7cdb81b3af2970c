"""Functions that the site and the page run, and questions to the person."""

import json

from ..plays import CLIENT_EFFECT, NOTICE, PROGRESS, card
from .stage import Stage, done, equal, events, refused, scenario, texts, types

OUTPUT = "threads.add_client_tool_output"
ANSWER = "threads.add_structured_input"


def last_id(stage: Stage, thread_id: str, kind: str) -> str:
    return [item["id"] for item in stage.items(thread_id) if item["type"] == kind][-1]


@scenario
def page_is_asked_for_a_call(stage: Stage) -> None:
    call = done(stage.create("play pick"))[-1]
    equal((call["type"], call["status"], call["name"]), ("client_tool_call", "pending", "pick"))
    equal((call["arguments"], call["id"].partition("_")[0], "output" in call), ({"kind": "lamp"}, "tc", False))


@scenario
def page_returns_and_the_model_goes_on(stage: Stage) -> None:
    thread_id = stage.thread("play pick")
    stream = events(stage.ask(OUTPUT, thread_id=thread_id, result={"picked": ["lamp", None]}))
    equal(texts(done(stream)), ["I have seen it."])
    calls = [item for item in stage.items(thread_id) if item["type"] == "client_tool_call"]
    equal([(call["status"], call["output"]) for call in calls], [("completed", {"picked": ["lamp", None]})])
    equal(stage.shown()[-2:], [("call", 'pick {"kind":"lamp"}'), ("output", '{"picked":["lamp",null]}')])


@scenario
def page_is_asked_once(stage: Stage) -> None:
    thread_id = stage.thread("play pick")
    for stranger_or_thread in ("thr_unknown", stage.thread()):
        answer = stage.ask(OUTPUT, thread_id=stranger_or_thread, result=1)
        equal(answer.status in {400, 404}, True)
    refused(stage.other().ask(OUTPUT, thread_id=thread_id, result=1), 404, "not_found")
    events(stage.ask(OUTPUT, thread_id=thread_id, result=1))
    refused(stage.ask(OUTPUT, thread_id=thread_id, result=2), 400, "bad_request")


@scenario
def page_is_asked_for_every_call(stage: Stage) -> None:
    """`every-call-is-asked-for`"""
    thread_id = stage.thread("play two-picks")
    stream = events(stage.ask(OUTPUT, thread_id=thread_id, result="a lamp"))
    equal([item["arguments"] for item in done(stream)], [{"kind": "shade"}])
    equal(texts(done(events(stage.ask(OUTPUT, thread_id=thread_id, result="a shade")))), ["I have seen it."])
    equal([text for role, text in stage.shown() if role == "output"], ['"a lamp"', '"a shade"'])


@scenario
def site_and_page_take_turns(stage: Stage) -> None:
    """`calls-are-remembered`"""
    stream = stage.create("play perform-and-pick")
    equal(done(stream)[-1]["type"], "client_tool_call")
    events(stage.ask(OUTPUT, thread_id=stream[0]["thread"]["id"], result=1))
    expected = [
        ("user", "play perform-and-pick"),
        ("call", 'perform {"play": "text"}'),
        ("output", "in stock"),
        ("call", 'pick {"kind":"lamp"}'),
        ("output", "1"),
    ]
    equal(stage.shown(), expected)


@scenario
def site_is_told_who_asks(stage: Stage) -> None:
    stream = stage.create("play tool-output")
    [call] = stage.calls()
    equal(call["type"], "tool.call")
    verified = {"id": True, "tenant": True, "anonymous": True}
    equal(call["data"]["user"], {"id": stage.user, "tenant": "default", "anonymous": False, "verified": verified})
    equal(call["data"]["thread"]["id"], stream[0]["thread"]["id"])
    equal((call["data"]["tool"], call["data"]["arguments"]), ("perform", {"play": "output"}))


@scenario
def site_is_asked_again(stage: Stage) -> None:
    equal(texts(done(stage.create("play flaky-call")))[1:], ["I have seen it."])
    equal(len(stage.calls()), 2)
    equal(stage.site.ids.count(stage.site.ids[-1]), 2)
    equal(stage.shown()[-1], ("output", "in stock"))


@scenario
def site_that_fails_does_not_end_the_turn(stage: Stage) -> None:
    for play in ("tool-fail", "tool-fail-late"):
        stream = stage.create(f"play {play}")
        equal(texts(done(stream))[1:], ["I have seen it."])
        output = json.loads(stage.shown()[-1][1])
        equal((set(output), "stack" in output["error"]), ({"error"}, False))


@scenario
def calls_are_tasks(stage: Stage) -> None:
    """`what-runs-is-shown`"""
    for play, task in {
        "tool-output": {"type": "custom", "title": "Asking the site", "icon": "search"},
        "web-search": {"type": "web_search", "title_query": "lamps"},
        "file-search": {"type": "file", "title": "Searching files"},
        "program": {"type": "custom", "title": "Running a program"},
    }.items():
        stream = stage.create(f"play {play}")
        states = [event["update"]["task"] for event in stream if "task" in event.get("update", {})]
        [workflow] = [item["workflow"] for item in done(stream) if item["type"] == "workflow"]
        equal((play, states[0]["status_indicator"], states[-1]["status_indicator"]), (play, "loading", "complete"))
        equal({key: workflow["tasks"][0].get(key) for key in task}, task)
        equal((workflow["type"], workflow["expanded"], "title" in workflow["summary"]), ("custom", False, True))


@scenario
def effects_reach_the_page(stage: Stage) -> None:
    stream = stage.create("play tool-everything")
    equal(
        [event for event in stream if event["type"] in {"progress_update", "client_effect", "notice"}],
        [PROGRESS, CLIENT_EFFECT, NOTICE],
    )
    equal([item["widget"] for item in done(stream) if item["type"] == "widget"], [card("One")])
    assert "lamps" not in json.dumps(stream), "what nobody sees is told"
    equal(stage.shown()[-1], ("output", '{"ok":true}'))


@scenario
def widgets_change_by_what_is_added(stage: Stage) -> None:
    stream = stage.create("play tool-growing")
    updates = [event["update"] for event in stream if event.get("update", {}).get("type", "").startswith("widget")]
    added = {"type": "widget.streaming_text.value_delta", "component_id": "words", "delta": "ne", "done": False}
    # That it no longer streams is a change of its own.
    whole = {"type": "widget.root.updated", "widget": card("One, two", streaming=False)}
    equal(updates, [added, whole])


@scenario
def hidden_items_are_never_sent(stage: Stage) -> None:
    """`pages-are-full`"""
    thread_id = stage.thread("play three-rounds")
    for _ in range(3):
        stage.ask("threads.custom_action", thread_id=thread_id, action={"type": "hidden"})
    stage.say(thread_id)
    equal(sum("The cart has two lamps." in text for _, text in stage.shown()), 4)
    everything = stage.items(thread_id)
    equal([item["type"] for item in everything if "hidden" in item["type"]], [])
    for limit in (1, 2, 3):
        equal(stage.items(thread_id, "asc", limit), everything)
        equal(stage.items(thread_id, "desc", limit), everything[::-1])
        for order in ("asc", "desc"):
            page = stage.get("items.list", thread_id=thread_id, limit=limit, order=order)
            equal(len(page["data"]), limit)
    equal(stage.get("threads.get_by_id", thread_id=thread_id)["items"]["data"], everything)


@scenario
def functions_that_do_not_exist_are_answered(stage: Stage) -> None:
    """`unknown-functions-are-answered`"""
    equal(texts(done(stage.create("play unknown-function")))[1:], ["I have seen it."])
    equal(set(json.loads(stage.shown()[-1][1])), {"error"})
    for script in ("call-without-arguments", "call-with-wrong-arguments", "call-with-broken-arguments"):
        equal(texts(done(stage.create(f"play {script}")))[1:], ["I have seen it."])
        equal(set(json.loads(stage.shown()[-1][1])), {"error"})
    equal(stage.calls(), [])


@scenario
def calls_come_to_an_end(stage: Stage) -> None:
    """`calls-come-to-an-end`"""
    last = stage.create("play forever")[-1]
    equal((last["type"], last["level"]), ("notice", "warning"))
    equal(len(stage.calls()), 7)


@scenario
def tool_names_the_thread(stage: Stage) -> None:
    stream = stage.create("play tool-title")
    titles = [event["thread"]["title"] for event in stream if event["type"] == "thread.updated"]
    equal(titles[-1], "Lamps")
    equal(stage.get("threads.get_by_id", thread_id=stream[0]["thread"]["id"])["title"], "Lamps")


@scenario
def questions_end_the_turn(stage: Stage) -> None:
    stream = stage.create("play tool-ask")
    item = done(stream)[-1]
    equal((item["type"], item["status"], len(item["inputs"])), ("structured_input", "pending", 3))
    equal(["answer" in question for question in item["inputs"]], [False] * 3)


@scenario
def answers_replace_the_questions(stage: Stage) -> None:
    thread_id = stage.thread("play tool-ask")
    item_id = last_id(stage, thread_id, "structured_input")
    answers = {"color": {"values": ["blue", "red"]}, "size": {"values": ["s", "m"]}, "else": {"values": ["x"]}}
    stream = events(stage.ask(ANSWER, thread_id=thread_id, item_id=item_id, input={"answers": answers}))
    equal(types(stream)[:2], ["stream_options", "thread.item.replaced"])
    item = stream[1]["item"]
    given = [question["answer"] for question in item["inputs"]]
    expected = [
        {"values": ["blue"], "skipped": False},
        {"values": ["s", "m"], "skipped": False},
        {"values": [], "skipped": True},
    ]
    equal((item["id"], item["status"], given), (item_id, "answered", expected))
    equal(texts(done(stream)), ["I have seen it."])
    equal([each for each in stage.items(thread_id) if each["id"] == item_id], [item])


@scenario
def questions_can_be_skipped(stage: Stage) -> None:
    thread_id = stage.thread("play tool-ask")
    item_id = last_id(stage, thread_id, "structured_input")
    params = {"thread_id": thread_id, "item_id": item_id}
    stream = events(stage.ask(ANSWER, **params, input={"status": "skipped", "answers": {"color": {"values": ["red"]}}}))
    item = stream[1]["item"]
    equal((item["status"], [question["answer"]["skipped"] for question in item["inputs"]]), ("skipped", [True] * 3))
    refused(stage.ask(ANSWER, **params, input={}), 400, "bad_request")


@scenario
def only_ones_own_questions_are_answered(stage: Stage) -> None:
    thread_id = stage.thread("play tool-ask")
    items = stage.items(thread_id)
    for item in items:
        if item["type"] != "structured_input":
            refused(stage.ask(ANSWER, thread_id=thread_id, item_id=item["id"], input={}), 400, "bad_request")
        refused(stage.other().ask(ANSWER, thread_id=thread_id, item_id=item["id"], input={}), 404, "not_found")
    for unknown in ("msg_unknown", "", "../x", "#"):
        refused(stage.ask(ANSWER, thread_id=thread_id, item_id=unknown, input={}), 404, "not_found")
    equal(stage.items(thread_id), items)
