"""Other people's data. What belongs to somebody else is as if it did not exist."""

from dataclasses import replace

from .attack import Attack
from .world import PRIVATE, bearer, decoded

ANYWHERE = True
HELLO = {"content": [{"type": "input_text", "text": "Please refuse"}]}


def attacks(world):
    alices, bob = world.alices, bearer(world.bob)
    owner = decoded(world.alice.split(".")[1])
    yield from at_the_thread(alices, alices.thread, "her id", bob)
    # Ids that try to leave Bob's part of the store.
    user = f"{owner['tenant']}#{owner['sub']}"
    for name, thread in {
        "her key": f"{user}#{alices.thread}",
        "an escaped key": f"{user}%23{alices.thread}".replace("#", "%23"),
        "a prefix": alices.thread[:-1],
        "a pattern": "thr_*",
        "nothing": "",
        "her user": user,
        "a path": f"../{owner['sub']}/{alices.thread}",
        "a space": f"{alices.thread} ",
        "NUL": f"{alices.thread}\0",
        "small letters": alices.thread.lower(),
        "a sort key": f"T#{alices.thread}",
    }.items():
        yield from at_the_thread(alices, thread, name, bob)
    for name, attack in {
        "a message of hers": chatkit(
            "items.feedback", thread_id=alices.thread, item_ids=[alices.message], kind="negative"
        ),
        "her position": Attack(
            "",
            headers=[("last-event-id", alices.position)],
            body={"type": "threads.create", "params": {"input": HELLO}},
            status=404,
            code="not_found",
        ),
        "her position in a run": Attack(
            "",
            "GET",
            f"/chatkit/threads/{alices.thread}/run",
            [("last-event-id", alices.position)],
            status=404,
            code="not_found",
        ),
        "her thread without the widget": Attack(
            "", path="/api/chat", body={"message": "Hello", "sessionId": alices.thread}, status=404, code="not_found"
        ),
    }.items():
        yield by(bob, f"bob: {name}", attack)
    # In a thread of his own, Bob names what is hers.
    own = world.chatkit(world.bob, "threads.create", input=HELLO).body.decode()
    thread = own.split('"id":"', 1)[1].split('"', 1)[0]
    for name, attack in {
        "a retry of her message": chatkit("threads.retry_after_item", thread_id=thread, item_id=alices.message),
        "feedback on her answer": chatkit(
            "items.feedback", thread_id=thread, item_ids=[alices.answer], kind="negative"
        ),
        "answers to her item": chatkit(
            "threads.add_structured_input", thread_id=thread, item_id=alices.message, input={}
        ),
    }.items():
        yield by(bob, f"bob, in his own thread: {name}", attack)
    for operation, params in [
        ("threads.list", {"after": alices.thread}),
        ("items.list", {"thread_id": thread, "after": alices.answer}),
        ("items.list", {"thread_id": thread, "after": f"I#{alices.answer}", "order": "asc"}),
    ]:
        yield by(
            bob, f"bob: {operation} after what is hers", chatkit(operation, status=(200, 400, 404), code=None, **params)
        )
    yield from files(world, bob, thread)
    for operation in ["threads.list", "threads.get_by_id"]:
        params = {} if operation == "threads.list" else {"thread_id": alices.thread}
        yield Attack(
            f"alice still has everything: {operation}",
            headers=bearer(world.alice),
            body={"type": operation, "params": params},
            status=200,
            having=(PRIVATE, alices.thread),
        )
    if world.jwt_secret:
        yield from tenants(world)


def at_the_thread(alices, thread, name, bob):
    for operation, params in {
        "threads.get_by_id": {},
        "items.list": {},
        "threads.update": {"title": "bob was here"},
        "threads.add_user_message": {"input": HELLO},
        "threads.retry_after_item": {"item_id": alices.message},
        "threads.add_client_tool_output": {"result": 1},
        "threads.add_structured_input": {"item_id": alices.message, "input": {}},
        "items.feedback": {"item_ids": [alices.answer], "kind": "negative"},
    }.items():
        yield by(bob, f"bob: {operation} with {name}", chatkit(operation, thread_id=thread, **params))
    # It is no error to delete what does not exist.
    yield by(
        bob, f"bob: threads.delete with {name}", chatkit("threads.delete", status=200, code=None, thread_id=thread)
    )


def chatkit(operation, status=404, code="not_found", **params):
    return Attack("", body={"type": operation, "params": params}, status=status, code=code)


def by(token, name, attack):
    return replace(attack, name=name, headers=[*attack.headers, *token], without=(PRIVATE,))


def files(world, bob, thread):
    created = world.chatkit(
        world.alice, "attachments.create", name=f"{PRIVATE}.txt", size=3, mime_type="text/plain"
    ).json()
    message = {"content": [], "attachments": [created["id"]]}
    yield by(bob, "bob sends her file", chatkit("threads.create", status=400, code="bad_request", input=message))
    yield by(
        bob,
        "bob sends her file in his thread",
        chatkit("threads.add_user_message", status=400, code="bad_request", thread_id=thread, input=message),
    )
    yield by(
        bob, "bob deletes her file", chatkit("attachments.delete", status=200, code=None, attachment_id=created["id"])
    )
    yield by(
        bob,
        "bob deletes her message's",
        chatkit("attachments.delete", status=200, code=None, attachment_id=f"../{created['id']}"),
    )
    # It is still announced, though its bytes never came.
    yield Attack(
        "her file is still there",
        headers=bearer(world.alice),
        body={"type": "threads.create", "params": {"input": message}},
        code="bad_request",
        having=("was not uploaded",),
    )


def tenants(world):
    """Names whose keys would be the same if they were not escaped."""
    pairs = [
        (("a", "b#c"), ("a#b", "c")),
        (("a", "b%23c"), ("a", "b#c")),
        (("a", "b/c"), ("a/b", "c")),
        (("a", "é"), ("a", "e\u0301")),
        (("A", "b"), ("a", "b")),
        (("a", "b "), ("a", "b")),
    ]
    for number, (one, other) in enumerate(pairs):
        # Those of one pair have not been in another one.
        one, other = [(tenant, f"{user}{number}") for tenant, user in (one, other)]
        token = world.user_token(one[1], tenant=one[0])
        created = world.chatkit(
            token, "threads.create", input={"content": [{"type": "input_text", "text": f"Please refuse {PRIVATE}"}]}
        )
        thread = created.body.decode().split('"id":"', 1)[1].split('"', 1)[0]
        foreign = bearer(world.user_token(other[1], tenant=other[0]))
        yield by(foreign, f"{other} lists the threads of {one}", chatkit("threads.list", status=200, code=None))
        yield by(foreign, f"{other} opens a thread of {one}", chatkit("threads.get_by_id", thread_id=thread))
    yield Attack(
        "the analytics of another tenant",
        "GET",
        "/api/analytics?groupBy=model&tenant=a",
        bearer(world.user_token("boss", tenant="nobody's", permissions=["analytics:read"])),
        status=200,
        without=("demo",),
    )


PARTS = [({}, attacks)]
