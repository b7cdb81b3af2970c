"""The assistant that both servers are: what a model is told, and what it may call."""

import json
from typing import Any

MODEL = "scripted"
INSTRUCTIONS = "Play the script."
PARTIAL_IMAGES = 2


def document(site: str, **fields: Any) -> str:
    """The document of ours, with the site's endpoint at a URL, and with these fields; without those that are none."""
    functions = [
        function("perform", "play", {"url": site, "retries": 1}) | {"title": "Asking the site", "icon": "search"},
        function("pick", "kind", "client"),
    ]
    hosted = [{"type": "web_search"}, {"type": "image_generation", "partial_images": PARTIAL_IMAGES}]
    composer = {
        "models": [{"id": "gpt-x", "label": "X", "model": MODEL}],
        "tools": [{"id": "search", "label": "Search the web", "tool": "web_search"}],
    }
    plain = {"model": MODEL, "instructions": INSTRUCTIONS, "composer": composer}
    everything = {**plain, "tools": [*hosted, *functions], "actions": {"url": site}, **fields}
    return json.dumps({name: value for name, value in everything.items() if value is not None})


def function(name: str, parameter: str, run: Any) -> dict[str, Any]:
    parameters = {
        "type": "object",
        "properties": {parameter: {"type": "string"}},
        "required": [parameter],
        "additionalProperties": False,
    }
    return {"type": "function", "name": name, "parameters": parameters, "run": run}
