"""The rotation function, run step by step as Secrets Manager does, against a small fake of Secrets Manager."""

import sys
from types import ModuleType, SimpleNamespace


class NotFound(Exception):
    pass


class Manager:
    """The calls the function makes; versions by id, each with its value and stages."""

    exceptions = SimpleNamespace(ResourceNotFoundException=NotFound)

    def __init__(self):
        self.versions = {"old": {"value": "o" * 64, "stages": ["AWSCURRENT"]}}

    def describe_secret(self, SecretId):
        return {"VersionIdsToStages": {key: each["stages"] for key, each in self.versions.items()}}

    def get_secret_value(self, SecretId, VersionId, VersionStage):
        version = self.versions.get(VersionId)
        if version is None or version["value"] is None or VersionStage not in version["stages"]:
            raise NotFound
        return {"SecretString": version["value"]}

    def put_secret_value(self, SecretId, ClientRequestToken, SecretString, VersionStages):
        if ClientRequestToken in self.versions:
            raise ValueError("a version cannot be written twice")
        self.versions[ClientRequestToken] = {"value": SecretString, "stages": VersionStages}

    def update_secret_version_stage(self, SecretId, VersionStage, MoveToVersionId, RemoveFromVersionId):
        self.versions[RemoveFromVersionId]["stages"] = ["AWSPREVIOUS"]
        self.versions[MoveToVersionId]["stages"] = ["AWSCURRENT"]


def errors(template):
    manager = Manager()
    handler = load(template, manager)

    def run(*steps):
        for step in steps:
            handler({"SecretId": "secret", "ClientRequestToken": "new", "Step": step}, None)

    # Each step may run twice: Secrets Manager repeats it after a failure.
    run("createSecret")
    made = manager.versions["new"]["value"]
    run("createSecret", "setSecret", "testSecret", "finishSecret", "finishSecret", "createSecret")
    if manager.versions["new"] != {"value": made, "stages": ["AWSCURRENT"]}:
        yield f"after a rotation the new version is {manager.versions['new']['stages']}, or was written twice"
    if manager.versions["old"]["stages"] != ["AWSPREVIOUS"]:
        yield f"after a rotation the old version is {manager.versions['old']['stages']}"
    if len(made) < 64 or made == manager.versions["old"]["value"]:
        yield "the new value is too short, or the old one"
    other = load(template, manager := Manager())
    manager.versions["short"] = {"value": "s", "stages": ["AWSPENDING"]}
    try:
        other({"SecretId": "secret", "ClientRequestToken": "short", "Step": "testSecret"}, None)
        yield "a value that is too short passes its test"
    except ValueError:
        pass
    # What Secrets Manager makes and tests when a schedule is made.
    manager.versions["empty"] = {"value": None, "stages": ["AWSPENDING"]}
    other({"SecretId": "secret", "ClientRequestToken": "empty", "Step": "testSecret"}, None)
    try:
        other({"SecretId": "secret", "ClientRequestToken": "empty", "Step": "finishSecret"}, None)
        yield "a version without a value becomes the key"
    except ValueError:
        pass
    schedule = template.properties("SessionSigningRotation")
    if schedule["RotateImmediatelyOnUpdate"] is not False:
        yield "a deployment replaces the key"


def load(template, manager):
    """The function's handler, with this Secrets Manager."""
    boto3 = ModuleType("boto3")
    boto3.client = lambda service: {"secretsmanager": manager}[service]
    kept = sys.modules.get("boto3")
    sys.modules["boto3"] = boto3
    try:
        scope = {}
        exec(template.properties("RotationFunction")["Code"]["ZipFile"], scope)
        return scope["handler"]
    finally:
        sys.modules.pop("boto3")
        if kept:
            sys.modules["boto3"] = kept
