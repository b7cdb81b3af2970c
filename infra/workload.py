"""What a request needs of AWS, and how people chat. The units are measured; the times are assumed where it says so."""

import math
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Request:
    """One request to the API. `writes` are write units by table, asserted by the tests of the code and listed in
    docs/src/limits-and-cost.md."""

    writes: dict
    reads: float
    seconds: float
    bytes_out: int
    function: str
    # Of the model.
    input_tokens: float = 0
    output_tokens: float = 0
    # Over the WebSocket: messages both ways instead of a request, and how long the connection is open for it.
    messages: int = 0
    connection_seconds: float = 0

    @property
    def write_units(self):
        return sum(self.writes.values())


# Bytes of a line of ours in the log, and of API Gateway's.
LINE = 420
ACCESS_LINE = 380
# An event with its position, without the token of text in it; and of a turn what comes besides, without the text that is
# repeated at the end of a part and of the answer. Counted in streams.
EVENT = 247
FRAME = 1500
# Bytes that a turn leaves in the tables: two items, a usage record.
KEPT = 2500
# Bytes of a token of English, and of what is stored beside the text: with an answer, and in the record of a run.
TOKEN = 4.2
BESIDE_ANSWER = 400
BESIDE_RECORD = 630
# Bytes of the history that a further turn shows the model: of two or three turns, with their questions.
HISTORY = 2.5 * 2200
# Tokens of the model's input beside the history: instructions and question; and of a title.
ASKED_TOKENS = 250
TITLE_TOKENS = (300, 20)
# When a running turn gives signs of life, which are writes of its record; between two of them it looks at the record once
# (shared/src/engine/turn/life.rs).
FIRST_SIGN = 2.0
BETWEEN_LOOKS = 2.5


def write_units(size):
    return math.ceil(size / 1024)


def turn(seconds, output_tokens, first=False):
    """A turn; how long it takes is the model's doing."""
    answer = TOKEN * output_tokens
    looks = math.ceil(max(0, seconds - FIRST_SIGN) / BETWEEN_LOOKS)
    signs = [FIRST_SIGN + BETWEEN_LOOKS * look for look in range(0, looks, 2)]
    of_signs = sum(write_units(BESIDE_RECORD + answer * at / seconds) for at in signs)
    # The question, the head with its lease, the answer, the record; the title of a first turn.
    threads = 2 + write_units(BESIDE_ANSWER + answer) + of_signs + (1 if first else 0)
    history = 0 if first else 0.5 + 0.5 * math.ceil(HISTORY / 4096)
    reads = 1 + history + 0.5 * (looks - len(signs))
    writes = {"threads": threads, "counters": 2, "usage": 2}
    streamed = FRAME + EVENT * output_tokens + 3 * answer
    of_title = TITLE_TOKENS if first else (0, 0)
    asked = ASKED_TOKENS + (0 if first else HISTORY / TOKEN) + of_title[0]
    return Request(writes, reads, seconds, streamed, "chat", asked, output_tokens + of_title[1])


# From one frame with events to the next (functions/socket/src/answer.rs).
FRAME_INTERVAL = 0.2


def socket_turn(habits):
    """A further turn over the WebSocket: the message, which is counted and answered in milliseconds, and the turn that it
    orders, which is claimed."""
    over_http = turn(habits.turn_seconds, habits.output_tokens)
    frames = min(habits.output_tokens, math.ceil(habits.turn_seconds / FRAME_INTERVAL)) + 1
    message = Request({"counters": 1}, 0, 0.015, 0, "socket", messages=1, connection_seconds=habits.think_seconds)
    ordered = replace(
        over_http,
        writes=over_http.writes | {"counters": over_http.writes["counters"] + 1},
        function="socket",
        messages=frames,
        connection_seconds=habits.turn_seconds,
    )
    return [(message, 1), (ordered, 1)]


# Times of what does not wait for the model: some milliseconds per round trip to DynamoDB, assumed, not measured on AWS.
START = Request({"counters": 1}, 0, 0.010, 900, "start")
REFRESH = Request({"counters": 2}, 1, 0.018, 900, "refresh")
LIST = Request({"counters": 1}, 0.5, 0.012, 4000, "chat")
# A thread with its newest items, eventually consistent: half a unit for the head and half for each 4 KB of items.
OPEN = Request({"counters": 1}, 3, 0.012, 20000, "chat")
# Answered without a look at anything; browsers ask once in two hours and path.
PREFLIGHT = Request({}, 0, 0.001, 400, "chat")


@dataclass(frozen=True)
class Habits:
    """How one person chats; all assumed."""

    turn_seconds: float = 8.0
    output_tokens: int = 350
    # Between the end of an answer and the next question.
    think_seconds: float = 30.0
    turns: int = 5
    # A session token lasts ten minutes and is exchanged a minute before its end.
    refresh_seconds: float = 540.0

    def visit(self):
        """The requests of one visit: a page is opened, a conversation had. In pairs of a request and its number."""
        length = self.turns * (self.turn_seconds + self.think_seconds)
        return [
            (PREFLIGHT, 3),
            (START, 1),
            (REFRESH, length / self.refresh_seconds),
            (LIST, 1),
            (OPEN, 1),
            (turn(self.turn_seconds, self.output_tokens, first=True), 1),
            (turn(self.turn_seconds, self.output_tokens), self.turns - 1),
        ]
