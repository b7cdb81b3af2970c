"""Requests to the stack, and what comes back when."""

import base64
import hashlib
import hmac
import http.client
import json
import os
import time
import uuid
from dataclasses import dataclass, field
from urllib.parse import urlsplit

# Seconds of silence after which a stream counts as dead: it says something every ten.
SILENCE = 30


class Failed(Exception):
    """Something is not as promised; the text says what."""


def check(condition, text):
    if not condition:
        raise Failed(text)


@dataclass
class Answer:
    status: int
    headers: dict
    body: object


@dataclass
class Stream:
    """The events of a turn, each with the seconds from the request to its arrival."""

    status: int
    headers: dict
    events: list = field(default_factory=list)

    def of_type(self, kind):
        return [event for _, event in self.events if event["type"] == kind]

    def text(self):
        """The answer as its pieces make it."""
        return "".join(each["update"]["delta"] for each in self.updates("assistant_message.content_part.text_delta"))

    def updates(self, kind):
        return [each for each in self.of_type("thread.item.updated") if each["update"]["type"] == kind]

    def times(self, kind):
        return [at for at, each in self.events if each.get("update", {}).get("type") == kind]


class Api:
    """The stack: the address of its API, that of its WebSocket API if there is one to try, and whether answers come
    as they are made."""

    def __init__(self, url, socket_url=None, streams=True):
        self.url = url
        self.socket_url = socket_url
        self.streams = streams
        self.parts = urlsplit(url)

    def request(self, method, path, body=None, token=None, headers=None):
        connection, response = self._send(method, path, body, token, headers)
        try:
            text = response.read()
        finally:
            connection.close()
        is_json = response.headers.get_content_type() == "application/json"
        return Answer(response.status, dict(response.headers.items()), json.loads(text) if is_json and text else text)

    def chatkit(self, token, operation, **params):
        """An operation that answers with a document."""
        return self.request("POST", "/chatkit", {"type": operation, "params": params}, token)

    def stream(self, token, operation, **params):
        began = time.monotonic()
        connection, response = self._send("POST", "/chatkit", {"type": operation, "params": params}, token, None)
        stream = Stream(response.status, dict(response.headers.items()))
        try:
            if response.headers.get_content_type() != "text/event-stream":
                raise Failed(f"{operation} answers {response.status} {response.read()[:300]}")
            for line in response:
                if line.startswith(b"data: "):
                    stream.events.append((time.monotonic() - began, json.loads(line[6:])))
        finally:
            connection.close()
        return stream

    def _send(self, method, path, body, token, headers):
        kind = http.client.HTTPSConnection if self.parts.scheme == "https" else http.client.HTTPConnection
        connection = kind(self.parts.netloc, timeout=SILENCE)
        headers = dict(headers or {})
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
        if body is not None:
            headers.setdefault("content-type", "application/json")
        if token:
            headers["authorization"] = f"Bearer {token}"
        connection.request(method, self.parts.path + path, body, headers)
        return connection, connection.getresponse()


def user_token(name):
    """What the site says of a user, or None for a visitor."""
    variable = "USER_TOKEN" if name == "one" else "OTHER_USER_TOKEN"
    if token := os.environ.get(variable):
        return token
    secret = os.environ.get("JWT_SECRET")
    return signed({"sub": f"test-{name}-{uuid.uuid4()}", "exp": int(time.time()) + 600}, secret) if secret else None


def signed(claims, secret):
    for claim, variable in {"iss": "JWT_ISSUER", "aud": "JWT_AUDIENCE"}.items():
        if value := os.environ.get(variable):
            claims[claim] = value
    text = b".".join(encoded(json.dumps(part).encode()) for part in ({"alg": "HS256", "typ": "JWT"}, claims))
    return (text + b"." + encoded(hmac.digest(secret.encode(), text, hashlib.sha256))).decode()


def encoded(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=")
