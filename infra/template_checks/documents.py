"""The assistant documents that can be deployed fit the schema."""

import json

from jsonschema import Draft202012Validator

from .template import ROOT


def errors(template):
    schema = Draft202012Validator(json.loads((ROOT / "infra/assistant.schema.json").read_text()))
    for path in sorted((ROOT / "infra/assistant").iterdir()):
        for error in schema.iter_errors(json.loads(path.read_text())):
            yield f"{path.name}: {error.json_path}: {error.message}"
