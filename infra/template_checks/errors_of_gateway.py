"""The answers that API Gateway makes itself have the shape and the CORS headers of every other error."""

import json
import re

from .template import ROOT

# The statuses that the template sets; the two defaults keep their own.
STATUSES = {
    "MISSING_AUTHENTICATION_TOKEN": 404,
    "RESOURCE_NOT_FOUND": 404,
    "UNAUTHORIZED": 401,
    "INVALID_SIGNATURE": 404,
    "EXPIRED_TOKEN": 404,
    "ACCESS_DENIED": 403,
    "WAF_FILTERED": 403,
    "REQUEST_TOO_LARGE": 413,
    "UNSUPPORTED_MEDIA_TYPE": 415,
    "THROTTLED": 429,
    "QUOTA_EXCEEDED": 429,
    "INTEGRATION_FAILURE": 503,
    "INTEGRATION_TIMEOUT": 504,
    "DEFAULT_4XX": None,
    "DEFAULT_5XX": None,
}


def errors(template):
    (api,) = template.of_type("AWS::ApiGateway::RestApi").values()
    responses = api["Properties"]["Body"]["x-amazon-apigateway-gateway-responses"]
    if responses.keys() != STATUSES.keys():
        yield f"the answers {sorted(responses.keys() ^ STATUSES.keys())} are only in the template, or only expected"
    codes = documented_codes()
    for kind, response in responses.items():
        status = response.get("statusCode")
        if status != (STATUSES.get(kind) and str(STATUSES[kind])):
            yield f"{kind}: the status is {status}"
        ((media_type, body),) = response["responseTemplates"].items()
        body = json.loads(body)
        if media_type != "application/json" or list(body) != ["error", "message", "request_id"]:
            yield f"{kind}: the body has another shape"
        if body["request_id"] != "$context.requestId":
            yield f"{kind}: the body does not name the request"
        if status and codes.get(body["error"]) != int(status):
            yield f"{kind}: docs/src/http-api.md does not have {body['error']} with {status}"
        yield from of_headers(template, kind, response["responseParameters"])


# What every answer of the functions has, too (shared/src/http/request.rs); the policy is written without quotes.
SECURITY = {
    "Cache-Control": "'no-store'",
    "Content-Security-Policy": "'sandbox'",
    "Referrer-Policy": "'no-referrer'",
    "Strict-Transport-Security": "'max-age=63072000; includeSubDomains'",
    "X-Content-Type-Options": "'nosniff'",
    "X-Frame-Options": "'DENY'",
}


def of_headers(template, kind, headers):
    for name, value in SECURITY.items():
        if (found := headers.get(f"gatewayresponse.header.{name}")) != value:
            yield f"{kind}: the header {name} is {found}"
    if headers["gatewayresponse.header.X-Request-Id"] != "context.requestId":
        yield f"{kind}: the header `x-request-id` does not name the request"
    if kind in ("THROTTLED", "QUOTA_EXCEEDED", "INTEGRATION_FAILURE") and "gatewayresponse.header.Retry-After" not in headers:
        yield f"{kind}: has no `retry-after`"
    name = "gatewayresponse.header.Access-Control-Allow-Origin"
    one = {"Fn::Sub": ["'${Origin}'", {"Origin": "https://a.example"}]}
    expected = {"": None, "https://a.example": one, "https://a.example,https://b.example": "'*'"}
    for origins, value in expected.items():
        if (found := template.with_parameters(headers, AllowedOrigins=origins).get(name)) != value:
            yield f"{kind}: with AllowedOrigins `{origins}` the header is {found}"


def documented_codes():
    """The status of each documented code."""
    rows = re.findall(r"^\| `([a-z_]+)` \| (\d{3}) \|", (ROOT / "docs/src/http-api.md").read_text(), re.MULTILINE)
    return {code: int(status) for code, status in rows}
