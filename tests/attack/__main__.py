"""Attacks a server, and says what did not hold.

`python -m attack SERVER [GROUP...]` starts the program SERVER for each group, with the group's settings.
`python -m attack https://… [GROUP...]` attacks what runs at an address, with the groups that need no settings; the
secret that the site signs with is `JWT_SECRET` (and `JWT_ISSUER`, `JWT_AUDIENCE`), if there is one.
"""

import sys
import time
from contextlib import nullcontext

from . import bodies, cookies, files, framing, limits, local_server, origins, others, sessions, sign_in, tokens
from .attack import faults
from .world import JWT_SECRET, SIGNING_SECRET, elsewhere, started

GROUPS = {
    group.__name__.rpartition(".")[2]: group
    for group in [tokens, sessions, cookies, sign_in, origins, framing, bodies, others, limits, files, local_server]
}


def main(target, *names):
    is_address = target.startswith(("http://", "https://"))
    held = failed = 0
    for name in names or GROUPS:
        group = GROUPS[name]
        if is_address and not group.ANYWHERE:
            print(f"{name}: needs a server of its own")
            continue
        count = held + failed
        # A group may have parts with other settings.
        for variables, attacks, *arguments in [({}, group.attacks)] if is_address else group.PARTS:
            # What a group has started itself is known when it is needed.
            settings = variables() if callable(variables) else variables
            server = nullcontext(elsewhere(target)) if is_address else started(target, settings, *arguments)
            with server as world:
                for attack, problems in run(world, attacks):
                    failed, held = (failed + 1, held) if problems else (failed, held + 1)
                    if problems:
                        print(f"{name}: {attack.name}: {'; '.join(problems)}", flush=True)
        print(f"{name}: {held + failed - count} attacks", flush=True)
    print(f"{held} of {held + failed} attacks got the answer that they must get")
    return bool(failed)


def run(world, attacks):
    """Each attack with what is wrong with its answer. A group is sent the answers: the next attack may need them."""
    generator = attacks(world)
    attack = next(generator, None)
    while attack:
        answer = world.send(attack)
        if answer.status == 429 and attack.status != 429 and not world.is_ours:
            time.sleep(int(answer.header("retry-after") or 1))
            answer = world.send(attack)
        problems = list(faults(attack, answer, [JWT_SECRET, SIGNING_SECRET]))
        yield attack, [*problems, answer.received[:400].decode(errors="replace")] if problems else []
        try:
            attack = generator.send(answer)
        except StopIteration:
            return


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
