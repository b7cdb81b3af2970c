"""Requests signed for S3 by whoever knows a key (Signature Version 4, in the query)."""

import hashlib
import hmac
import time
from urllib.parse import quote

REGION = "us-east-1"


def signed_path(method, host, path, key_id, secret, query=None):
    now = time.gmtime()
    date, moment = time.strftime("%Y%m%d", now), time.strftime("%Y%m%dT%H%M%SZ", now)
    scope = f"{date}/{REGION}/s3/aws4_request"
    fields = {
        "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
        "X-Amz-Credential": f"{key_id}/{scope}",
        "X-Amz-Date": moment,
        "X-Amz-Expires": "600",
        "X-Amz-SignedHeaders": "host",
        **(query or {}),
    }
    text = "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in sorted(fields.items()))
    request = f"{method}\n{path}\n{text}\nhost:{host}\n\nhost\nUNSIGNED-PAYLOAD"
    to_sign = f"AWS4-HMAC-SHA256\n{moment}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
    key = f"AWS4{secret}".encode()
    for part in (date, REGION, "s3", "aws4_request"):
        key = hmac.digest(key, part.encode(), hashlib.sha256)
    return f"{path}?{text}&X-Amz-Signature={hmac.digest(key, to_sign.encode(), hashlib.sha256).hex()}"
