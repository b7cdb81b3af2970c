"""So many people chat at the same time: what that asks of Lambda, API Gateway and DynamoDB, second by second.

Each person comes at a random moment of the first minute, opens the chat, and then asks, reads, thinks and asks again. All
chance comes from one seed, so the same arguments give the same numbers. `python infra/simulate.py 10 1000`.
"""

import json
import math
import random
import sys
from dataclasses import dataclass
from pathlib import Path

from workload import FRAME_INTERVAL, LIST, OPEN, REFRESH, START, Habits, turn

QUOTAS = json.loads((Path(__file__).parent / "prices.json").read_text())["quotas"]
# All people come within this time.
OPENING = 60.0
# The steady part that is looked at begins after the opening and a while.
SETTLED = 120
# The spread of how long answers take: the logarithm's standard deviation; one in a hundred takes four times the mean.
SPREAD = 0.6
# Parts of one day's sum of a tenant and model (`SHARDS` in shared/src/store/usage.rs).
SUM_SHARDS = 4


@dataclass
class Load:
    """What came out of a simulation: lists have an entry per second."""

    people: int
    requests: list
    turns: list
    # Functions that run at one time, as the mean of each second.
    running: list
    writes: dict

    def steady(self, values):
        return values[SETTLED:]

    @property
    def most_running(self):
        return math.ceil(max(self.running))

    @property
    def most_requests_with_frames(self):
        frames = [running / FRAME_INTERVAL for running in self.running]
        return math.ceil(max(map(sum, zip(frames, self.requests, strict=True))))

    @property
    def new_environments_in_10_s(self):
        """Environments that did not exist yet: those beyond the most that ever ran, within ten seconds."""
        most, reached = 0, []
        for running in self.running:
            most = max(most, running)
            reached.append(most)
        return math.ceil(max(after - before for before, after in zip([0] * 10 + reached, reached, strict=False)))


def simulate(people, habits=None, seconds=420, seed=1):
    habits = habits or Habits()
    chance = random.Random(seed)
    requests, turns = [0] * seconds, [0] * seconds
    # Parts of a second in which a function runs, and how many begin or end to run through whole ones.
    parts, whole = [0.0] * (seconds + 1), [0] * (seconds + 1)
    writes = {table: [0] * seconds for table in ("threads", "counters", "usage")}

    def ask(at, request, duration):
        second = int(at)
        if second >= seconds:
            return False
        requests[second] += 1
        for table, units in request.writes.items():
            writes[table][second] += units
        # An environment serves one request at a time, and is taken until the answer has ended.
        end = min(at + duration, seconds)
        last = int(end)
        if last == second:
            parts[second] += end - at
        else:
            parts[second] += second + 1 - at
            whole[second + 1] += 1
            whole[last] -= 1
            parts[last] += end - last
        return True

    # The mean of a log-normal distribution lies above its median.
    median = math.log(habits.turn_seconds) - SPREAD * SPREAD / 2
    first = turn(habits.turn_seconds, habits.output_tokens, first=True)
    further = turn(habits.turn_seconds, habits.output_tokens)
    for _ in range(people):
        at = chance.uniform(0, OPENING)
        for request in (START, LIST, OPEN):
            ask(at, request, request.seconds)
        refresh = at + habits.refresh_seconds
        while refresh < seconds:
            ask(refresh, REFRESH, REFRESH.seconds)
            refresh += habits.refresh_seconds
        kind = first
        at += chance.expovariate(1 / habits.think_seconds)
        while True:
            duration = chance.lognormvariate(median, SPREAD)
            if not ask(at, kind, duration):
                break
            turns[int(at)] += 1
            kind = further
            at += duration + chance.expovariate(1 / habits.think_seconds)
    running, now = [], 0
    for part, change in zip(parts[:seconds], whole, strict=False):
        now += change
        running.append(now + part)
    return Load(people, requests, turns, running, writes)


def needs(load):
    """Each quota with what the load asks of it, in the order of `QUOTAS`; and what to do where it is too small."""
    turns = max(load.turns)
    return [
        ("functions at one time", load.most_running, QUOTAS["lambda_concurrent_executions"], "raise Lambda's concurrent executions"),
        ("new environments in 10 s", load.new_environments_in_10_s, QUOTAS["lambda_new_environments_in_10_s"], "keep some ready: ChatProvisionedConcurrency"),
        ("requests a second", max(load.requests), QUOTAS["api_requests_per_second"], "raise API Gateway's rate"),
        # Each frame is a request, and each running function sends one in an interval.
        ("the same over the WebSocket", load.most_requests_with_frames, QUOTAS["api_requests_per_second"], "stream over HTTP"),
        *(
            (f"write units a second, {table}", max(units), QUOTAS["dynamodb_write_units_of_a_new_table"], "warm the table's throughput up")
            for table, units in load.writes.items()
        ),
        # All in one tenant: the records of a day share a partition key and come in the order of time, so no split helps.
        ("writes to one partition: usage records", turns, QUOTAS["dynamodb_write_units_per_partition"], "several tenants, or UsageRetentionDays=0"),
        ("writes to one item: a day's sum", math.ceil(turns / SUM_SHARDS), QUOTAS["dynamodb_write_units_per_partition"], "several tenants, or more shards"),
    ]


def report(people, habits=None):
    loads = [simulate(number, habits) for number in people]
    print(f"{'at the most':<42}" + "".join(f"{number:>12,}" for number in people) + f"{'quota':>10}")
    for row in zip(*(needs(load) for load in loads), strict=True):
        values = "".join(f"{value:>11,}{'!' if value > quota else ' '}" for _, value, quota, _ in row)
        name, _, quota, remedy = row[0]
        is_short = any(value > quota for _, value, quota, _ in row)
        print(f"{name:<42}{values}{quota:>10,}{f'  {remedy}' if is_short else ''}")
    for name, values in (("turns a second, on average", "turns"), ("functions at one time, on average", "running")):
        steady = [load.steady(getattr(load, values)) for load in loads]
        print(f"{name:<42}" + "".join(f"{sum(each) / len(each):>11,.1f} " for each in steady))


if __name__ == "__main__":
    report([int(argument) for argument in sys.argv[1:]] or [10, 1_000, 100_000])
