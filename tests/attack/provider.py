"""An OpenID provider on this machine, which does what an attack needs of it."""

import hashlib
import json
import secrets
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from .world import base64_of, encoded

CLIENT_ID = "the-chat"
CLIENT_SECRET = "attack-the-secret-of-the-client-0123456789"
# The curve P-256: its field, and its base point with the number of its multiples.
FIELD = 2**256 - 2**224 + 2**192 + 2**96 - 1
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
BASE = (
    0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
    0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
)


class Provider:
    def __init__(self, **document):
        """With other values for what its discovery document says."""
        self.key = secrets.randbelow(ORDER - 1) + 1
        self.codes = {}
        # What the token endpoint was sent, and how the next ID token differs from a good one.
        self.asked = []
        self.claims, self.forge = {}, None
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler(self))
        self.issuer = f"http://127.0.0.1:{self.server.server_port}"
        self.document = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/jwks",
            "end_session_endpoint": f"{self.issuer}/end",
            "authorization_response_iss_parameter_supported": True,
        } | document
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def variables(self):
        return {
            "AUTH_MODE": "login",
            "OIDC_ISSUER": self.issuer,
            "OIDC_CLIENT_ID": CLIENT_ID,
            "OIDC_CLIENT_SECRET": CLIENT_SECRET,
        }

    def answer(self, location, user):
        """What the browser comes back with, when a user has signed in at the address where it was sent."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}
        code = secrets.token_urlsafe()
        self.codes[code] = asked | {"sub": user}
        return {"code": code, "state": asked["state"], "iss": self.issuer}

    def tokens(self, form):
        login = self.codes.pop(form.get("code"), None)
        verifier = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        if not login or login["code_challenge"] != base64_of(verifier):
            return 400, {"error": "invalid_grant", "error_description": "canary-of-the-provider"}
        now = int(time.time())
        claims = {"iss": self.issuer, "sub": login["sub"], "aud": CLIENT_ID, "iat": now, "exp": now + 300}
        claims |= {"nonce": login["nonce"]} | self.claims
        claims = {name: value for name, value in claims.items() if value is not None}
        return 200, {"id_token": (self.forge or self.sign)(claims), "access_token": "x", "token_type": "Bearer"}

    def sign(self, claims):
        """ES256, which the standard library does not have."""
        text = f"{encoded({'alg': 'ES256', 'kid': 'one'})}.{encoded(claims)}"
        digest = int.from_bytes(hashlib.sha256(text.encode()).digest(), "big")
        nonce = secrets.randbelow(ORDER - 1) + 1
        first = times(nonce, BASE)[0] % ORDER
        second = pow(nonce, -1, ORDER) * (digest + first * self.key) % ORDER
        return f"{text}.{base64_of(first.to_bytes(32, 'big') + second.to_bytes(32, 'big'))}"

    @property
    def jwks(self):
        x, y = (base64_of(each.to_bytes(32, "big")) for each in times(self.key, BASE))
        return {"keys": [{"kty": "EC", "crv": "P-256", "kid": "one", "alg": "ES256", "use": "sig", "x": x, "y": y}]}


def times(number, point):
    """A multiple of a point."""
    result = None
    for bit in f"{number:b}":
        result = result and plus(result, result)
        if bit == "1":
            result = plus(result, point) if result else point
    return result


def plus(one, other):
    if one == other:
        slope = 3 * (one[0] ** 2 - 1) * pow(2 * one[1], -1, FIELD)
    else:
        slope = (other[1] - one[1]) * pow(other[0] - one[0], -1, FIELD)
    x = (slope * slope - one[0] - other[0]) % FIELD
    return x, (slope * (one[0] - x) - one[1]) % FIELD


def handler(provider):
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.reply(200, provider.jwks if self.path == "/jwks" else provider.document)

        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"])).decode()
            form = {name: values[0] for name, values in parse_qs(body).items()}
            provider.asked.append(form)
            self.reply(*provider.tokens(form))

        def reply(self, status, document):
            body = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    return Handler
