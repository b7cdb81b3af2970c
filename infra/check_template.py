"""Checks what `sam validate --lint` lets through: which methods really stream, and what each function may do.

Runs the SAM translator on `template.yaml`, as CloudFormation does when it deploys, and looks at the result.
Needs the packages `aws-sam-translator` and `cfn-lint`, which `aws-sam-cli` brings: `python infra/check_template.py`.
"""

import logging
import os
import sys
import tomllib
from pathlib import Path

from cfnlint.decode.cfn_yaml import load as load_template
from samtranslator.translator.transform import transform

ROOT = Path(__file__).resolve().parent.parent

# Every method of the API, by path: its function, and whether it streams. Each path also has OPTIONS.
ROUTES = {
    ("POST", "/api/chatkit/start"): ("Start", False),
    ("POST", "/api/chatkit/session"): ("Start", False),
    ("POST", "/api/chatkit/refresh"): ("Refresh", False),
    ("POST", "/chatkit"): ("Chat", True),
    ("POST", "/api/chat"): ("Chat", True),
    ("GET", "/api/analytics"): ("Analytics", False),
    ("GET", "/api/usage/me"): ("Analytics", False),
    ("GET", "/health"): ("Analytics", False),
}

# All that each function may do, by table or secret.
PERMISSIONS = {
    "Start": {
        "CountersTable": {"dynamodb:PutItem", "dynamodb:UpdateItem"},
        "SessionSigningSecret": {"secretsmanager:GetSecretValue"},
        "OpenAiSecret in hosted mode": {"secretsmanager:GetSecretValue"},
    },
    "Refresh": {
        "CountersTable": {"dynamodb:DeleteItem", "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"},
        "SessionSigningSecret": {"secretsmanager:GetSecretValue"},
        "OpenAiSecret in hosted mode": {"secretsmanager:GetSecretValue"},
    },
    "Chat": {
        "ThreadsTable": {
            "dynamodb:BatchWriteItem",
            "dynamodb:DeleteItem",
            "dynamodb:GetItem",
            "dynamodb:PutItem",
            "dynamodb:Query",
            "dynamodb:UpdateItem",
        },
        "CountersTable": {"dynamodb:GetItem", "dynamodb:UpdateItem"},
        "UsageTable": {"dynamodb:PutItem", "dynamodb:UpdateItem"},
        "SessionSigningSecret": {"secretsmanager:GetSecretValue"},
        "OpenAiSecret": {"secretsmanager:GetSecretValue"},
    },
    "Analytics": {
        "UsageTable": {"dynamodb:Query"},
        "CountersTable": {"dynamodb:GetItem"},
        "SessionSigningSecret": {"secretsmanager:GetSecretValue"},
    },
}


class BasicRoleOnly:
    """The names of managed policies that the translator may look up; it needs none."""

    def load(self):
        return {}


def transformed():
    template = load_template(str(ROOT / "template.yaml"))
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            # As `sam deploy` leaves it.
            resource["Properties"]["CodeUri"] = "s3://bucket/code.zip"
    os.environ["AWS_DEFAULT_REGION"] = "us-east-1"
    return transform(template, {}, BasicRoleOnly())["Resources"]


def methods(resources):
    """The integration of each method, by method and path."""
    (api,) = [each for each in resources.values() if each["Type"] == "AWS::ApiGateway::RestApi"]
    return {
        (method.upper(), path): description["x-amazon-apigateway-integration"]
        for path, by_method in api["Properties"]["Body"]["paths"].items()
        for method, description in by_method.items()
    }


def expected_methods():
    options = {("OPTIONS", path): target for (_, path), target in ROUTES.items()}
    return ROUTES | options


def integration_errors(route, integration, function, streams):
    version, action = ("2021-11-15", "response-streaming-invocations") if streams else ("2015-03-31", "invocations")
    uri = (
        "arn:aws:apigateway:${AWS::Region}:lambda:path/"
        f"{version}/functions/${{{function}Function.Arn}}/{action}"
    )
    if integration["uri"] != {"Fn::Sub": uri}:
        yield f"{route}: the integration is {integration['uri']}, not {uri}"
    mode = "STREAM" if streams else None
    if integration.get("responseTransferMode") != mode:
        yield f"{route}: the transfer mode is {integration.get('responseTransferMode')}, not {mode}"
    timeout = 900_000 if streams and route[0] == "POST" else None
    if integration.get("timeoutInMillis") != timeout:
        yield f"{route}: the timeout is {integration.get('timeoutInMillis')}, not {timeout}"


def name_of(resource):
    """A table or secret as `PERMISSIONS` names it; anything else, such as `*`, as it stands in the template."""
    match resource:
        case {"Ref": name} | {"Fn::GetAtt": [name, "Arn"]}:
            return name
        case {"Fn::If": ["IsHosted", {"Ref": name}, {"Ref": "AWS::NoValue"}]}:
            return f"{name} in hosted mode"
        case other:
            return str(other)


def permissions(role):
    found = {}
    for policy in role["Properties"]["Policies"]:
        for statement in policy["PolicyDocument"]["Statement"]:
            actions, targets = statement["Action"], statement["Resource"]
            actions = [actions] if isinstance(actions, str) else actions
            targets = targets if isinstance(targets, list) else [targets]
            for target in targets:
                found.setdefault(name_of(target), set()).update(actions)
    return found


def local_routes():
    """The function of each method under `cargo lambda watch`."""
    manifest = tomllib.loads((ROOT / "Cargo.toml").read_text())
    return manifest["workspace"]["metadata"]["lambda"]["watch"]["router"]


def errors():
    resources = transformed()
    found = methods(resources)
    expected = expected_methods()
    for route in found.keys() ^ expected.keys():
        yield f"{route}: in the template or expected, not both"
    for route in found.keys() & expected.keys():
        yield from integration_errors(route, found[route], *expected[route])
    for function, expected_permissions in PERMISSIONS.items():
        role = resources[f"{function}FunctionRole"]
        if permissions(role) != expected_permissions:
            yield f"{function}: may {permissions(role)}, not {expected_permissions}"
        (managed,) = role["Properties"]["ManagedPolicyArns"]
        if not managed.endswith(":policy/service-role/AWSLambdaBasicExecutionRole"):
            yield f"{function}: has the managed policy {managed}"
    if local_routes() != {path: function.lower() for (_, path), (function, _) in ROUTES.items()}:
        yield f"Cargo.toml: the router of `cargo lambda watch` is {local_routes()}"


if __name__ == "__main__":
    logging.disable(logging.WARNING)
    found = sorted(errors())
    print("\n".join(found) or "template.yaml: methods and permissions are as they should be")
    sys.exit(bool(found))
