"""The events of OpenAI's Responses API, as its reference has them ("Streaming events")."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Text:
    """A part of text: its deltas, then its annotations."""

    deltas: Sequence[str]
    annotations: Sequence[dict[str, Any]] = ()

    def part(self, whole: bool) -> dict[str, Any]:
        annotations = list(self.annotations) if whole else []
        return {"type": "output_text", "text": self.text if whole else "", "annotations": annotations, "logprobs": []}

    @property
    def text(self) -> str:
        return "".join(self.deltas)


@dataclass(frozen=True)
class Refusal:
    """A part in which the model refuses."""

    deltas: Sequence[str]

    def part(self, whole: bool) -> dict[str, Any]:
        return {"type": "refusal", "refusal": "".join(self.deltas) if whole else ""}


@dataclass
class Response:
    """One response as it is being written. `number` makes its ids unique."""

    number: int
    events: list[dict[str, Any]] = field(default_factory=list)
    output: list[dict[str, Any]] = field(default_factory=list)

    def emit(self, kind: str, **fields: Any) -> None:
        self.events.append({"type": kind, "sequence_number": len(self.events), **fields})

    def item_id(self, prefix: str) -> str:
        return f"{prefix}_{self.number:08}{len(self.output):02}"

    def begin(self) -> None:
        self.emit("response.created", response=self._whole("in_progress"))
        self.emit("response.in_progress", response=self._whole("in_progress"))

    def message(self, *parts: Text | Refusal, finish: bool = True) -> None:
        """A message; one that is not finished is cut off behind its last delta."""
        place = {"output_index": len(self.output), "item_id": self.item_id("msg")}
        item = {"id": place["item_id"], "type": "message", "role": "assistant", "status": "in_progress", "content": []}
        self.emit("response.output_item.added", output_index=place["output_index"], item=item)
        for index, part in enumerate(parts):
            place["content_index"] = index
            self.emit("response.content_part.added", **place, part=part.part(whole=False))
            kind = "response.refusal" if isinstance(part, Refusal) else "response.output_text"
            for delta in part.deltas:
                self.emit(
                    f"{kind}.delta", **place, delta=delta, **({} if isinstance(part, Refusal) else {"logprobs": []})
                )
            if not finish:
                continue
            if isinstance(part, Refusal):
                self.emit("response.refusal.done", **place, refusal="".join(part.deltas))
            else:
                for number, annotation in enumerate(part.annotations):
                    self.emit(
                        "response.output_text.annotation.added", **place, annotation_index=number, annotation=annotation
                    )
                self.emit("response.output_text.done", **place, text=part.text, logprobs=[])
            self.emit("response.content_part.done", **place, part=part.part(whole=True))
        content = [part.part(whole=True) for part in parts]
        self._finish_item(item | {"status": "completed", "content": content}, finish)

    def reasoning(self, *summaries: Sequence[str], finish: bool = True) -> None:
        """A reasoning item; each summary is one thought in deltas."""
        place: dict[str, Any] = {"output_index": len(self.output), "item_id": self.item_id("rs")}
        item: dict[str, Any] = {"id": place["item_id"], "type": "reasoning", "summary": []}
        self.emit("response.output_item.added", output_index=place["output_index"], item=item)
        for index, deltas in enumerate(summaries):
            place["summary_index"] = index
            part = {"type": "summary_text", "text": ""}
            self.emit("response.reasoning_summary_part.added", **place, part=part)
            for delta in deltas:
                self.emit("response.reasoning_summary_text.delta", **place, delta=delta)
            if finish:
                part = {"type": "summary_text", "text": "".join(deltas)}
                self.emit("response.reasoning_summary_text.done", **place, text=part["text"])
                self.emit("response.reasoning_summary_part.done", **place, part=part)
        summary = [{"type": "summary_text", "text": "".join(deltas)} for deltas in summaries]
        self._finish_item(item | {"summary": summary}, finish)

    def call(self, name: str, arguments: str) -> None:
        """A call of a function, its arguments in two deltas."""
        place: dict[str, Any] = {"output_index": len(self.output), "item_id": self.item_id("fc")}
        call = {"call_id": f"call_{self.number:08}{len(self.output):02}", "name": name}
        item = {"id": place["item_id"], "type": "function_call", "status": "in_progress", "arguments": "", **call}
        self.emit("response.output_item.added", output_index=place["output_index"], item=item)
        for delta in (arguments[:3], arguments[3:]):
            self.emit("response.function_call_arguments.delta", **place, delta=delta)
        self.emit("response.function_call_arguments.done", **place, arguments=arguments, name=name)
        self._finish_item(item | {"status": "completed", "arguments": arguments}, finish=True)

    def hosted(
        self, kind: str, steps: Sequence[str], started: dict[str, Any], done: dict[str, Any], **fields: Any
    ) -> None:
        """Something that the model's server does itself; `steps` are the events between its beginning and its end."""
        place: dict[str, Any] = {"output_index": len(self.output), "item_id": self.item_id(kind[:2])}
        item = {"id": place["item_id"], "type": kind, "status": "in_progress", **started}
        self.emit("response.output_item.added", output_index=place["output_index"], item=item)
        for step in steps:
            self.emit(f"response.{kind}.{step}", **place, **fields)
        self._finish_item(item | {"status": "completed", **done}, finish=True)

    def picture(self, partials: Sequence[str], result: str | None) -> None:
        """A picture in base64 that takes shape; none if it fails."""
        kind = "image_generation_call"
        place: dict[str, Any] = {"output_index": len(self.output), "item_id": self.item_id("ig")}
        item = {"id": place["item_id"], "type": kind, "status": "in_progress", "result": None}
        self.emit("response.output_item.added", output_index=place["output_index"], item=item)
        self.emit(f"response.{kind}.in_progress", **place)
        self.emit(f"response.{kind}.generating", **place)
        for number, picture in enumerate(partials):
            self.emit(f"response.{kind}.partial_image", **place, partial_image_index=number, partial_image_b64=picture)
        self.emit(f"response.{kind}.completed", **place)
        self._finish_item(item | {"status": "completed" if result else "failed", "result": result}, finish=True)

    def complete(self) -> None:
        self.emit("response.completed", response=self._whole("completed"))

    def cut(self, reason: str) -> None:
        details = {"incomplete_details": {"reason": reason}}
        self.emit("response.incomplete", response=self._whole("incomplete") | details)

    def fail(self, code: str) -> None:
        error = {"error": {"code": code, "message": "the upstream's own words"}}
        self.emit("response.failed", response=self._whole("failed") | error)

    def without(self, *kinds: str) -> None:
        """As from a server that leaves events out."""
        self.events = [event for event in self.events if event["type"] not in kinds]

    def _finish_item(self, item: dict[str, Any], finish: bool) -> None:
        index = len(self.output)
        self.output.append(item)
        if finish:
            self.emit("response.output_item.done", output_index=index, item=item)

    def _whole(self, status: str) -> dict[str, Any]:
        usage = {
            "input_tokens": 9,
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": 7,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": 16,
        }
        return {
            "id": f"resp_{self.number:08}",
            "object": "response",
            "created_at": 1_800_000_000,
            "status": status,
            "model": "scripted",
            "output": list(self.output) if status != "in_progress" else [],
            "parallel_tool_calls": True,
            "tool_choice": "auto",
            "tools": [],
            "error": None,
            "incomplete_details": None,
            "instructions": None,
            "metadata": {},
            "temperature": 1.0,
            "top_p": 1.0,
            "usage": usage if status != "in_progress" else None,
        }
