"""What an attack is, and how its answer is judged."""

import json
from dataclasses import dataclass, field

# Of a body that an error may have.
ERROR_FIELDS = {"error", "message", "request_id", "sessionId"}
# No answer may have any of this: it would tell how the server is made.
INTERNALS = [
    "panicked",
    ".rs:",
    "stack backtrace",
    "sqlite",
    "dynamodb",
    "ConditionalCheck",
    "ValidationException",
    "SIGNING_SECRET",
]


@dataclass(frozen=True)
class Attack:
    """A request, and the answer that it must get."""

    name: str
    method: str = "POST"
    path: str = "/chatkit"
    # A header may come twice.
    headers: list = field(default_factory=list)
    body: object = None
    # Bytes to send as they are, in place of all of these.
    raw: bytes | None = None
    # Of this machine, if it is another one than the server's.
    port: int | None = None

    # One of these statuses; with the error of this code.
    status: int | tuple = 400
    code: str | None = None
    # Texts that the answer must have, and must not have; headers in lower case are part of it.
    having: tuple = ()
    without: tuple = ()


@dataclass(frozen=True)
class Answer:
    status: int
    headers: list
    body: bytes
    # Everything that came.
    received: bytes

    def json(self):
        return json.loads(self.body)

    def header(self, name):
        return next((value for each, value in self.headers if each == name), None)

    def text(self):
        lines = [f"{name}: {value}" for name, value in self.headers]
        return "\n".join(lines) + "\n\n" + self.body.decode(errors="replace")


def faults(attack, answer, secrets):
    """What is wrong with an answer."""
    wanted = attack.status if isinstance(attack.status, tuple) else (attack.status,)
    if answer.status not in wanted:
        yield f"status {answer.status}, not {' or '.join(map(str, wanted))}"
    text = answer.text()
    yield from (f"without {each!r}" for each in attack.having if each not in text)
    yield from (f"with {each!r}" for each in (*attack.without, *secrets, *INTERNALS) if each.lower() in text.lower())
    # What the HTTP server or the guard in front of it refuses, and a WebSocket's handshake, has no headers of ours.
    if answer.header("x-request-id") and answer.header("x-content-type-options") != "nosniff":
        yield "without nosniff"
    # API Gateway's own answers cannot have a policy with quotes.
    policy = str(answer.header("content-security-policy"))
    if answer.header("x-request-id") and "default-src 'none'" not in policy and policy != "sandbox":
        yield "without a policy"
    if answer.received.count(b"HTTP/1.1 ") > 1:
        yield "one request has more than one answer"
    if attack.port:
        return
    if answer.status >= 400 and answer.body and "application/json" in str(answer.header("content-type")):
        yield from faults_of_error(attack, answer)
    elif attack.code and answer.status in wanted:
        yield "no error in JSON"


def faults_of_error(attack, answer):
    error = answer.json()
    if attack.code and error.get("error") != attack.code:
        yield f"error {error.get('error')}, not {attack.code}"
    if not {"error", "message", "request_id"} <= error.keys() <= ERROR_FIELDS:
        yield f"an error with the fields {sorted(error)}"
    # What answers a WebSocket's handshake has no headers of ours.
    if attack.path.startswith("/ws"):
        return
    if error.get("request_id") != answer.header("x-request-id"):
        yield "another request id in the header than in the error"
    if answer.status == 401 and answer.header("www-authenticate") != "Bearer":
        yield "no WWW-Authenticate"
    if answer.status == 429 and not str(answer.header("retry-after")).isdigit():
        yield "no Retry-After"
