"""Follows the lines of every function and of the API: `just logs ENV`. Ends with Ctrl-C."""

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
        lines = [
            (event["timestamp"], event["eventId"], group, event["message"])
            for group in groups
            for page in logs.get_paginator("filter_log_events").paginate(logGroupName=group, startTime=since)
            for event in page["events"]
        ]
        for timestamp, event_id, group, message in sorted(lines):
            if event_id not in shown:
                moment = datetime.fromtimestamp(timestamp / 1000, UTC).strftime("%H:%M:%S")
                print(moment, group.removeprefix(f"{stack.name}-").partition("-")[0], message.rstrip(), flush=True)
        shown = {event_id for _, event_id, _, _ in lines}
        since = max(since, began - 60_000)
        time.sleep(PAUSE)


if __name__ == "__main__":
    main(follow)
