"""Follows the lines of every function and of the API: `just logs ENV`. Ends with Ctrl-C."""

import re
import time
from datetime import UTC, datetime

from stack import main

# Lines of the last minutes are shown first; then it is asked for new ones this often, in seconds.
BEFORE = 10 * 60
PAUSE = 2


def follow(stack):
    logs = stack.client("logs")
    groups = stack.outputs()["LogGroups"].split(",")
    since = int((time.time() - BEFORE) * 1000)
    # A line may arrive after a later one: each round begins where the one before did, and knows what it has shown.
    shown = set()
    while True:
        began = int(time.time() * 1000)
        lines = sorted(
            (event["timestamp"], name_of(group), event["message"].rstrip())
            for group in groups
            for page in logs.get_paginator("filter_log_events").paginate(logGroupName=group, startTime=since)
            for event in page["events"]
        )
        for line in lines:
            if line not in shown:
                timestamp, name, message = line
                print(datetime.fromtimestamp(timestamp / 1000, UTC).strftime("%H:%M:%S"), name, message, flush=True)
        shown = set(lines)
        since = max(since, began - 60_000)
        time.sleep(PAUSE)


def name_of(group):
    """Whose lines a group has: `chat` of `chatkit-dev-ChatLogs-1A2B3C`."""
    return re.search(r"([A-Za-z]+)Logs", group)[1].lower()


if __name__ == "__main__":
    main(follow)
