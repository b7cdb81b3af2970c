"""Which ports a process listens on. On Linux; elsewhere it knows of none."""

import os
import re
from pathlib import Path

LISTENING = "0A"


LOOPBACK = {"0100007F", "00000000000000000000000001000000"}


def of(pid):
    return sorted(port for _, port in found(pid))


def beyond_loopback(pid):
    """Those that other machines reach, too."""
    return sorted(port for address, port in found(pid) if address not in LOOPBACK)


def found(pid):
    sockets = {match[1] for link in links(pid) if (match := re.fullmatch(r"socket:\[(\d+)\]", link))}
    listening = [each for name in ("tcp", "tcp6") for each in listeners(pid, name)]
    return [(address, port) for address, port, inode in listening if inode in sockets]


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
            host, _, port = address.partition(":")
            yield host, int(port, 16), inode
