"""The server that is attacked, and the people who use it."""

import base64
import hmac
import http.client
import io
import json
import os
import re
import socket
import ssl
import subprocess
import time
import uuid
from contextlib import contextmanager, suppress
from functools import cached_property
from urllib.parse import urlsplit

from .attack import Answer

ORIGIN = "https://www.example.com"
ISSUER = "https://site.example"
AUDIENCE = "chat"
JWT_SECRET = "attack-the-secret-of-the-site-0123456789"
SIGNING_SECRET = "attack-the-signing-secret-of-the-server-0123456789"
# In what Alice writes and names. Nobody else may see it.
PRIVATE = "alices-private-words"

VARIABLES = {
    "AUTH_MODE": "jwt,anonymous",
    "JWT_SECRET": JWT_SECRET,
    "JWT_ISSUER": ISSUER,
    "JWT_AUDIENCE": AUDIENCE,
    "SESSION_SIGNING_SECRET": SIGNING_SECRET,
    "ALLOWED_ORIGINS": ORIGIN,
    "LIMIT_ADDRESS_BURST": "0",
    "LIMIT_USER_TURNS_PER_MINUTE": "0",
    "LIMIT_USER_REQUESTS_PER_MINUTE": "0",
    "LIMIT_USER_TOKENS_PER_HOUR": "0",
    "LIMIT_ADDRESS_TOKENS_PER_HOUR": "0",
    "LIMIT_USER_ACTIONS_PER_MINUTE": "0",
    "LIMIT_ADDRESS_REQUESTS_PER_MINUTE": "0",
    "LIMIT_USER_UPLOAD_MB_PER_HOUR": "0",
    "LIMIT_ADDRESS_UPLOAD_MB_PER_HOUR": "0",
    "LIMIT_TENANT_UPLOAD_MB_PER_DAY": "0",
}
TIMEOUT_SECONDS = 30
# Where no answer may be an answer.
RAW_TIMEOUT_SECONDS = 3


class World:
    def __init__(self, url, process=None, jwt_secret=None, issuer=None, audience=None):
        self.url = url
        self.process = process
        self.jwt_secret, self.issuer, self.audience = jwt_secret, issuer, audience
        self.parts = urlsplit(url)
        # The line that says that it is ready.
        self.printed = ""

    @property
    def is_ours(self):
        return self.process is not None

    # Requests

    def send(self, attack):
        """Sends exactly what the attack says, which no library for HTTP would."""
        with self.connect(attack.port) as connection:
            connection.settimeout(RAW_TIMEOUT_SECONDS if attack.raw else TIMEOUT_SECONDS)
            # The server may refuse before it has read everything.
            with suppress(OSError):
                connection.sendall(attack.raw or self.bytes_of(attack))
            return answer(connection, attack.method, is_one=attack.raw is None)

    def connect(self, port=None):
        port = port or self.parts.port or (443 if self.parts.scheme == "https" else 80)
        connection = socket.create_connection((self.parts.hostname, port), TIMEOUT_SECONDS)
        if self.parts.scheme == "https":
            return ssl.create_default_context().wrap_socket(connection, server_hostname=self.parts.hostname)
        return connection

    def bytes_of(self, attack):
        body = attack.body
        headers = list(attack.headers)
        names = {name.lower() for name, _ in headers}
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
            if "content-type" not in names:
                headers.append(("content-type", "application/json"))
        if body is not None and not names & {"content-length", "transfer-encoding"}:
            headers.append(("content-length", str(len(body))))
        if "host" not in names:
            headers.insert(0, ("host", self.parts.netloc))
        if "connection" not in names:
            headers.append(("connection", "close"))
        head = [
            f"{attack.method} {self.parts.path}{attack.path} HTTP/1.1",
            *(f"{name}: {value}" for name, value in headers),
        ]
        return "\r\n".join([*head, "", ""]).encode() + (body or b"")

    def call(self, method, path, body=None, token=None):
        """A request that is none of the attacks, and must succeed."""
        from .attack import Attack

        answered = self.send(Attack("", method, path, bearer(token) if token else [], body))
        if answered.status != 200:
            raise RuntimeError(f"{method} {path}: {answered.status} {answered.body[:300]}")
        return answered

    def chatkit(self, token, operation, **params):
        return self.call("POST", "/chatkit", {"type": operation, "params": params}, token)

    # People

    def claims(self, user, **changes):
        now = int(time.time())
        claims = {"sub": user, "iss": self.issuer, "aud": self.audience, "iat": now, "exp": now + 600} | changes
        return {name: value for name, value in claims.items() if value is not None}

    def user_token(self, user, **changes):
        return signed(self.claims(user, **changes), self.jwt_secret)

    def person(self, name):
        """The token of somebody new: a user's session token, or a visitor's where no user token can be signed."""
        token = self.user_token(f"{name}-{uuid.uuid4()}") if self.jwt_secret else None
        return self.call("POST", "/api/chatkit/start", {}, token).json()["client_secret"]

    @cached_property
    def alice(self):
        return self.person("alice")

    @cached_property
    def bob(self):
        return self.person("bob")

    @cached_property
    def alices(self):
        """A thread of Alice's, with the ids of what is in it."""
        message = {"content": [{"type": "input_text", "text": f"Please refuse {PRIVATE}"}]}
        stream = self.chatkit(self.alice, "threads.create", input=message).body.decode()
        events = [json.loads(line[6:]) for line in stream.split("\n") if line.startswith("data: ")]
        positions = [line[4:] for line in stream.split("\n") if line.startswith("id: ")]
        items = [event["item"]["id"] for event in events if event["type"] == "thread.item.done"]
        thread = events[0]["thread"]["id"]
        self.chatkit(self.alice, "threads.update", thread_id=thread, title=PRIVATE)
        return Alices(thread, items[0], items[1], positions[0])


class Alices:
    def __init__(self, thread, message, answer, position):
        self.thread, self.message, self.answer, self.position = thread, message, answer, position


def answer(connection, method, is_one=True):
    """What comes until the connection is closed, or until one answer is there where there may be only one."""
    received = part = b""
    try:
        while (part := connection.recv(65536)) and not (is_one and is_whole(received + part)):
            received += part
        received += part
    except (ConnectionError, TimeoutError):
        pass
    response = http.client.HTTPResponse(Received(received), method=method)
    try:
        response.begin()
        body = response.read()
    except http.client.HTTPException as error:
        return Answer(0, [], repr(error).encode(), received)
    return Answer(response.status, [(name.lower(), value) for name, value in response.getheaders()], body, received)


def is_whole(received):
    head, _, body = received.partition(b"\r\n\r\n")
    length = re.search(rb"\r\ncontent-length: (\d+)", head, re.IGNORECASE)
    return length is not None and len(body) >= int(length[1])


class Received:
    """What has come, as `http.client` wants to read it."""

    def __init__(self, received):
        self.received = received

    def makefile(self, _):
        return io.BytesIO(self.received)


def bearer(token):
    return [("authorization", f"Bearer {token}")]


def signed(claims, secret, algorithm="sha256", **header):
    header = {"alg": "HS256", "typ": "JWT"} | header
    text = f"{encoded(header)}.{encoded(claims)}"
    return f"{text}.{base64_of(hmac.digest(secret.encode(), text.encode(), algorithm))}"


def encoded(part):
    return base64_of(part if isinstance(part, bytes) else json.dumps(part).encode())


def base64_of(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decoded(part):
    return json.loads(base64.urlsafe_b64decode(part + "=="))


def kept():
    return {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}


@contextmanager
def started(server, variables, *arguments):
    """A server of our own, which stores nothing."""
    command = [server, "--memory", "--port", "0", *arguments]
    environment = {name: value for name, value in (VARIABLES | variables).items() if value is not None}
    process = subprocess.Popen(
        command, env=kept() | environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    try:
        printed = next(line for line in process.stdout if line.startswith(("listening on ", ". ")))
        # The backends alone have no address of their own.
        url = printed.removeprefix("listening on ").strip() if printed.startswith("l") else "http://127.0.0.1"
        url = url.replace("0.0.0.0", "127.0.0.1")
        world = World(url, process, JWT_SECRET, ISSUER, AUDIENCE)
        world.printed = printed
        yield world
    finally:
        process.kill()
        process.wait()


def elsewhere(url):
    """A server at an address; the site's secret, if there is one, is in the environment."""
    return World(
        url.rstrip("/"), None, *(os.environ.get(name) for name in ("JWT_SECRET", "JWT_ISSUER", "JWT_AUDIENCE"))
    )
