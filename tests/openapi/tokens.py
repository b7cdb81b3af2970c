"""User tokens, as a site signs them."""

import base64
import hashlib
import hmac
import json


def user_token(claims, secret):
    text = b".".join(_encoded(json.dumps(part).encode()) for part in ({"alg": "HS256", "typ": "JWT"}, claims))
    return (text + b"." + _encoded(hmac.digest(secret.encode(), text, hashlib.sha256))).decode()


def _encoded(part):
    return base64.urlsafe_b64encode(part).rstrip(b"=")
