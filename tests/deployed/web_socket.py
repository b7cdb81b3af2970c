"""A client of the WebSocket API: text in frames, after RFC 6455. Python's library has none."""

import base64
import json
import os
import socket
import ssl
import struct
from urllib.parse import urlsplit

from client import SILENCE, Failed, check

TEXT, CLOSE, PING, PONG = 0x1, 0x8, 0x9, 0xA
LAST = 0x80
MASKED = 0x80
# Bytes of a frame that the API sends, at most.
LARGEST_FRAME = 32_000


class Refused(Exception):
    """The connection was not let in; `status` says how."""

    def __init__(self, status):
        super().__init__(f"the handshake was answered with {status}")
        self.status = status


class WebSocket:
    """An open connection; closed at the end of a `with`."""

    def __init__(self, url, protocols):
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "wss" else 80)
        self._socket = socket.create_connection((parts.hostname, port), timeout=SILENCE)
        if parts.scheme == "wss":
            self._socket = ssl.create_default_context().wrap_socket(self._socket, server_hostname=parts.hostname)
        self._reader = self._socket.makefile("rb")
        lines = [
            f"GET {parts.path or '/'} HTTP/1.1",
            f"Host: {parts.netloc}",
            "Upgrade: websocket",
            "Connection: Upgrade",
            "Sec-WebSocket-Version: 13",
            f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}",
        ]
        if protocols:
            lines.append(f"Sec-WebSocket-Protocol: {', '.join(protocols)}")
        self._socket.sendall("\r\n".join([*lines, "", ""]).encode())
        status, headers = self._answer()
        if status != 101:
            self._socket.close()
            raise Refused(status)
        # A browser closes a connection whose server has chosen none of the names that were offered.
        chosen = headers.get("sec-websocket-protocol")
        check(chosen == protocols[0], f"the server has chosen the subprotocol {chosen}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        try:
            self._write(CLOSE, struct.pack("!H", 1000))
        finally:
            self._socket.close()

    def send(self, message):
        self._write(TEXT, json.dumps(message).encode())

    def answers(self, ids):
        """The frames of the answers with these ids, until each has ended."""
        frames = {each: [] for each in ids}
        while not all(frames[each] and is_last(frames[each][-1]) for each in ids):
            frame = self._read()
            found = frames[frame["id"]]
            check(frame["seq"] == len(found), f"frame {frame['seq']} of `{frame['id']}` comes as number {len(found)}")
            found.append(frame)
        return frames

    def _answer(self):
        status = int(self._reader.readline().split()[1])
        headers = {}
        while line := self._reader.readline().strip():
            name, _, value = line.decode().partition(":")
            headers[name.lower()] = value.strip()
        return status, headers

    def _write(self, kind, data):
        """One whole frame. What a client sends is masked."""
        size = len(data)
        length = struct.pack("!B", MASKED | size) if size < 126 else struct.pack("!BH", MASKED | 126, size)
        mask = os.urandom(4)
        masked = bytes(byte ^ mask[index % 4] for index, byte in enumerate(data))
        self._socket.sendall(struct.pack("!B", LAST | kind) + length + mask + masked)

    def _read(self):
        """The next message, as JSON."""
        text = b""
        while True:
            head, size = self._reader.read(2)
            if size >= 126:
                (size,) = struct.unpack("!H" if size == 126 else "!Q", self._reader.read(2 if size == 126 else 8))
            data, kind = self._reader.read(size), head & 0xF
            if kind == PING:
                self._write(PONG, data)
            elif kind == CLOSE:
                raise Failed("the server has closed the connection")
            elif kind != PONG:
                text += data
                if head & LAST:
                    check(len(text) <= LARGEST_FRAME, f"a frame has {len(text)} bytes")
                    return json.loads(text)


def is_last(frame):
    return bool(frame.keys() & {"done", "reply", "error"})
