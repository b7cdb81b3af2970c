"""The assistant that both servers are: what a model is told, and what it may call."""

import json
from typing import Any

MODEL = "scripted"
INSTRUCTIONS = "Play the script."
PARTIAL_IMAGES = 2


def document(site: str, **fields: Any) -> str:
    """The document of ours, with the site's endpoint at a URL."""
    functions = [
        function("perform", "play", {"url": site, "retries": 1}) | {"title": "Asking the site", "icon": "search"},
        function("pick", "kind", "client"),
    ]
    hosted = [{"type": "web_search"}, {"type": "image_generation", "partial_images": PARTIAL_IMAGES}]
    plain = {"model": MODEL, "instructions": INSTRUCTIONS}
    return json.dumps({**plain, "tools": [*hosted, *functions], "actions": {"url": site}, **fields})


def function(name: str, parameter: str, run: Any) -> dict[str, Any]:
    parameters = {
        "type": "object",
        "properties": {parameter: {"type": "string"}},
        "required": [parameter],
        "additionalProperties": False,
    }
    return {"type": "function", "name": name, "parameters": parameters, "run": run}
