"""Threads and their items: created, listed, paged, renamed, deleted, and nobody else's."""

from ..wire import message, pages
from .stage import Stage, equal, events, refused, scenario, texts


@scenario
def creates_thread(stage: Stage) -> None:
    created = stage.create()[0]
    equal(created["type"], "thread.created")
    equal(set(created["thread"]), {"id", "created_at", "status", "metadata", "items"})
    equal(created["thread"]["status"], {"type": "active"})
    equal(created["thread"]["items"], {"data": [], "has_more": False})


@scenario
def metadata_is_never_sent(stage: Stage) -> None:
    answer = stage.server.ask(stage.user, "threads.create", {"input": message("play text")}, metadata={"secret": 1})
    thread_id = events(answer)[0]["thread"]["id"]
    equal(stage.get("threads.get_by_id", thread_id=thread_id)["metadata"], {})
    equal([thread["metadata"] for thread in stage.threads()], [{}])


@scenario
def unset_fields_are_left_out(stage: Stage) -> None:
    stream = stage.create()
    threads = [event["thread"] for event in stream if "thread" in event]
    equal(
        [("title" in thread, "allowed_image_domains" in thread) for thread in threads], [(False, False), (True, False)]
    )


@scenario
def title_comes_with_the_first_turn(stage: Stage) -> None:
    stream = stage.create("play text about cats")
    updated = [event["thread"] for event in stream if event["type"] == "thread.updated"]
    equal([thread["title"] for thread in updated], ["play text about cats"])
    equal(stage.get("threads.get_by_id", thread_id=updated[0]["id"])["title"], "play text about cats")
    again = stage.say(updated[0]["id"], "play text about dogs")
    assert all(event["type"] != "thread.updated" for event in again), "a second turn names the thread again"


@scenario
def title_without_a_model(stage: Stage) -> None:
    stream = stage.create("play without-title " + "and so on " * 30)
    title = next(event["thread"]["title"] for event in stream if event["type"] == "thread.updated")
    assert title.startswith("play without-title and so on") and title.endswith("…") and len(title) <= 61, title


@scenario
def saves_thread_title(stage: Stage) -> None:
    thread_id = stage.thread()
    for title in ("A new title", "", 'Grüße 👋\n"quoted"'):
        updated = stage.get("threads.update", thread_id=thread_id, title=title)
        equal((updated["title"], updated["items"]), (title, {"data": [], "has_more": False}))
        equal(stage.get("threads.get_by_id", thread_id=thread_id)["title"], title)
        equal([thread["title"] for thread in stage.threads()], [title])
    stage.say(thread_id)
    equal(stage.get("threads.get_by_id", thread_id=thread_id)["title"], 'Grüße 👋\n"quoted"')


@scenario
def lists_threads_newest_first(stage: Stage) -> None:
    equal(stage.get("threads.list"), {"data": [], "has_more": False})
    ids = [stage.thread() for _ in range(3)]
    stage.say(ids[0])
    page = stage.get("threads.list")
    equal([thread["id"] for thread in page["data"]], ids[::-1])
    equal([thread["items"] for thread in page["data"]], [{"data": [], "has_more": False}] * 3)
    equal([thread["id"] for thread in stage.threads("asc")], ids)


@scenario
def lists_threads_in_pages(stage: Stage) -> None:
    ids = [stage.thread() for _ in range(5)]
    for order, expected in (("asc", ids), ("desc", ids[::-1])):
        for limit in (1, 2, 4, 5, 6):
            found = list(pages(stage.server, stage.user, "threads.list", limit, order))
            equal([thread["id"] for page in found for thread in page["data"]], expected)
            equal([len(page["data"]) for page in found[:-1]], [limit] * (len(found) - 1))
            for page in found[:-1]:
                equal(page["after"], page["data"][-1]["id"])
            assert "after" not in found[-1], "the last page has a cursor"


@scenario
def default_page_has_twenty(stage: Stage) -> None:
    ids = [stage.thread("play single") for _ in range(21)]
    for params in ({}, {"limit": None}, {"limit": 0}):
        page = stage.get("threads.list", **params)
        equal([thread["id"] for thread in page["data"]], ids[:0:-1])
        equal((page["has_more"], page["after"]), (True, ids[1]))
    everything = stage.get("threads.list", limit=9999, order="desc")
    equal((len(everything["data"]), everything["has_more"]), (21, False))


@scenario
def gets_thread_with_its_items(stage: Stage) -> None:
    thread_id = stage.thread()
    stage.say(thread_id, "play single")
    thread = stage.get("threads.get_by_id", thread_id=thread_id)
    equal(texts(thread["items"]["data"]), ["play text", "Hello there.", "play single", "Yes."])
    equal(thread["items"], {"data": stage.items(thread_id), "has_more": False})


@scenario
def gets_the_newest_items(stage: Stage) -> None:
    thread_id = stage.thread("play single")
    for number in range(101):
        stage.say(thread_id, f"play single {number}")
    page = stage.get("threads.get_by_id", thread_id=thread_id)["items"]
    everything = stage.items(thread_id)
    equal(len(everything), 204)
    equal(page, {"data": everything[4:], "has_more": True, "after": everything[4]["id"]})
    older = stage.get("items.list", thread_id=thread_id, after=page["after"], order="desc")
    equal(older, {"data": everything[3::-1], "has_more": False})


@scenario
def lists_items_in_pages(stage: Stage) -> None:
    thread_id = stage.thread("play thoughts")
    stage.say(thread_id, "play two-messages")
    ids = [item["id"] for item in stage.items(thread_id)]
    equal(len(ids), 6)
    for order, expected in (("asc", ids), ("desc", ids[::-1])):
        for limit in (1, 2, 3, 5, 6, 7):
            equal([item["id"] for item in stage.items(thread_id, order, limit)], expected)
            for position, after in enumerate(expected):
                page = stage.get("items.list", thread_id=thread_id, limit=limit, order=order, after=after)
                equal([item["id"] for item in page["data"]], expected[position + 1 :][:limit])
                equal(page["has_more"], position + 1 + limit < len(expected))
    equal([item["id"] for item in stage.get("items.list", thread_id=thread_id)["data"]], ids[::-1])


@scenario
def ids_say_what_they_name(stage: Stage) -> None:
    thread_id = stage.thread("play thought")
    kinds = [(item["type"], item["id"].partition("_")[0]) for item in stage.items(thread_id)]
    equal(kinds, [("user_message", "msg"), ("workflow", "wf"), ("assistant_message", "msg")])
    assert thread_id.startswith("thr_"), thread_id


@scenario
def deletes_thread(stage: Stage) -> None:
    thread_id, kept = stage.thread(), stage.thread()
    item_id = stage.items(thread_id)[0]["id"]
    for _ in range(2):
        equal(stage.get("threads.delete", thread_id=thread_id), {})
        equal([thread["id"] for thread in stage.threads()], [kept])
        for answer in on_thread(stage, thread_id, item_id):
            refused(answer, 404, "not_found")
    equal(texts(stage.items(kept)), ["play text", "Hello there."])
    equal(stage.get("threads.delete", thread_id="thr_unknown"), {})


@scenario
def users_do_not_see_each_other(stage: Stage) -> None:
    thread_id = stage.thread()
    items = stage.items(thread_id)
    stranger = stage.other()
    own = stranger.thread()
    for foreign, unknown in zip(
        on_thread(stranger, thread_id, items[0]["id"]),
        on_thread(stranger, "thr_unknown", items[0]["id"]),
        strict=True,
    ):
        refused(foreign, 404, "not_found")
        refused(unknown, 404, "not_found")
        equal(foreign.document["message"], unknown.document["message"])
    refused(stranger.ask("items.feedback", thread_id=own, item_ids=[items[0]["id"]], kind="positive"), 404, "not_found")
    refused(stranger.ask("threads.retry_after_item", thread_id=own, item_id=items[0]["id"]), 404, "not_found")
    equal(stranger.get("threads.delete", thread_id=thread_id), {})
    equal([thread["id"] for thread in stranger.threads()], [own])
    equal(stage.items(thread_id), items)


def on_thread(stage: Stage, thread_id: str, item_id: str) -> list:
    """Every operation on a thread that answers differently if there is none."""
    return [
        stage.ask("threads.get_by_id", thread_id=thread_id),
        stage.ask("items.list", thread_id=thread_id),
        stage.ask("threads.update", thread_id=thread_id, title="Mine"),
        stage.ask("items.feedback", thread_id=thread_id, item_ids=[item_id], kind="negative"),
        stage.ask("threads.add_user_message", thread_id=thread_id, input=message("play text")),
        stage.ask("threads.retry_after_item", thread_id=thread_id, item_id=item_id),
    ]


@scenario
def takes_feedback(stage: Stage) -> None:
    thread_id = stage.thread()
    items = stage.items(thread_id)
    ids = [item["id"] for item in items]
    for kind in ("positive", "negative"):
        equal(stage.get("items.feedback", thread_id=thread_id, item_ids=ids, kind=kind), {})
    equal(stage.get("items.feedback", thread_id=thread_id, item_ids=[], kind="positive"), {})
    refused(stage.ask("items.feedback", thread_id=thread_id, item_ids=["msg_no"], kind="positive"), 404, "not_found")
    refused(stage.ask("items.feedback", thread_id=thread_id, item_ids=ids, kind="neutral"), 400, "bad_request")
    equal(stage.items(thread_id), items)
