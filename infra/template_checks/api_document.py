"""The OpenAPI document of the book has the routes of the template, and no others."""

import tomllib

import yaml

from . import routes
from .template import ROOT


def errors(template):
    document = yaml.safe_load((ROOT / "docs/src/openapi.yaml").read_text())
    described = {
        (method.upper(), path)
        for path, operations in document["paths"].items()
        for method in operations.keys() - {"parameters", "description"}
    }
    for method, path in sorted(described ^ routes.methods(template).keys()):
        yield f"{method} {path} is only in the template, or only in docs/src/openapi.yaml"
    version = tomllib.loads((ROOT / "Cargo.toml").read_text())["workspace"]["package"]["version"]
    if document["info"]["version"] != version:
        yield f"docs/src/openapi.yaml: the version is not {version}"
