"""Answers that the model thinks about."""

from ..responses import Response, Text
from .script import script


@script()
def thought(response: Response) -> None:
    response.begin()
    response.reasoning(["Let me ", "see."])
    response.message(Text(["Seen."]))
    response.complete()


@script("later-thoughts-stream")
def thoughts(response: Response) -> None:
    response.begin()
    response.reasoning(["One ", "thing."], ["Another ", "thing."], ["A third."])
    response.message(Text(["Done."]))
    response.complete()


@script("later-thoughts-stream")
def two_reasonings(response: Response) -> None:
    response.begin()
    response.reasoning(["First ", "thought."])
    response.reasoning(["Second ", "thought."], ["Third."])
    response.message(Text(["Done."]))
    response.complete()


@script()
def thoughts_between(response: Response) -> None:
    response.begin()
    response.reasoning(["Before."])
    response.message(Text(["A."]))
    response.reasoning(["Between."])
    response.message(Text(["B."]))
    response.complete()


@script("reasoning-appears-with-its-first-words")
def silent_reasoning(response: Response) -> None:
    response.begin()
    response.reasoning()
    response.message(Text(["Done."]))
    response.complete()


@script("reasoning-appears-with-its-first-words")
def silent_then_thought(response: Response) -> None:
    response.begin()
    response.reasoning()
    response.message(Text(["A."]))
    response.reasoning(["Aloud."])
    response.message(Text(["B."]))
    response.complete()


@script("thoughts-end-with-the-turn", "silence-is-an-error")
def only_thoughts(response: Response) -> None:
    response.begin()
    response.reasoning(["Hm."])
    response.complete()


@script()
def whole_thought(response: Response) -> None:
    response.begin()
    response.reasoning(["Said at once."])
    response.message(Text(["Done."]))
    response.complete()
    response.without("response.reasoning_summary_text.delta")


@script()
def reasoning_text(response: Response) -> None:
    response.begin()
    place = {"output_index": 0, "item_id": response.item_id("rs"), "content_index": 0}
    response.emit("response.content_part.added", **place, part={"type": "reasoning_text", "text": ""})
    response.emit("response.reasoning_text.delta", **place, delta="raw")
    response.emit("response.reasoning_text.done", **place, text="raw")
    response.emit("response.content_part.done", **place, part={"type": "reasoning_text", "text": "raw"})
    response.output.append({"id": place["item_id"], "type": "reasoning", "summary": []})
    response.message(Text(["Done."]))
    response.complete()
