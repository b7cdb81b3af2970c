"""What sessions and turns cost, from the units that the code needs and a dated table of prices: `just cost`.

Needs nothing but Python.
"""

import argparse
import json
import math
import re
from pathlib import Path

import simulate
from workload import ACCESS_LINE, KEPT, LINE, REFRESH, START, Habits, socket_turn, turn

ROOT = Path(__file__).resolve().parent.parent
TABLE = json.loads((ROOT / "infra/prices.json").read_text(encoding="utf-8"))
# Those that the functions know, too.
MODEL_TABLE = json.loads((ROOT / "shared/src/model/prices.json").read_text(encoding="utf-8"))
MODELS = MODEL_TABLE["models"]
DEFAULT_MODEL = "gpt-6-luna"
GB = 1e9
MILLION = 1_000_000
# What API Gateway counts as one request of a stream.
STREAM_UNIT = 10e6
# How long prod keeps a log line.
LOG_MONTHS = 3
# Metrics that the template's alarms look at, one or several each, and those it makes of log lines.
ALARM_METRICS = 24
LINE_METRICS = 7
# The functions whose memory is ChatMemory.
TURN_FUNCTIONS = ("chat", "socket")
SECONDS_OF_A_MONTH = 730 * 3600
# Memory whose price is shown beside each other.
MEMORY = [128, 192, 256, 512]


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
    """The price of requests, by what is paid for. `requests`: pairs of a request and its number; `memory`: MB of `chat`
    and of `others`."""
    parts = dict.fromkeys(["API Gateway", "Lambda", "DynamoDB", "logs", "traffic"], 0.0)
    over_http = [(each, number) for each, number in requests if not each.messages]
    counted = sum(number * max(1, math.ceil(each.bytes_out / STREAM_UNIT)) for each, number in over_http)
    parts["API Gateway"] = price("api_request", counted)
    parts["API Gateway"] += price("socket_message", sum(number * each.messages for each, number in requests))
    for each, number in requests:
        gb_seconds = memory["chat" if each.function in TURN_FUNCTIONS else "others"] / 1024 * each.seconds
        parts["API Gateway"] += price("socket_minute", number * each.connection_seconds / 60)
        parts["Lambda"] += price("lambda_request", number)
        parts["Lambda"] += price(f"lambda_gb_second_{architecture}", number * gb_seconds)
        parts["DynamoDB"] += price("dynamodb_write_unit", number * each.write_units)
        parts["DynamoDB"] += price("dynamodb_read_unit", number * each.reads)
        logged = number * (LINE + ACCESS_LINE) / GB
        parts["logs"] += price("log_gb", logged) + LOG_MONTHS * price("log_gb_month", logged)
        parts["traffic"] += price("traffic_gb", number * each.bytes_out / GB)
    return parts


def of_model(requests, model):
    """The model's price of requests, with nothing from its cache."""
    prices = MODELS[model]
    used = sum(
        number * (each.input_tokens * prices["input"] + each.output_tokens * prices["output"])
        for each, number in requests
    )
    return used / MILLION


def idle(environment):
    """What a month costs in which nobody comes, by what is paid for."""
    alarm_metrics, metrics, dashboards = (ALARM_METRICS, LINE_METRICS, 1) if environment == "prod" else (0, 0, 0)
    return {
        "secrets: the OpenAI key, the signing key": price("secret_month", 2),
        "metrics of alarms, of which ten are free": price("alarm_metric_month", max(0, alarm_metrics - 10)),
        "metrics of log lines, of which ten are free": price("metric_month", max(0, metrics - 10)),
        "dashboards, of which three are free": price("dashboard_month", max(0, dashboards - 3)),
    }


def options(memory):
    """What a month of an option costs beside that."""
    provisioned = memory["chat"] / 1024 * SECONDS_OF_A_MONTH
    return {
        "JwtSecretArn, SessionCookieSecretArn: each secret": price("secret_month", 1),
        "AssistantDocument, SessionIntrospectionUrl: a key": price("secret_month", 1),
        "LimitTenantTokensPerDay: a metric of an alarm": price("alarm_metric_month", 1),
        "ChatProvisionedConcurrency: each environment": price("lambda_provisioned_gb_second_arm64", provisioned),
        "Firewall, and 0.60 for a million requests": price("firewall_month", 1) + price("firewall_rule_month", 2),
        "CloudFront: a secret, a rule of the firewall": price("secret_month", 1) + price("firewall_rule_month", 1),
        "KmsKeyArn: the key of your own": price("key_month", 1),
    }


def kept(turns):
    """What a month of the conversations of so many turns costs, with point-in-time recovery."""
    size = turns * KEPT / GB
    return price("dynamodb_gb_month", size) + price("dynamodb_recovery_gb_month", size)


def report(habits, memory, architecture, people, model=DEFAULT_MODEL):
    print(f"AWS's prices of {TABLE['region']}, {TABLE['date']}, the model's of {MODEL_TABLE['date']}, without free tiers;")
    print(f"{architecture}, chat and socket {memory['chat']} MB, others {memory['others']} MB;")
    print(f"a turn takes {habits.turn_seconds:g} s for {habits.output_tokens} tokens.\n")
    one = turn(habits.turn_seconds, habits.output_tokens)
    first = turn(habits.turn_seconds, habits.output_tokens, first=True)
    rows = [
        ("a million sessions started", [(START, 1)]),
        ("a million sessions refreshed", [(REFRESH, 1)]),
        ("a million first turns", [(first, 1)]),
        ("a million further turns", [(one, 1)]),
        ("the same over the WebSocket", socket_turn(habits)),
        (f"a million visits of {habits.turns} turns", habits.visit()),
    ]
    names = list(of_requests([], memory, architecture))
    print(f"{'USD':<30}" + "".join(f"{name:>12}" for name in names) + f"{'AWS in all':>12}{model:>13}")
    for title, requests in rows:
        requests = [(each, number * MILLION) for each, number in requests]
        parts = of_requests(requests, memory, architecture)
        aws = "".join(f"{parts[name]:>12.2f}" for name in names) + f"{sum(parts.values()):>12.2f}"
        print(f"{title:<30}{aws}{of_model(requests, model):>13.2f}")
    print("\nA million further turns, by the memory of chat:")
    for size in MEMORY:
        parts = of_requests([(one, MILLION)], memory | {"chat": size}, architecture)
        print(f"{size:>8} MB{sum(parts.values()):>10.2f}")
    print(f"\nTo keep a million turns for a month: {kept(MILLION):.2f}.\n")
    print(f"{'A month without visitors':<48}{'dev':>8}{'prod':>8}")
    environments = [idle(environment) for environment in ("dev", "prod")]
    for title in environments[0]:
        print(f"{title:<48}" + "".join(f"{parts[title]:>8.2f}" for parts in environments))
    print(f"{'in all':<48}" + "".join(f"{sum(parts.values()):>8.2f}" for parts in environments))
    print("beside that, by parameter:")
    for title, amount in options(memory).items():
        print(f"{title:<56}{amount:>8.2f}")
    print("\nPeople who chat at the same time (simulated, all come within a minute):\n")
    simulate.report(people, habits)


def default(parameter):
    """The template's default of a parameter that is a number."""
    template = (ROOT / "template.yaml").read_text(encoding="utf-8")
    return int(re.search(rf"^  {parameter}: {{ Type: Number, Default: (\d+)", template, re.MULTILINE)[1])


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
    arguments.add_argument("--memory", type=int, default=default("ChatMemory"), help="megabytes of chat and socket")
    arguments.add_argument("--session-memory", type=int, default=default("SessionMemory"), help="of the other functions")
    arguments.add_argument("--architecture", choices=["arm64", "x86_64"], default="arm64")
    arguments.add_argument("--model", choices=MODELS, default=DEFAULT_MODEL)
    arguments.add_argument("--people", type=int, nargs="*", default=[10, 1_000, 100_000])
    arguments = arguments.parse_args()
    habits = Habits(arguments.turn_seconds, arguments.output_tokens, turns=arguments.turns)
    memory = {"chat": arguments.memory, "others": arguments.session_memory}
    report(habits, memory, arguments.architecture, arguments.people, arguments.model)


if __name__ == "__main__":
    main()
