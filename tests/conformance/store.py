"""What the official server stores in: memory, as its `Store` wants it, with each user out of every other's reach."""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TypeVar

from chatkit.store import AttachmentStore, NotFoundError, Store
from chatkit.types import (
    Attachment,
    AttachmentCreateParams,
    AttachmentUploadDescriptor,
    FileAttachment,
    ImageAttachment,
    Page,
    ThreadItem,
    ThreadMetadata,
)
from pydantic import AnyUrl, BaseModel

T = TypeVar("T", bound=BaseModel)


@dataclass
class Kept:
    """A thread and its items, in the order in which they were added."""

    head: ThreadMetadata
    items: dict[str, ThreadItem] = field(default_factory=dict)


class MemoryStore(Store[str]):
    """The context is the user."""

    def __init__(self) -> None:
        self._users: defaultdict[str, dict[str, Kept]] = defaultdict(dict)
        self._attachments: defaultdict[str, dict[str, Attachment]] = defaultdict(dict)

    def _kept(self, thread_id: str, user: str) -> Kept:
        try:
            return self._users[user][thread_id]
        except KeyError:
            raise NotFoundError(f"no thread {thread_id}") from None

    async def load_thread(self, thread_id: str, context: str) -> ThreadMetadata:
        return self._kept(thread_id, context).head.model_copy(deep=True)

    async def save_thread(self, thread: ThreadMetadata, context: str) -> None:
        head = ThreadMetadata.model_validate(thread.model_dump(include=set(ThreadMetadata.model_fields)))
        kept = self._users[context].setdefault(thread.id, Kept(head))
        kept.head = head

    async def load_threads(self, limit: int, after: str | None, order: str, context: str) -> Page[ThreadMetadata]:
        heads = {thread_id: kept.head for thread_id, kept in self._users[context].items()}
        return page(heads, limit, after, order)

    async def delete_thread(self, thread_id: str, context: str) -> None:
        self._users[context].pop(thread_id, None)

    async def load_thread_items(
        self, thread_id: str, after: str | None, limit: int, order: str, context: str
    ) -> Page[ThreadItem]:
        kept = self._users[context].get(thread_id)
        return page(kept.items, limit, after, order) if kept else Page()

    async def add_thread_item(self, thread_id: str, item: ThreadItem, context: str) -> None:
        self._kept(thread_id, context).items[item.id] = item.model_copy(deep=True)

    async def save_item(self, thread_id: str, item: ThreadItem, context: str) -> None:
        await self.add_thread_item(thread_id, item, context)

    async def load_item(self, thread_id: str, item_id: str, context: str) -> ThreadItem:
        try:
            return self._kept(thread_id, context).items[item_id].model_copy(deep=True)
        except KeyError:
            raise NotFoundError(f"no item {item_id}") from None

    async def delete_thread_item(self, thread_id: str, item_id: str, context: str) -> None:
        self._kept(thread_id, context).items.pop(item_id, None)

    async def save_attachment(self, attachment: Attachment, context: str) -> None:
        self._attachments[context][attachment.id] = attachment.model_copy(deep=True)

    async def load_attachment(self, attachment_id: str, context: str) -> Attachment:
        try:
            # As the documentation has it: what is uploaded needs no URL to upload it to.
            return self._attachments[context][attachment_id].model_copy(update={"upload_descriptor": None}, deep=True)
        except KeyError:
            raise NotFoundError(f"no attachment {attachment_id}") from None

    async def delete_attachment(self, attachment_id: str, context: str) -> None:
        self._attachments[context].pop(attachment_id, None)


class Files(AttachmentStore[str]):
    """Files in memory, uploaded to and loaded from `url`."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.contents: dict[str, bytes] = {}

    async def create_attachment(self, input: AttachmentCreateParams, context: str) -> Attachment:
        attachment = self._attachment(input.name, input.mime_type)
        upload = AttachmentUploadDescriptor(
            url=AnyUrl(f"{self._url}/{attachment.id}"), method="PUT", headers={"Content-Type": input.mime_type}
        )
        return attachment.model_copy(update={"upload_descriptor": upload})

    async def delete_attachment(self, attachment_id: str, context: str) -> None:
        self.contents.pop(attachment_id, None)

    def take(self, name: str, mime_type: str, content: bytes) -> Attachment:
        """A file that comes with its bytes."""
        attachment = self._attachment(name, mime_type)
        self.contents[attachment.id] = content
        return attachment

    def _attachment(self, name: str, mime_type: str) -> Attachment:
        head = {"id": self.generate_attachment_id(mime_type, ""), "name": name, "mime_type": mime_type}
        if mime_type.startswith("image/"):
            return ImageAttachment(**head, preview_url=AnyUrl(f"{self._url}/{head['id']}"))
        return FileAttachment(**head)


def page(elements: dict[str, T], limit: int, after: str | None, order: str) -> Page[T]:
    """Elements behind the one with the id `after`."""
    ids = list(elements) if order == "asc" else list(reversed(elements))
    if after is not None:
        if after not in elements:
            raise NotFoundError(f"no element {after}")
        ids = ids[ids.index(after) + 1 :]
    if limit < 0:
        raise IndexError(limit)
    chosen, has_more = ids[:limit], len(ids) > limit
    data = [elements[element_id].model_copy(deep=True) for element_id in chosen]
    return Page(data=data, has_more=has_more, after=chosen[-1] if has_more else None)
