"""The official server: `ChatKitServer` with the Agents SDK behind FastAPI, as its documentation shows it, and no more.

    OPENAI_BASE_URL=… python -m conformance.official

prints `listening on http://127.0.0.1:PORT` once it does.
"""

import socket
from collections.abc import AsyncIterator
from typing import Any

import agents
import uvicorn
from agents import (
    Agent,
    FunctionToolResult,
    OpenAIResponsesModel,
    RunContextWrapper,
    Runner,
    ToolsToFinalOutputResult,
    function_tool,
)
from chatkit.actions import Action
from chatkit.agents import AgentContext, ClientToolCall, ResponseStreamConverter, stream_agent_response
from chatkit.server import ChatKitServer, StreamingResult
from chatkit.types import (
    AudioInput,
    FeedbackKind,
    SyncCustomActionResponse,
    ThreadItemReplacedEvent,
    ThreadMetadata,
    ThreadStreamEvent,
    TranscriptionResult,
    UserMessageItem,
    WidgetItem,
)
from fastapi import FastAPI, Request, UploadFile
from fastapi.responses import Response, StreamingResponse
from openai import AsyncOpenAI

from .assistant import INSTRUCTIONS, MODEL, PARTIAL_IMAGES
from .converter import Converter
from .performer import Performer, output
from .plays import PLAYS
from .store import Files, MemoryStore


class Context(AgentContext[str]):
    """What the tools of one run share."""

    has_asked: bool = False


@function_tool
async def perform(run: RunContextWrapper[Context], play: str) -> str:
    """Something that the site does."""
    context = run.context
    async for event in Performer(context.thread, context.store, context.request_context).perform(PLAYS[play]):
        await context.stream(event)
    context.has_asked |= PLAYS[play].asks
    return output(PLAYS[play])


@function_tool
async def pick(run: RunContextWrapper[Context], kind: str) -> str:
    """Something that the page does."""
    run.context.client_tool_call = ClientToolCall(name="pick", arguments={"kind": kind})
    return ""


def wait_for_the_person(run: RunContextWrapper[Context], _: list[FunctionToolResult]) -> ToolsToFinalOutputResult:
    """Ends the run where the page or the person has to answer before the model goes on."""
    return ToolsToFinalOutputResult(is_final_output=bool(run.context.client_tool_call or run.context.has_asked))


class Official(ChatKitServer[str]):
    """One agent that knows the whole thread, as long as these are. The title is the first message, set when the turn is
    over."""

    def __init__(self, files: Files) -> None:
        self.files = files
        super().__init__(MemoryStore(), files)
        # The other server asks again under other conditions; here the first failure counts.
        self._client = AsyncOpenAI(api_key="none", max_retries=0)
        self._agent: Agent[Context] = Agent(
            "assistant",
            instructions=INSTRUCTIONS,
            model=OpenAIResponsesModel(MODEL, self._client),
            tools=[perform, pick],
            tool_use_behavior=wait_for_the_person,
        )

    async def respond(
        self, thread: ThreadMetadata, input_user_message: UserMessageItem | None, context: str
    ) -> AsyncIterator[ThreadStreamEvent]:
        newest = await self.store.load_thread_items(thread.id, None, 1000, "desc", context)
        agent_input = await Converter(self.files).to_agent_input(list(reversed(newest.data)))
        agent_context = Context(thread=thread, store=self.store, request_context=context)
        try:
            result = Runner.run_streamed(self._agent, agent_input, context=agent_context)
            pictures = ResponseStreamConverter(partial_images=PARTIAL_IMAGES)
            async for event in stream_agent_response(agent_context, result, converter=pictures):
                yield event
        finally:
            if thread.title is None and input_user_message:
                words = [part.text for part in input_user_message.content]
                names = [attachment.name for attachment in input_user_message.attachments]
                thread.title = " ".join(" ".join(words or names).split())

    async def action(
        self, thread: ThreadMetadata, action: Action[str, Any], sender: WidgetItem | None, context: str
    ) -> AsyncIterator[ThreadStreamEvent]:
        play = PLAYS[action.type]
        async for event in Performer(thread, self.store, context, sender).perform(play):
            yield event
        if play.responds:
            async for event in self.respond(thread, None, context):
                yield event

    async def sync_action(
        self, thread: ThreadMetadata, action: Action[str, Any], sender: WidgetItem | None, context: str
    ) -> SyncCustomActionResponse:
        updated = None
        async for event in Performer(thread, self.store, context, sender).perform(PLAYS[action.type]):
            if isinstance(event, ThreadItemReplacedEvent):
                updated = event.item
            await self.store.save_item(thread.id, event.item, context)
        return SyncCustomActionResponse(updated_item=updated)

    async def transcribe(self, audio_input: AudioInput, context: str) -> TranscriptionResult:
        file = ("audio", audio_input.data, audio_input.media_type)
        transcription = await self._client.audio.transcriptions.create(model=MODEL, file=file)
        return TranscriptionResult(text=transcription.text)

    async def add_feedback(self, thread_id: str, item_ids: list[str], feedback: FeedbackKind, context: str) -> None:
        for item_id in item_ids:
            await self.store.load_item(thread_id, item_id, context)


def app(url: str) -> FastAPI:
    """The routes: the one of the protocol, and those of files as its documentation has them."""
    files = Files(f"{url}/files")
    server = Official(files)
    application = FastAPI()

    @application.post("/chatkit")
    async def chatkit(request: Request) -> Response:
        result = await server.process(await request.body(), request.headers["x-user-id"])
        if isinstance(result, StreamingResult):
            return StreamingResponse(result, media_type="text/event-stream")
        return Response(result.json, media_type="application/json")

    @application.post("/chatkit/attachments")
    async def direct(request: Request, file: UploadFile) -> Response:
        attachment = files.take(file.filename or "", file.content_type or "", await file.read())
        await server.store.save_attachment(attachment, request.headers["x-user-id"])
        return Response(
            attachment.model_dump_json(exclude_none=True, exclude={"metadata"}), media_type="application/json"
        )

    @application.put("/files/{file_id}")
    async def upload(file_id: str, request: Request) -> Response:
        files.contents[file_id] = await request.body()
        return Response()

    @application.get("/files/{file_id}")
    async def download(file_id: str) -> Response:
        content = files.contents.get(file_id)
        return Response(content, status_code=404 if content is None else 200)

    return application


def main() -> None:
    agents.set_tracing_disabled(True)
    listener = socket.create_server(("127.0.0.1", 0), backlog=128)
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    print(f"listening on {url}", flush=True)
    uvicorn.Server(uvicorn.Config(app(url), log_level="critical", lifespan="off")).run(sockets=[listener])


if __name__ == "__main__":
    main()
