"""A whole conversation with a deployed stack, over the network as a browser would have it.

`python tests/deployed/main.py URL [--socket URL] [--buffered]`: the outputs `ApiUrl` and `WebSocketUrl` (`just
test-deployed ENV` asks the stack). The local server will do as well: `python tests/deployed/main.py
http://127.0.0.1:3000 --socket ws://127.0.0.1:3000/ws`. Needs nothing but Python. Costs a few hundred tokens of the
model, and leaves nothing behind but its usage records.

Who chats: visitors, if the stack takes any. Otherwise set `JWT_SECRET` to the secret of user tokens (HS256), or
`USER_TOKEN` and `OTHER_USER_TOKEN` to tokens of two users. `--buffered`: what stands in front of the functions collects
answers, as emulators do, so that an answer may come all at once.
"""

import argparse
import sys
import time
import traceback

from client import Api, Failed
from steps import NEEDED, STEPS


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("url")
    arguments.add_argument("--socket")
    arguments.add_argument("--buffered", action="store_true")
    arguments = arguments.parse_args()
    api = Api(arguments.url.rstrip("/"), arguments.socket, not arguments.buffered)
    print(f"testing {api.url}")
    failed = 0
    for step in STEPS:
        name = step.__doc__.splitlines()[0].rstrip(".")
        began = time.monotonic()
        try:
            note = step(api)
            result = "ok"
        except Failed as failure:
            note, result, failed = str(failure), "FAILED", failed + 1
        except OSError as failure:
            note, result, failed = f"no answer: {failure}", "FAILED", failed + 1
        except Exception:
            note, result, failed = traceback.format_exc(), "FAILED", failed + 1
        print(f"{result:6} {name} ({time.monotonic() - began:.1f} s){f': {note}' if note else ''}", flush=True)
        if result == "FAILED" and step in NEEDED:
            print("the rest needs this, so it was not tried")
            sys.exit(1)
    print(f"{len(STEPS) - failed} of {len(STEPS)} hold")
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
