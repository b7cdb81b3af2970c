"""How the official server shows items to its model: what the package leaves to the integration."""

import base64
import json

from agents import TResponseInputItem
from chatkit.agents import ThreadItemConverter
from chatkit.types import Attachment, ImageAttachment, UserMessageItem, UserMessageTagContent
from openai.types.responses import (
    ResponseInputContentParam,
    ResponseInputFileParam,
    ResponseInputImageParam,
    ResponseInputTextParam,
)

from .store import Files

SEPARATORS = (",", ":")


class Converter(ThreadItemConverter):
    """The converter has no opinion on tags and attachments and wants one."""

    def __init__(self, files: Files) -> None:
        self._files = files

    async def user_message_to_input(
        self, item: UserMessageItem, is_last_message: bool = True
    ) -> TResponseInputItem | list[TResponseInputItem] | None:
        """`quotes-stay`"""
        return await super().user_message_to_input(item, is_last_message=True)

    async def tag_to_message_content(self, tag: UserMessageTagContent) -> ResponseInputTextParam:
        return ResponseInputTextParam(
            type="input_text", text=f"@{tag.text}: {json.dumps(tag.data, separators=SEPARATORS)}"
        )

    async def attachment_to_message_content(self, attachment: Attachment) -> ResponseInputContentParam:
        content = base64.b64encode(self._files.contents[attachment.id]).decode()
        url = f"data:{attachment.mime_type};base64,{content}"
        if isinstance(attachment, ImageAttachment):
            return ResponseInputImageParam(type="input_image", detail="auto", image_url=url)
        return ResponseInputFileParam(type="input_file", file_data=url, filename=attachment.name)
