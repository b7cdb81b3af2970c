"""What the model is shown, and what its answers become."""

from .stage import Stage, done, equal, scenario


@scenario
def text_streams_as_it_comes(stage: Stage) -> None:
    updates = [event["update"] for event in stage.create() if event["type"] == "thread.item.updated"]
    kind = "assistant_message.content_part"
    empty = {"type": "output_text", "text": "", "annotations": []}
    equal(
        updates,
        [
            {"type": f"{kind}.added", "content_index": 0, "content": empty},
            *[{"type": f"{kind}.text_delta", "content_index": 0, "delta": delta} for delta in ("Hel", "lo ", "there.")],
            {"type": f"{kind}.done", "content_index": 0, "content": empty | {"text": "Hello there."}},
        ],
    )


@scenario
def sources_are_converted(stage: Stage) -> None:
    stream = stage.create("play all-citations")
    expected = [
        {
            "type": "annotation",
            "source": {"type": "url", "title": "A page", "url": "https://example.com/a"},
            "index": 5,
        },
        {"type": "annotation", "source": {"type": "file", "title": "notes.txt", "filename": "notes.txt"}, "index": 3},
        {
            "type": "annotation",
            "source": {"type": "url", "title": "A page", "url": "https://example.com/b"},
            "index": 5,
        },
        {"type": "annotation", "source": {"type": "file", "title": "plot.png", "filename": "plot.png"}, "index": 4},
    ]
    equal(done(stream)[1]["content"][0]["annotations"], expected)
    added = [
        event["update"] for event in stream if event.get("update", {}).get("type", "").endswith("annotation_added")
    ]
    equal([(update["annotation_index"], update["annotation"]) for update in added], list(enumerate(expected)))


@scenario
def refusal_is_text(stage: Stage) -> None:
    stream = stage.create("play text-and-refusal")
    equal([part["text"] for part in done(stream)[1]["content"]], ["A start.", "But no."])
    deltas = [event["update"]["delta"] for event in stream if "delta" in event.get("update", {})]
    equal(deltas, ["A start.", "But no."])


@scenario
def first_thought_streams(stage: Stage) -> None:
    stream = stage.create("play thought")
    tasks = [event["update"] for event in stream if "task" in event.get("update", {})]
    expected = [("added", "Let me "), ("updated", "Let me see."), ("updated", "Let me see.")]
    equal([(task["type"].rpartition(".")[2], task["task"]["content"]) for task in tasks], expected)
    equal({task["task_index"] for task in tasks}, {0})


@scenario
def thoughts_end_when_the_answer_begins(stage: Stage) -> None:
    stream = stage.create("play thoughts")[3:]
    kinds = [(event["type"], event["item"]["type"]) for event in stream if "item" in event]
    equal(
        kinds,
        [
            ("thread.item.added", "workflow"),
            ("thread.item.done", "workflow"),
            ("thread.item.added", "assistant_message"),
            ("thread.item.done", "assistant_message"),
        ],
    )
    workflow = next(event["item"]["workflow"] for event in stream if event["type"] == "thread.item.done")
    equal((workflow["type"], workflow["expanded"], set(workflow["summary"])), ("reasoning", False, {"duration"}))


@scenario
def ids_of_the_upstream_are_not_ours(stage: Stage) -> None:
    items = done(stage.create("play placeholder-ids"))
    equal(len({item["id"] for item in items}), 3)
    assert all("fake" not in item["id"] for item in items)


@scenario
def model_is_shown_the_conversation(stage: Stage) -> None:
    thread_id = stage.thread("play parts")
    stage.say(thread_id, "play thought")
    stage.say(thread_id, "play text")
    expected = [
        ("user", "play parts"),
        ("assistant", "One.\nTwo!\nThree."),
        ("user", "play thought"),
        ("assistant", "Seen."),
        ("user", "play text"),
    ]
    equal(stage.shown(), expected)


@scenario
def model_is_shown_the_whole_thread(stage: Stage) -> None:
    thread_id = stage.thread("play single 0")
    for number in range(1, 20):
        stage.say(thread_id, f"play single {number}")
    shown = stage.shown()
    equal(shown[-3:], [("user", "play single 18"), ("assistant", "Yes."), ("user", "play single 19")])
    equal((shown[0], len(shown)), (("user", "play single 0"), 39))


@scenario
def model_is_shown_what_is_quoted(stage: Stage) -> None:
    """`quotes-stay`"""
    created = stage.create("play text", quoted_text="the first quote")
    assert "the first quote" in stage.shown()[-1][1]
    stage.say(created[0]["thread"]["id"], "play text", quoted_text="the second quote")
    shown = "\n".join(text for _, text in stage.shown())
    assert "the second quote" in shown and "the first quote" in shown, shown


@scenario
def model_is_shown_tags_once(stage: Stage) -> None:
    tag = {"type": "input_tag", "id": "doc1", "text": "Doc", "data": {"pages": 7}}
    stage.create(content=[{"type": "input_text", "text": "play text with "}, tag, tag | {"id": "doc2"}])
    said, context = stage.shown()
    equal(said, ("user", "play text with @Doc@Doc"))
    equal(context[1].count('{"pages":7}'), 1)
