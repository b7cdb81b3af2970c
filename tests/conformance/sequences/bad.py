"""Requests that make no sense."""

from typing import Any

STRANGE = ("thr_unknown", "msg_unknown", "", "../x", "#", "thr_\u0000", "👻", "x" * 300)

BAD_PARAMS: list[tuple[str, dict[str, Any]]] = [
    ("threads.create", {}),
    ("threads.create", {"input": {"content": [{"type": "input_text", "text": 1}], "attachments": []}}),
    ("threads.add_user_message", {"thread_id": "thr_1"}),
    ("threads.retry_after_item", {"thread_id": "thr_1"}),
    ("threads.get_by_id", {"thread_id": 1}),
    ("threads.list", {"limit": "many"}),
    ("threads.list", {"limit": 1.5}),
    ("threads.list", {"order": "up"}),
    ("threads.update", {"thread_id": "thr_1", "title": None}),
    ("threads.delete", {}),
    ("items.list", {"limit": 1}),
    ("items.feedback", {"thread_id": "thr_1", "item_ids": "msg_1", "kind": "positive"}),
    ("items.feedback", {"thread_id": "thr_1", "item_ids": [], "kind": "neutral"}),
    ("threads.unknown", {}),
    ("threads.add_client_tool_output", {"thread_id": "thr_1"}),
    ("threads.add_structured_input", {"thread_id": "thr_1", "item_id": "msg_1", "input": {"answers": []}}),
    ("threads.add_structured_input", {"thread_id": "thr_1", "item_id": "msg_1", "input": {"status": "pending"}}),
    ("threads.custom_action", {"thread_id": "thr_1", "action": "go"}),
    ("threads.sync_custom_action", {"thread_id": "thr_1", "item_id": 1, "action": {"type": "go"}}),
    ("attachments.create", {"name": "a.png", "size": "large", "mime_type": "image/png"}),
    ("attachments.delete", {}),
    ("input.transcribe", {"audio_base64": 1, "mime_type": "audio/mp4"}),
]
