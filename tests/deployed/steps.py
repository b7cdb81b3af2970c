"""What is asked of a stack, in this order; each step's first line is its name in the output.

A step returns a note for the output, or None; what is not as promised raises `Failed`.
"""

import base64
import json
import time
import urllib.error
import urllib.request

from client import Failed, check, user_token
from web_socket import Refused, WebSocket

ORIGIN = "https://origin-that-is-not-allowed.example"
# Sessions of the two people, by name, from the first step that needs them.
SESSIONS = {}
THREAD = {}


def health(api):
    """It runs."""
    answer = api.request("GET", "/health")
    check((answer.status, answer.body.get("status")) == (200, "ok"), f"{answer.status} {answer.body}")
    return f"version {answer.body['version']}"


def unknown_path(api):
    """An unknown path is an error in the documented shape."""
    answer = api.request("GET", "/no/such/path")
    is_error(answer, 404, "not_found")


def origins(api):
    """No origin is let in that is not on the list."""
    headers = {"origin": ORIGIN, "access-control-request-method": "POST"}
    for path in ("/chatkit", "/api/chatkit/start"):
        answer = api.request("OPTIONS", path, headers=headers)
        allowed = header(answer, "access-control-allow-origin")
        check(allowed != ORIGIN and allowed != "*", f"OPTIONS {path} allows {allowed}")


def nobody(api):
    """Nobody gets anything."""
    is_error(api.chatkit(None, "threads.list"), 401, "unauthorized")
    is_error(api.chatkit("no.such.token", "threads.list"), 401, "unauthorized")
    is_error(api.request("GET", "/api/analytics"), 401, "unauthorized")


def start(api):
    """Sessions start and are exchanged for the next ones."""
    for name in ("one", "other"):
        token = user_token(name)
        answer = api.request("POST", "/api/chatkit/start", {}, token)
        if answer.status == 401 and not token:
            raise Failed("this stack takes no visitors: set JWT_SECRET, or USER_TOKEN and OTHER_USER_TOKEN")
        check(answer.status == 200, f"start: {answer.status} {answer.body}")
        first = answer.body["client_secret"]
        answer = api.request("POST", "/api/chatkit/refresh", {"currentClientSecret": first}, token)
        check(answer.status == 200, f"refresh: {answer.status} {answer.body}")
        check(answer.body["client_secret"] != first, "refresh gives the same secret again")
        check(answer.body["expires_in"] > 60, f"the secret ends in {answer.body['expires_in']} s")
        SESSIONS[name] = answer.body["client_secret"]
    return "of users" if user_token("one") else "of visitors"


def turn(api):
    """A turn streams: the person's message at once, then the answer as it is made."""
    text = "Write the numbers from one to one hundred in words, one per line. A long answer."
    stream = api.stream(SESSIONS["one"], "threads.create", input=message(text))
    check(stream.status == 200, f"the status is {stream.status}")
    (created,) = stream.of_type("thread.created")
    THREAD["id"] = created["thread"]["id"]
    check(not stream.of_type("error"), f"the turn ends in {stream.of_type('error')}")
    done = [each["item"]["type"] for each in stream.of_type("thread.item.done")]
    check("assistant_message" in done, f"the answer has no end: {done} were done")
    pieces = stream.times("assistant_message.content_part.text_delta")
    check(len(pieces) >= 10, f"the answer has {len(pieces)} pieces")
    first, whole = pieces[0], pieces[-1] - pieces[0]
    # Had it been held back until its end, all pieces would be here at once.
    came = f"{len(pieces)} pieces came within {whole * 1000:.0f} ms"
    check(whole > 0.2 or not api.streams, f"{came}: something collects the answer")
    largest = max(after - before for before, after in zip(pieces, pieces[1:], strict=False))
    return f"first text after {first:.2f} s, {len(pieces)} pieces over {whole:.2f} s, at most {largest:.2f} s apart"


def kept(api):
    """What was said is kept."""
    threads = api.chatkit(SESSIONS["one"], "threads.list").body["data"]
    check([each["id"] for each in threads] == [THREAD["id"]], f"the list has {len(threads)} threads")
    items = api.chatkit(SESSIONS["one"], "items.list", thread_id=THREAD["id"], order="asc").body["data"]
    kinds = [each["type"] for each in items]
    check(kinds[0] == "user_message", f"the items are {kinds}")
    check("assistant_message" in kinds, f"the items are {kinds}")


def isolation(api):
    """Somebody else does not find it, with any operation."""
    theirs, thread = SESSIONS["other"], THREAD["id"]
    check(api.chatkit(theirs, "threads.list").body["data"] == [], "the list has somebody else's thread")
    is_error(api.chatkit(theirs, "threads.get_by_id", thread_id=thread), 404, "not_found")
    is_error(api.chatkit(theirs, "items.list", thread_id=thread), 404, "not_found")
    is_error(api.chatkit(theirs, "threads.update", thread_id=thread, title="mine"), 404, "not_found")
    # What is not there is deleted already; that theirs is still there is seen below.
    api.chatkit(theirs, "threads.delete", thread_id=thread)
    refused = api.chatkit(theirs, "threads.add_user_message", thread_id=thread, input=message("hello"))
    is_error(refused, 404, "not_found")
    answer = api.chatkit(SESSIONS["one"], "threads.get_by_id", thread_id=thread)
    check(answer.status == 200 and answer.body.get("title") != "mine", "somebody else changed the thread")


def forged(api):
    """A token that was changed is no token."""
    head, claims, signature = SESSIONS["one"].split(".")
    for changed in (with_claim(claims, "sub", "somebody"), with_claim(claims, "exp", int(time.time()) + 10**6)):
        is_error(api.chatkit(f"{head}.{changed}.{signature}", "threads.list"), 401, "unauthorized")


def bad_input(api):
    """Requests that make no sense are refused, and nothing breaks."""
    token = SESSIONS["one"]
    is_error(api.request("POST", "/chatkit", b"{", token), 400, "bad_request")
    is_error(api.chatkit(token, "threads.no_such_operation"), 400, "bad_request")
    text = api.request("POST", "/chatkit", b"x", token, {"content-type": "text/plain"})
    is_error(text, 415, "unsupported_media_type")
    is_error(api.request("POST", "/chatkit", b" " * 1_200_000, token), 413, "payload_too_large")
    is_error(api.chatkit(token, "threads.create", input=message("")), 400, "bad_request")


def files(api):
    """Files are taken, through the API and past it, and nobody else's are."""
    mine, theirs = SESSIONS["one"], SESSIONS["other"]
    text = b"numbers,words\n1,one\n"
    boundary = "a-boundary-that-is-not-in-the-file"
    disposition = 'content-disposition: form-data; name="file"; filename="words.csv"'
    part = f"--{boundary}\r\n{disposition}\r\ncontent-type: text/csv\r\n\r\n"
    body = part.encode() + text + f"\r\n--{boundary}--\r\n".encode()
    form = {"content-type": f"multipart/form-data; boundary={boundary}"}
    direct = api.request("POST", "/chatkit/attachments", body, mine, form)
    if direct.status == 400 and "not available" in str(direct.body):
        return "this server takes no files"
    check(direct.status == 200, f"the upload through the API: {direct.status} {direct.body}")
    created = api.chatkit(mine, "attachments.create", name="words.csv", size=len(text), mime_type="text/csv")
    check(created.status == 200, f"attachments.create: {created.status} {created.body}")
    descriptor = created.body["upload_descriptor"]
    status = put(descriptor, text)
    check(status == 200, f"the upload past the API: {status}")
    # The address is for a file of exactly this size.
    status = put(descriptor, text + b"2,two\n")
    check(status in (400, 403), f"a larger file than was announced is taken: {status}")
    stolen = message("hello") | {"attachments": [direct.body["id"]]}
    answer = api.chatkit(theirs, "threads.create", input=stolen)
    check(answer.status in (400, 404), f"somebody else sends the file: {answer.status}")
    for attachment in (direct.body["id"], created.body["id"]):
        answer = api.chatkit(mine, "attachments.delete", attachment_id=attachment)
        check(answer.status == 200, f"attachments.delete: {answer.status} {answer.body}")
    return None


def put(descriptor, body):
    url, method, headers = descriptor["url"], descriptor["method"], descriptor.get("headers", {})
    request = urllib.request.Request(url, body, headers, method=method)
    try:
        return urllib.request.urlopen(request, timeout=30).status
    except urllib.error.HTTPError as error:
        return error.code


def usage(api):
    """The person sees what they have used."""
    answer = api.request("GET", "/api/usage/me", token=SESSIONS["one"])
    check(answer.status == 200, f"{answer.status} {answer.body}")
    is_error(api.request("GET", "/api/analytics", token=SESSIONS["one"]), 403, "forbidden")
    return json.dumps(answer.body)


def web_socket(api):
    """A WebSocket is for who has a session; answers come in order, several at once."""
    if not api.socket_url:
        return "not tried: no address was given"
    token = SESSIONS["one"]
    for protocols in ([], ["chatkit"], ["chatkit", "no.such.token"]):
        try:
            with WebSocket(api.socket_url, protocols):
                raise Failed(f"a connection with the subprotocols {protocols} is let in")
        except Refused as refusal:
            check(400 <= refusal.status < 500, str(refusal))
    create = {"type": "threads.create", "params": {"input": message("Say hello.")}}
    with WebSocket(api.socket_url, ["chatkit", token]) as socket:
        socket.send({"id": "turn", "request": create})
        socket.send({"id": "list", "request": {"type": "threads.list", "params": {}}})
        frames = socket.answers(["turn", "list"])
        (listed,) = frames["list"]
        check(THREAD["id"] in [each["id"] for each in listed["reply"]["data"]], f"the list is {listed}")
        events = [event for frame in frames["turn"] for event in frame.get("events", [])]
        kinds = [each["type"] for each in events]
        is_turn = kinds and kinds[0] == "thread.created" and "error" not in kinds
        check(is_turn, f"the turn is {kinds} in {frames['turn'][-1]}")
        done = [each["item"]["type"] for each in events if each["type"] == "thread.item.done"]
        check(done[0] == "user_message" and "assistant_message" in done, f"the items {done} were done")
        delete = {"type": "threads.delete", "params": {"thread_id": events[0]["thread"]["id"]}}
        socket.send({"id": "delete", "request": delete})
        (deleted,) = socket.answers(["delete"])["delete"]
        check(deleted.get("reply") == {}, f"threads.delete: {deleted}")
    return f"a turn of {len(kinds)} events in {len(frames['turn'])} frames"


def deletion(api):
    """What is deleted is gone."""
    token, thread = SESSIONS["one"], THREAD["id"]
    check(api.chatkit(token, "threads.delete", thread_id=thread).status == 200, "the thread cannot be deleted")
    is_error(api.chatkit(token, "threads.get_by_id", thread_id=thread), 404, "not_found")
    is_error(api.chatkit(token, "items.list", thread_id=thread), 404, "not_found")
    check(api.chatkit(token, "threads.list").body["data"] == [], "the list still has it")


def address_limit(api):
    """One address cannot start sessions without end."""
    token = user_token("one")
    for count in range(1, 101):
        answer = api.request("POST", "/api/chatkit/start", {}, token)
        if answer.status == 429:
            is_error(answer, 429, "rate_limit_exceeded")
            check(int(header(answer, "retry-after") or 0) >= 1, "the refusal does not say when to come again")
            return f"refused at the {count}. at once"
        check(answer.status == 200, f"{answer.status} {answer.body}")
    return "a hundred were let in: the limit is off, or above what one connection after the other can reach"


def message(text):
    return {"content": [{"type": "input_text", "text": text}], "attachments": [], "inference_options": {}}


def is_error(answer, status, code):
    got = f"{answer.status} and no JSON: {str(answer.body)[:200]}"
    check(isinstance(answer.body, dict), f"expected {status} {code}, got {got}")
    found = (answer.status, answer.body.get("error"))
    check(found == (status, code), f"expected {status} {code}, got {answer.status} {answer.body}")
    request_id = header(answer, "x-request-id")
    check(set(answer.body) == {"error", "message", "request_id"}, f"the error has the shape {sorted(answer.body)}")
    check(answer.body["request_id"] == request_id, f"the error is {answer.body['request_id']}, the header {request_id}")


def header(answer, name):
    return next((value for key, value in answer.headers.items() if key.lower() == name), None)


def with_claim(claims, name, value):
    """The claims of a token with one of them changed."""
    decoded = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
    return base64.urlsafe_b64encode(json.dumps(decoded | {name: value}).encode()).rstrip(b"=").decode()


STEPS = [
    health,
    unknown_path,
    origins,
    nobody,
    start,
    turn,
    kept,
    isolation,
    forged,
    bad_input,
    files,
    usage,
    web_socket,
    deletion,
    # Last: it uses up what the address may.
    address_limit,
]
# Without these the others have nothing to look at.
NEEDED = [health, start, turn]
