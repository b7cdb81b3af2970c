"""Limits and budgets. Each part has a server with small ones, and asks for one thing too many."""

import json

from .attack import Attack
from .world import bearer

ANYWHERE = False
START = "/api/chatkit/start"
LIST = {"type": "threads.list", "params": {}}
CHAT = {"message": "Please refuse"}
SSE = ("accept", "text/event-stream")
# So that a turn holds less than the budgets below.
SMALL = {"MAX_CONTEXT_TOKENS": "8000", "MAX_OUTPUT_TOKENS": "2000", "ASSISTANT": '{"instructions": "Help."}'}
# Cuneiform: each of these characters is a token or more.
DENSE = "Please refuse " + "\U00012000" * 5_000
LARGE = "Please refuse " + "\U00012000" * 9_900


def limited(name, token, body, path="/chatkit", code="rate_limit_exceeded", headers=()):
    return Attack(name, path=path, headers=[*token, *headers], body=body, status=429, code=code)


def within(name, token, body, path="/chatkit"):
    return Attack(name, path=path, headers=token, body=body, status=200)


def turns(world):
    token = bearer(world.alice)
    for number in (1, 2):
        yield within(f"turn {number} of 2", token, CHAT, "/api/chat")
    message = {"content": [{"type": "input_text", "text": "Please refuse"}]}
    create = {"type": "threads.create", "params": {"input": message}}
    yield limited("a third turn", token, CHAT, "/api/chat")
    yield limited("a third turn in a stream", token, CHAT | {"stream": True}, "/api/chat")
    yield limited("a third turn by another operation", token, create)
    yield limited(
        "dictation as a third turn",
        token,
        {"type": "input.transcribe", "params": {"audio_base64": "AAAA", "mime_type": "audio/webm"}},
    )
    yield Attack(
        "a third turn of the widget",
        headers=[*token, SSE],
        body=create,
        status=200,
        having=('"type":"error"',),
        without=("thread.created",),
    )
    for name, headers in from_elsewhere().items():
        yield limited(f"a third turn {name}", token, CHAT, "/api/chat", headers=headers)
    renewed = bearer(world.call("POST", START, {}, world.user_token("dave")).json()["client_secret"])
    for number in (1, 2):
        yield within(f"turn {number} of 2 of somebody else", renewed, CHAT, "/api/chat")
    again = bearer(world.call("POST", START, {}, world.user_token("dave")).json()["client_secret"])
    yield limited("a third turn with a new session", again, CHAT, "/api/chat")
    yield limited("a third turn with the user token", bearer(world.user_token("dave")), CHAT, "/api/chat")


def requests(world):
    token = bearer(world.alice)
    for number in (1, 2, 3):
        yield within(f"request {number} of 3", token, LIST)
    for operation, params in {
        "threads.list": {},
        "threads.get_by_id": {"thread_id": "x"},
        "threads.update": {"thread_id": "x", "title": ""},
        "threads.delete": {"thread_id": "x"},
        "items.list": {"thread_id": "x"},
        "items.feedback": {"thread_id": "x", "item_ids": [], "kind": "positive"},
        "attachments.create": {"name": "a.png", "size": 1, "mime_type": "image/png"},
        "attachments.delete": {"attachment_id": "x"},
    }.items():
        yield limited(f"a request too many: {operation}", token, {"type": operation, "params": params})
    for path in ["/api/usage/me", "/chatkit/threads/thr_1/run"]:
        yield Attack(f"a request too many: GET {path}", "GET", path, token, status=(404, 429))
    reader = bearer(world.user_token("reader", permissions=["analytics:read"]))
    for number in (1, 2, 3):
        yield Attack(f"analytics {number} of 3", "GET", "/api/analytics", reader, status=200)
    yield Attack("analytics too often", "GET", "/api/analytics", reader, status=429, code="rate_limit_exceeded")


def sessions(world):
    for number in (1, 2, 3):
        yield Attack(f"session {number} of 3", path=START, body={}, status=200)
    yield Attack(
        "a session too many", path=START, body={}, status=429, code="rate_limit_exceeded", without=("set-cookie",)
    )
    yield Attack(
        "a session too many by its other name",
        path="/api/chatkit/session",
        body={},
        status=429,
        code="rate_limit_exceeded",
    )
    yield Attack(
        "a user's session too many",
        path=START,
        headers=bearer(world.user_token("alice")),
        body={},
        status=429,
        code="rate_limit_exceeded",
    )
    yield Attack(
        "a refresh too many",
        path="/api/chatkit/refresh",
        body={"currentClientSecret": "x"},
        status=429,
        code="rate_limit_exceeded",
    )
    for name, headers in from_elsewhere().items():
        yield Attack(
            f"a session too many {name}", path=START, headers=headers, body={}, status=429, code="rate_limit_exceeded"
        )


def tokens(world):
    """A budget for one turn: what is held for the second is too much."""
    token = bearer(world.alice)
    yield within("a turn within the budget", token, CHAT, "/api/chat")
    yield limited("a turn beyond the budget", token, {"message": LARGE}, "/api/chat", "budget_exceeded")
    yield Attack(
        "a message that has four times the tokens that its length suggests",
        path="/api/chat",
        headers=token,
        body={"messages": [{"role": "user", "content": DENSE}]},
        status=413,
        code="payload_too_large",
    )
    conversation = [
        {"role": "user", "content": "Hello"},
        {"role": "assistant", "content": LARGE},
        {"role": "user", "content": LARGE},
    ]
    yield Attack(
        "a conversation that is more than a budget",
        path="/api/chat",
        headers=token,
        body={"messages": conversation},
        status=413,
        code="payload_too_large",
    )
    yield limited(
        "a recording beyond the budget",
        token,
        {"type": "input.transcribe", "params": {"audio_base64": "A" * 800_000, "mime_type": "audio/webm"}},
        code="budget_exceeded",
    )
    yield Attack(
        "one's own budget, with a wish",
        "GET",
        "/api/usage/me?limit=1000000",
        [*token, ("x-limit", "1000000")],
        status=200,
        having=('"limit":11000',),
    )


def visitors(world):
    """A budget of an address: its visitors share it, whoever they say that they are."""
    first, second = (bearer(world.call("POST", START, {}).json()["client_secret"]) for _ in range(2))
    yield within("a visitor's turn within the budget", first, CHAT, "/api/chat")
    yield limited("another visitor's turn beyond it", second, {"message": LARGE}, "/api/chat", "budget_exceeded")
    for name, headers in from_elsewhere().items():
        yield limited(
            f"a visitor's turn beyond it {name}", second, {"message": LARGE}, "/api/chat", "budget_exceeded", headers
        )


def tenant(world):
    """A budget of a tenant: its users share it."""
    one, two = (bearer(world.user_token(name, tenant="small")) for name in ("one", "two"))
    yield within("a user's turn within the tenant's budget", one, CHAT, "/api/chat")
    yield limited("another user's turn beyond it", two, {"message": LARGE}, "/api/chat", "budget_exceeded")
    yield within("another tenant's turn", bearer(world.user_token("one", tenant="large")), CHAT, "/api/chat")


def actions(world):
    """The site's endpoint may take minutes for each."""
    token = bearer(world.alice)
    act = {"thread_id": "thr_1", "action": {"type": "buy"}}
    for number in (1, 2):
        yield Attack(
            f"action {number} of 2",
            headers=token,
            body={"type": "threads.custom_action", "params": act},
            status=404,
            code="not_found",
        )
    for operation in ["threads.custom_action", "threads.sync_custom_action"]:
        yield limited(f"a third action: {operation}", token, {"type": operation, "params": act})


def uploads(world):
    """Files count when they are announced, whether they come or not."""
    token = bearer(world.alice)
    large = {"type": "attachments.create", "params": {"name": "a.png", "size": 900_000, "mime_type": "image/png"}}
    yield within("a megabyte of files", token, large)
    yield limited("a second megabyte of files", token, large)
    for name, headers in from_elsewhere().items():
        yield limited(f"a second megabyte of files {name}", token, large, headers=headers)


def uploads_of_visitors(world):
    first, second = (bearer(world.call("POST", START, {}).json()["client_secret"]) for _ in range(2))
    large = {"type": "attachments.create", "params": {"name": "a.png", "size": 900_000, "mime_type": "image/png"}}
    yield within("a visitor's megabyte of files", first, large)
    yield limited("another visitor's", second, large)


def requests_of_visitors(world):
    """One person can be any number of visitors, but has few addresses."""
    for number in (1, 2, 3):
        visitor = bearer(world.call("POST", START, {}).json()["client_secret"])
        yield within(f"request {number} of 3, each of another visitor", visitor, LIST)
    visitor = bearer(world.call("POST", START, {}).json()["client_secret"])
    yield limited("a fourth visitor's request", visitor, LIST)
    for name, headers in from_elsewhere().items():
        yield limited(f"a fourth visitor's request {name}", visitor, LIST, headers=headers)


def from_elsewhere():
    """What a client says of its address, and of itself, where nothing in front of the server has written it."""
    return {
        f"from elsewhere by {name}": [(name, value)]
        for name, value in {
            "x-forwarded-for": "203.0.113.7",
            "x-real-ip": "203.0.113.7",
            "forwarded": "for=203.0.113.7",
            "true-client-ip": "203.0.113.7",
            "cf-connecting-ip": "203.0.113.7",
            "x-client-address": "203.0.113.7",
            "cloudfront-viewer-address": "203.0.113.7:443",
            "x-amzn-request-context": json.dumps({"identity": {"sourceIp": "203.0.113.7"}}),
        }.items()
    }


PARTS = [
    ({"LIMIT_USER_TURNS_PER_MINUTE": "2"}, turns),
    ({"LIMIT_USER_REQUESTS_PER_MINUTE": "3"}, requests),
    ({"LIMIT_USER_ACTIONS_PER_MINUTE": "2"}, actions),
    ({"LIMIT_USER_UPLOAD_MB_PER_HOUR": "1"}, uploads),
    ({"LIMIT_ADDRESS_UPLOAD_MB_PER_HOUR": "1"}, uploads_of_visitors),
    ({"LIMIT_ADDRESS_REQUESTS_PER_MINUTE": "3"}, requests_of_visitors),
    ({"LIMIT_ADDRESS_BURST": "3", "LIMIT_ADDRESS_PER_SECOND": "1"}, sessions),
    ({"LIMIT_USER_TOKENS_PER_HOUR": "11000", **SMALL}, tokens),
    ({"LIMIT_ADDRESS_TOKENS_PER_HOUR": "11000", **SMALL}, visitors),
    ({"LIMIT_TENANT_TOKENS_PER_DAY": "11000", **SMALL}, tenant),
]
