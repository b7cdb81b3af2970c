"""The schemas of the answers, held more closely than a client may: nothing comes that the document does not name."""

import json
from functools import cache
from pathlib import Path

import jsonschema_rs
import yaml

DOCUMENT = Path(__file__).parents[2] / "docs/src/openapi.yaml"
EVENT = "#/components/schemas/Event"


@cache
def document():
    return yaml.safe_load(DOCUMENT.read_text())


def of_operation(operation):
    """With what an operation of ChatKit is answered."""
    schemas = document()["components"]["schemas"]
    name = schemas["ChatKitRequest"]["discriminator"]["mapping"][operation].rpartition("/")[2]
    return schemas[name]["x-answer"]


def require(reference, value):
    if found := next(_validator(reference).iter_errors(value), None):
        raise AssertionError(f"{reference}: {found.message} at {found.instance_path}: {json.dumps(value)[:500]}")


def data_of(stream):
    """The events of a stream of ChatKit."""
    return [json.loads(line.removeprefix("data: ")) for line in stream.split("\n") if line.startswith("data: ")]


@cache
def _validator(reference):
    schemas = document()["components"]["schemas"]
    # Every item has it as a part.
    header = schemas["ItemHeader"]
    schemas = {**_closed(schemas), "ItemHeader": header}
    return jsonschema_rs.validator_for({"$ref": reference, "components": {"schemas": schemas}}, validate_formats=True)


def _closed(node, is_part=False):
    """The same schema, for objects without other fields. The parts of an `allOf` are closed by the whole."""
    if isinstance(node, list):
        return [_closed(each, is_part) for each in node]
    if not isinstance(node, dict):
        return node
    found = {name: _closed(each, name == "allOf") for name, each in node.items()}
    if isinstance(node.get("properties"), dict) and not is_part:
        found["unevaluatedProperties"] = False
    return found
