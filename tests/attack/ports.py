"""Which ports a process listens on. On Linux; elsewhere it knows of none."""

import os
import re
from pathlib import Path

LISTENING = "0A"


def of(pid):
    sockets = {match[1] for link in links(pid) if (match := re.fullmatch(r"socket:\[(\d+)\]", link))}
    return sorted(port for name in ("tcp", "tcp6") for port, inode in listeners(pid, name) if inode in sockets)


def links(pid):
    for each in Path(f"/proc/{pid}/fd").glob("*"):
        try:
            yield os.readlink(each)
        except OSError:
            continue


def listeners(pid, name):
    path = Path(f"/proc/{pid}/net/{name}")
    for line in path.read_text().splitlines()[1:] if path.exists() else []:
        _, address, _, state, *_, inode = line.split()[:10]
        if state == LISTENING:
            yield int(address.rpartition(":")[2], 16), inode
