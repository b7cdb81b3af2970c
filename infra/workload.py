"""What a request needs of AWS, and how people chat. The units are measured; the times are assumed where it says so."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Request:
    """One request to the API. `writes` are write units by table, asserted by the tests of the code and listed in docs/src/limits-and-cost.md."""

    writes: dict
    reads: float
    seconds: float
    bytes_out: int
    function: str

    @property
    def write_units(self):
        return sum(self.writes.values())


# Bytes of a line of ours in the log, and of API Gateway's.
LINE = 420
ACCESS_LINE = 380
# A streamed event without its text, with one token of text in it, and everything of a turn that is no answer's text:
# counted from the demo model's streams.
EVENT = 200
FRAME = 3000
# Bytes that a turn leaves in the tables: two items, a usage record.
KEPT = 2500


def turn(seconds, output_tokens, first=False):
    """A turn; how long it takes is the model's doing."""
    writes = {"threads": 4 if first else 3, "counters": 2, "usage": 2}
    reads = 1 if first else 4
    return Request(writes, reads, seconds, FRAME + EVENT * output_tokens, "chat")


# Times of what does not wait for the model: some milliseconds per round trip to DynamoDB, assumed, not measured on AWS.
START = Request({"counters": 1}, 0, 0.010, 900, "start")
REFRESH = Request({"counters": 2}, 0, 0.018, 900, "refresh")
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
