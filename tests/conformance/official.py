"""The official server: `ChatKitServer` with the Agents SDK behind FastAPI, as its documentation shows it, and no more.

    OPENAI_BASE_URL=… python -m conformance.official

prints `listening on http://127.0.0.1:PORT` once it does.
"""

import json
import socket
from collections.abc import AsyncIterator

import agents
import uvicorn
from agents import Agent, OpenAIResponsesModel, Runner
from chatkit.agents import AgentContext, ThreadItemConverter, stream_agent_response
from chatkit.server import ChatKitServer, StreamingResult
from chatkit.types import FeedbackKind, ThreadMetadata, ThreadStreamEvent, UserMessageItem, UserMessageTagContent
from fastapi import FastAPI, Request
from fastapi.responses import Response, StreamingResponse
from openai import AsyncOpenAI
from openai.types.responses import ResponseInputTextParam

from .store import MemoryStore
from .upstream import INSTRUCTIONS, MODEL

SEPARATORS = (",", ":")


class Converter(ThreadItemConverter):
    """The converter has no opinion on tags and wants one."""

    async def tag_to_message_content(self, tag: UserMessageTagContent) -> ResponseInputTextParam:
        return ResponseInputTextParam(
            type="input_text", text=f"@{tag.text}: {json.dumps(tag.data, separators=SEPARATORS)}"
        )


class Official(ChatKitServer[str]):
    """One agent that knows the newest 20 items. The title is the first message, set when the turn is over."""

    def __init__(self) -> None:
        super().__init__(MemoryStore())
        # The other server asks again under other conditions; here the first failure counts.
        model = OpenAIResponsesModel(MODEL, AsyncOpenAI(api_key="none", max_retries=0))
        self._agent: Agent[AgentContext[str]] = Agent("assistant", instructions=INSTRUCTIONS, model=model)

    async def respond(
        self, thread: ThreadMetadata, input_user_message: UserMessageItem | None, context: str
    ) -> AsyncIterator[ThreadStreamEvent]:
        newest = await self.store.load_thread_items(thread.id, None, 20, "desc", context)
        agent_input = await Converter().to_agent_input(list(reversed(newest.data)))
        agent_context = AgentContext(thread=thread, store=self.store, request_context=context)
        try:
            result = Runner.run_streamed(self._agent, agent_input, context=agent_context)
            async for event in stream_agent_response(agent_context, result):
                yield event
        finally:
            if thread.title is None and input_user_message:
                thread.title = " ".join(" ".join(part.text for part in input_user_message.content).split())

    async def add_feedback(self, thread_id: str, item_ids: list[str], feedback: FeedbackKind, context: str) -> None:
        for item_id in item_ids:
            await self.store.load_item(thread_id, item_id, context)


def app() -> FastAPI:
    """The one route."""
    server = Official()
    application = FastAPI()

    @application.post("/chatkit")
    async def chatkit(request: Request) -> Response:
        result = await server.process(await request.body(), request.headers["x-user-id"])
        if isinstance(result, StreamingResult):
            return StreamingResponse(result, media_type="text/event-stream")
        return Response(result.json, media_type="application/json")

    return application


def main() -> None:
    agents.set_tracing_disabled(True)
    listener = socket.create_server(("127.0.0.1", 0), backlog=128)
    print(f"listening on http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
    uvicorn.Server(uvicorn.Config(app(), log_level="critical", lifespan="off")).run(sockets=[listener])


if __name__ == "__main__":
    main()
