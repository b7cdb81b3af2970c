"""Threads with everything that the scripted model and site play. Their answers are the first that are checked."""

import json
import urllib.request

from conformance.plays import PLAYS
from conformance.scripts import SCRIPTS

from . import schemas

# Without those that take their time.
SCRIPT_NAMES = sorted(name for name, script in SCRIPTS.items() if "slow" not in name)
# Without those that end in an error of the site.
ACTIONS = sorted(name for name, play in PLAYS.items() if play.effects and not play.fails)

threads = []
# Of each thread, by its id.
items = {}


def make(url, token):
    """A thread for each script, and one for the actions."""
    for name in SCRIPT_NAMES:
        message = {"content": [{"type": "input_text", "text": f"play {name}"}]}
        events = stream(url, token, "threads.create", input=message)
        threads.append(events[0]["thread"]["id"])
    for name in PLAYS:
        stream(url, token, "threads.custom_action", thread_id=threads[-1], action={"type": name})
    for thread in threads:
        found = call(url, token, "threads.get_by_id", thread_id=thread)
        items[thread] = [item["id"] for item in found["items"]["data"]]


def stream(url, token, operation, **params):
    events = schemas.data_of(send(url, token, operation, params))
    for event in events:
        schemas.require(schemas.EVENT, event)
    return events


def call(url, token, operation, **params):
    answer = json.loads(send(url, token, operation, params))
    schemas.require(schemas.of_operation(operation), answer)
    return answer


def send(url, token, operation, params):
    body = json.dumps({"type": operation, "params": params}).encode()
    headers = {"content-type": "application/json", "authorization": f"Bearer {token}"}
    with urllib.request.urlopen(urllib.request.Request(f"{url}/chatkit", body, headers)) as answer:
        return answer.read().decode()
