"""Every method of the API: which function answers it, and whether it streams."""

import json
import tomllib

from .template import ROOT

# Each path also has OPTIONS, for the same function.
ROUTES = {
    ("POST", "/api/chatkit/start"): "Start",
    ("POST", "/api/chatkit/session"): "Start",
    ("POST", "/api/chatkit/refresh"): "Refresh",
    ("POST", "/api/chatkit/logout"): "Refresh",
    ("POST", "/chatkit"): "Chat",
    ("POST", "/chatkit/attachments"): "Chat",
    ("GET", "/chatkit/threads/{thread}/run"): "Chat",
    ("DELETE", "/chatkit/threads/{thread}/run"): "Chat",
    ("POST", "/api/chat"): "Chat",
    ("GET", "/api/analytics"): "Analytics",
    ("GET", "/api/usage/me"): "Analytics",
    ("GET", "/health"): "Analytics",
    ("POST", "/api/auth/chat-token"): "Auth",
    ("GET", "/auth/login"): "Auth",
    ("GET", "/auth/callback"): "Auth",
    ("POST", "/auth/logout"): "Auth",
}
STREAMING = "Chat"
# Open to everyone, so throttled on their own.
SESSIONS = [
    *(("POST", f"/api/chatkit/{name}") for name in ("start", "session", "refresh", "logout")),
    ("POST", "/api/auth/chat-token"),
    ("GET", "/auth/login"),
    ("GET", "/auth/callback"),
    ("POST", "/auth/logout"),
]


def errors(template):
    found = methods(template)
    expected = ROUTES | {("OPTIONS", path): function for (_, path), function in ROUTES.items()}
    for route in sorted(found.keys() ^ expected.keys()):
        yield f"{route} is only in the template, or only expected"
    for route in sorted(found.keys() & expected.keys()):
        for provisioned in (0, 1):
            integration = template.with_parameters(found[route], ChatProvisionedConcurrency=provisioned)
            yield from of_integration(route, integration, expected[route], bool(provisioned))
    yield from of_permissions(template, expected)
    yield from of_api(template)
    yield from of_socket(template)
    local = tomllib.loads((ROOT / "Cargo.toml").read_text())["workspace"]["metadata"]["lambda"]["watch"]["router"]
    known = {path: function.lower() for (_, path), function in ROUTES.items()}
    for path in sorted(known.keys() | local.keys()):
        if local.get(path) != known.get(path):
            yield f"Cargo.toml: the router of `cargo lambda watch` has {local.get(path)} for {path}"


def methods(template):
    """The integration of each method, by method and path."""
    (api,) = template.of_type("AWS::ApiGateway::RestApi").values()
    return {
        (method.upper(), path): description["x-amazon-apigateway-integration"]
        for path, by_method in api["Properties"]["Body"]["paths"].items()
        for method, description in by_method.items()
        if method != "parameters"
    }


def of_integration(route, integration, function, provisioned):
    streams = function == STREAMING
    version, action = ("2021-11-15", "response-streaming-invocations") if streams else ("2015-03-31", "invocations")
    kept_ready = streams and provisioned
    target = "${Alias}" if kept_ready else f"${{{function}Function.Arn}}"
    expected = f":lambda:path/{version}/functions/{target}/{action}"
    uri = integration["uri"]["Fn::Sub"]
    if kept_ready:
        uri, names = uri
        # By reference, so that CloudFormation creates the alias first.
        if names != {"Alias": {"Ref": "ChatAlias"}}:
            yield f"{route}: the integration is of {names}"
    if not uri.endswith(expected):
        yield f"{route}: the integration is {uri}, not …{expected}"
    if integration["type"] != "aws_proxy" or integration["httpMethod"] != "POST":
        yield f"{route}: the integration is not a Lambda proxy"
    mode, timeout = ("STREAM", 900_000) if streams else (None, None)
    if (integration.get("responseTransferMode"), integration.get("timeoutInMillis")) != (mode, timeout):
        yield f"{route}: transfer mode and timeout are not {mode} and {timeout}"


def of_permissions(template, expected):
    """Only API Gateway may call the functions."""
    called = set()
    for name, permission in template.of_type("AWS::Lambda::Permission").items():
        properties = permission["Properties"]
        # Secrets Manager calls the rotation function; it can name its account only.
        bound = "SourceAccount" if properties["Principal"] == "secretsmanager.amazonaws.com" else "SourceArn"
        if properties["Action"] != "lambda:InvokeFunction" or bound not in properties:
            yield f"{name} admits callers other than the API"
        if properties["Principal"] == "apigateway.amazonaws.com":
            match properties["FunctionName"]:
                case {"Ref": name} | {"Fn::GetAtt": [name, "Arn"]}:
                    called.add(name)
                case other:
                    yield f"{name} is for {other}"
    needed = {f"{function}Function" for function in expected.values()} | {"ChatAlias", "SocketFunction"}
    if called != needed:
        yield f"the API may call {sorted(called)}, not {sorted(needed)}"


def of_socket(template):
    """All WebSocket routes lead to one function, which checks the token of `$connect` itself. The parameter `WebSocket`
    creates all of these resources or none."""
    found = {route["Properties"]["RouteKey"] for route in template.of_type("AWS::ApiGatewayV2::Route").values()}
    if found != {"$connect", "$default", "$disconnect"}:
        yield f"the routes of the WebSocket API are {sorted(found)}"
    (integration,) = template.of_type("AWS::ApiGatewayV2::Integration").values()
    if "${SocketFunction.Arn}" not in integration["Properties"]["IntegrationUri"]["Fn::Sub"]:
        yield "the WebSocket API leads elsewhere than to SocketFunction"
    (stage,) = template.of_type("AWS::ApiGatewayV2::Stage").values()
    if stage["Properties"]["AccessLogSettings"]["DestinationArn"] != {"Fn::GetAtt": ["ApiLogs", "Arn"]}:
        yield "the stage of the WebSocket API does not log, or does not wait for the account's role for logs"
    if stage["Properties"]["RouteSettings"]["$connect"]["ThrottlingRateLimit"] != {"Ref": "SessionRate"}:
        yield "connections are not throttled as sessions are"
    for name, resource in template.resources.items():
        if name.startswith("Socket") and resource.get("Condition") not in ("HasSocket", "AlarmsOfSocket"):
            yield f"{name}: exists without the WebSocket API"
    # The second try tells the client that the first has died. The code remembers the first one for an hour.
    (retries,) = template.of_type("AWS::Lambda::EventInvokeConfig").values()
    retries, longest = retries["Properties"], template.properties("SocketFunction")["Timeout"] + 60
    if retries["MaximumRetryAttempts"] != 1 or not longest < retries["MaximumEventAgeInSeconds"] < 3600:
        yield f"SocketFunction: is retried {retries}"


def of_api(template):
    (api,) = template.of_type("AWS::ApiGateway::RestApi").values()
    (stage,) = template.of_type("AWS::ApiGateway::Stage").values()
    if api["Properties"]["EndpointConfiguration"] != {"Types": ["REGIONAL"]}:
        yield "the API is not regional"
    for domain, cloudfront, is_off in (("", "false", False), ("a.example", "false", True), ("a.example", "true", False)):
        endpoint = template.with_parameters(api["Properties"]["Body"], DomainName=domain, CloudFront=cloudfront)
        if endpoint["servers"][0]["x-amazon-apigateway-endpoint-configuration"]["disableExecuteApiEndpoint"] is not is_off:
            yield f"with DomainName `{domain}` and CloudFront {cloudfront} AWS's own address of the API is {'on' if is_off else 'off'}"
    if api["Properties"]["BinaryMediaTypes"] != ["multipart~1form-data"]:
        yield "the API's binary media types are not exactly multipart/form-data"
    if stage["Properties"]["AccessLogSetting"]["DestinationArn"] != {"Fn::GetAtt": ["ApiLogs", "Arn"]}:
        yield "the stage does not log, or does not wait for the account's role for logs"
    if '{"Ref": "ApiLogsAccount"}' not in json.dumps(template.properties("ApiLogs")["Tags"]):
        yield "ApiLogs: does not wait for the account's role for logs"
    settings = {(each["HttpMethod"], each["ResourcePath"]): each for each in stage["Properties"]["MethodSettings"]}
    expected = {("*", "/*"): "Api"} | {(method, "/" + path.replace("/", "~1")): "Session" for method, path in SESSIONS}
    if settings.keys() != expected.keys():
        yield f"method settings are for {sorted(settings)}, not {sorted(expected)}"
    for route, prefix in expected.items():
        setting = settings.get(route, {})
        limits = (setting.get("ThrottlingRateLimit"), setting.get("ThrottlingBurstLimit"))
        if limits != ({"Ref": f"{prefix}Rate"}, {"Ref": f"{prefix}Burst"}):
            yield f"{route}: is throttled by {limits}"
        # Metrics of each method are paid for, and nothing looks at them.
        if setting.get("MetricsEnabled") is not False:
            yield f"{route}: has detailed metrics"
        # Either of them would log tokens.
        if setting.get("LoggingLevel") != "OFF" or setting.get("DataTraceEnabled") is not False:
            yield f"{route}: API Gateway's own logging is not off"
