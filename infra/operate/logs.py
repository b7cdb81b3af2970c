"""Follows the logs of every function and of the API: `just logs ENV`. Ctrl-C ends it."""

import re
import time
from datetime import UTC, datetime

from stack import main

HISTORY_SECONDS = 10 * 60
PAUSE_SECONDS = 2


def follow(stack):
    logs = stack.client("logs")
    groups = stack.outputs()["LogGroups"].split(",")
    since = int((time.time() - HISTORY_SECONDS) * 1000)
    # A line may arrive after a later one. So each round looks back a minute, and skips what was shown already.
    shown = set()
    while True:
        started = int(time.time() * 1000)
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
        since = max(since, started - 60_000)
        time.sleep(PAUSE_SECONDS)


def name_of(group):
    """The function that a log group belongs to: `chat` of `chatkit-dev-ChatLogs-1A2B3C`."""
    return re.search(r"([A-Za-z]+)Logs", group)[1].lower()


if __name__ == "__main__":
    main(follow)
