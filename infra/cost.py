"""What sessions and turns cost on AWS, from the units that the code needs and a dated table of prices: `just cost`.

The model's own price is not in it: it is mostly the larger part by far. Needs nothing but Python.
"""

import argparse
import json
import math
from pathlib import Path

import simulate
from workload import ACCESS_LINE, KEPT, LINE, REFRESH, START, Habits, turn

TABLE = json.loads((Path(__file__).parent / "prices.json").read_text())
GB = 1e9
# What API Gateway counts as one request of a stream.
STREAM_UNIT = 10e6
# Metrics that the template's alarms look at, one or several each, and those it makes of log lines.
ALARM_METRICS = 22
LINE_METRICS = 7


def price(name, amount):
    """The price of an amount; tiers are those of one month."""
    entry = TABLE["prices"][name]
    if "price" in entry:
        return amount / entry["per"] * entry["price"]
    total, below = 0.0, 0.0
    for upto, tier in entry["tiers"]:
        within = max(0.0, min(amount, math.inf if upto is None else upto) - below)
        total += within / entry["per"] * tier
        below = upto
        if upto is None or amount <= upto:
            return total
    raise AssertionError("the last tier has no end")


def of_requests(requests, memory, architecture="arm64"):
    """The price of requests, by what is paid for. `requests`: pairs of a request and its number; `memory`: MB by function."""
    parts = dict.fromkeys(["API Gateway", "Lambda", "DynamoDB", "logs", "traffic"], 0.0)
    counted = sum(number * max(1, math.ceil(each.bytes_out / STREAM_UNIT)) for each, number in requests)
    parts["API Gateway"] = price("api_request", counted)
    for each, number in requests:
        gb_seconds = memory.get(each.function, memory["others"]) / 1024 * each.seconds
        parts["Lambda"] += price("lambda_request", number)
        parts["Lambda"] += price(f"lambda_gb_second_{architecture}", number * gb_seconds)
        parts["DynamoDB"] += price("dynamodb_write_unit", number * each.write_units)
        parts["DynamoDB"] += price("dynamodb_read_unit", number * each.reads)
        parts["logs"] += price("log_gb", number * (LINE + ACCESS_LINE) / GB)
        parts["traffic"] += price("traffic_gb", number * each.bytes_out / GB)
    return parts


def idle(environment):
    """What an idle month costs."""
    alarm_metrics, metrics = (ALARM_METRICS, LINE_METRICS) if environment == "prod" else (0, 0)
    return {
        "secrets (the key, what tokens are signed with)": price("secret_month", 2),
        "alarms beyond the ten that are free": price("alarm_metric_month", max(0, alarm_metrics - 10)),
        "metrics of log lines, of which ten are free": price("metric_month", max(0, metrics - 10)),
    }


def kept(turns):
    """What a month of the conversations of so many turns costs, with point-in-time recovery."""
    size = turns * KEPT / GB
    return price("dynamodb_gb_month", size) + price("dynamodb_recovery_gb_month", size)


def report(habits, memory, architecture, people):
    print(f"Prices of {TABLE['region']}, {TABLE['date']}, without free tiers and without the model; {architecture},")
    print(f"chat {memory['chat']} MB, others {memory['others']} MB; a turn takes {habits.turn_seconds:g} s for {habits.output_tokens} tokens.\n")
    million = 1_000_000
    one = turn(habits.turn_seconds, habits.output_tokens)
    first = turn(habits.turn_seconds, habits.output_tokens, first=True)
    rows = [
        ("a million sessions started", of_requests([(START, million)], memory, architecture)),
        ("a million sessions refreshed", of_requests([(REFRESH, million)], memory, architecture)),
        ("a million first turns", of_requests([(first, million)], memory, architecture)),
        ("a million further turns", of_requests([(one, million)], memory, architecture)),
        (
            f"a million visits of {habits.turns} turns",
            of_requests([(each, number * million) for each, number in habits.visit()], memory, architecture),
        ),
    ]
    names = list(rows[0][1])
    print(f"{'USD':<32}" + "".join(f"{name:>13}" for name in names) + f"{'in all':>13}")
    for title, parts in rows:
        print(f"{title:<32}" + "".join(f"{parts[name]:>13.2f}" for name in names) + f"{sum(parts.values()):>13.2f}")
    print(f"\nTo keep a million turns for a month: {kept(million):.2f} USD.")
    for environment in ("dev", "prod"):
        parts = idle(environment)
        print(f"An idle month, {environment}: {sum(parts.values()):.2f} USD.")
    print("\nPeople who chat at the same time (simulated, all come within a minute):\n")
    simulate.report(people, habits)


def positive(text):
    number = float(text)
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not a number of seconds")
    return number


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--turn-seconds", type=positive, default=Habits.turn_seconds)
    arguments.add_argument("--output-tokens", type=int, default=Habits.output_tokens)
    arguments.add_argument("--turns", type=int, default=Habits.turns, help="of one visit")
    arguments.add_argument("--memory", type=int, default=512, help="megabytes of chat")
    arguments.add_argument("--session-memory", type=int, default=256, help="megabytes of the other functions")
    arguments.add_argument("--architecture", choices=["arm64", "x86_64"], default="arm64")
    arguments.add_argument("--people", type=int, nargs="*", default=[10, 1_000, 100_000])
    arguments = arguments.parse_args()
    habits = Habits(arguments.turn_seconds, arguments.output_tokens, turns=arguments.turns)
    memory = {"chat": arguments.memory, "others": arguments.session_memory}
    report(habits, memory, arguments.architecture, arguments.people)


if __name__ == "__main__":
    main()
