"""A model server on the loopback interface: it speaks the three vendors' model APIs and answers from a script."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from types import TracebackType
from typing import Self, TypeAlias, assert_never

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from tests.agents import anthropic_api, gemini_api, openai_api
from tests.agents.json_schema import smallest_instance
from tests.agents.loopback import LoopbackServer
from tests.agents.script import (
    Answer,
    CallTool,
    CallTools,
    Fail,
    Hang,
    ModelRequest,
    ResolvedCall,
    Say,
    Script,
    ScriptError,
    echo,
    resolve,
)
from tests.agents.sse import AnswerWriter

_DELTA_LENGTH = 8
"""Texts go out in pieces so that agents are seen to stream."""


class ModelServer:
    """Answers model requests from a script and remembers them.

    `requests` holds what scripts saw, in order; `side_requests` what agents asked for their own ends.
    """

    def __init__(self, script: Script = echo) -> None:
        self.script = script
        self.requests: list[ModelRequest] = []
        self.side_requests: list[ModelRequest] = []
        self._errors: list[ScriptError] = []
        self._asked = asyncio.Condition()
        self._server = LoopbackServer(self._application())

    @property
    def url(self) -> str:
        """The address agents are given."""
        return self._server.url

    def turns_started_by(self, text: str) -> list[ModelRequest]:
        """The requests that put a prompt with this text to the model as a new turn."""
        return [request for request in self.requests if request.starts_turn and text in request.prompt]

    async def wait_until_asked(self, matches: Callable[[ModelRequest], bool]) -> ModelRequest:
        """Wait for a request that matches, among those seen already too."""
        async with self._asked:
            await self._asked.wait_for(lambda: any(matches(request) for request in self.requests))
        return next(request for request in self.requests if matches(request))

    async def __aenter__(self) -> Self:
        self._server.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._server.stop()
        if error is None and self._errors:
            raise self._errors[0]

    def _application(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/", _nothing, methods=["HEAD", "GET"]),
                Route("/v1/messages", self._anthropic, methods=["POST"]),
                Route("/v1/messages/count_tokens", _anthropic_token_count, methods=["POST"]),
                Route("/v1/responses", self._openai, methods=["POST"]),
                Route("/v1/models", _openai_models, methods=["GET"]),
                Route("/v1beta/models/{model}:{method}", self._gemini, methods=["POST"]),
            ]
        )

    async def _anthropic(self, http: Request) -> Response:
        body = await http.body()
        request = anthropic_api.read_request(body)
        answer = await self._answer(request)
        match answer:
            case Fail():
                return JSONResponse(anthropic_api.error_body(answer.message), status_code=answer.status)
            case Say() if not anthropic_api.wants_stream(body):
                return JSONResponse(anthropic_api.whole_answer(answer.text, model=request.model))
            case _:
                return _stream(_parts(answer, request), anthropic_api.MessagesWriter(request.model))

    async def _openai(self, http: Request) -> Response:
        request = openai_api.read_request(await http.body())
        answer = await self._answer(request)
        if isinstance(answer, Fail):
            return JSONResponse(openai_api.error_body(answer.message), status_code=answer.status)
        return _stream(_parts(answer, request), openai_api.ResponsesWriter(request.model))

    async def _gemini(self, http: Request) -> Response:
        method, model = http.path_params["method"], http.path_params["model"]
        if method == "countTokens":
            return JSONResponse({"totalTokens": 10})
        request = gemini_api.read_request(await http.body(), model)
        answer = await self._answer(request)
        match answer:
            case Fail():
                return JSONResponse(gemini_api.error_body(answer.status, answer.message), status_code=answer.status)
            case Say() if method == "generateContent":
                return JSONResponse(gemini_api.whole_answer(answer.text, model=model))
            case _:
                return _stream(_parts(answer, request), gemini_api.GenerateContentWriter(model))

    async def _answer(self, request: ModelRequest) -> Answer:
        if request.is_side_request:
            self.side_requests.append(request)
            return _side_answer(request)
        async with self._asked:
            self.requests.append(request)
            self._asked.notify_all()
        try:
            answer = self.script(request)
            _parts(answer, request)  # an unknown tool is a wrong script: found out before anything is streamed
        except ScriptError as error:
            self._errors.append(error)
            return Fail(400, str(error))
        return answer


_Part: TypeAlias = str | ResolvedCall | asyncio.Event


def _parts(answer: Answer, request: ModelRequest) -> list[_Part]:
    """Flatten an answer into what is streamed, in order; an event stands for waiting."""
    match answer:
        case Say():
            return [answer.text]
        case CallTool():
            return [*_text_part(answer.text), resolve(answer, request)]
        case CallTools():
            return [*_text_part(answer.text), *(resolve(call, request) for call in answer.calls)]
        case Hang():
            return [answer.text, answer.event, *_parts(answer.then, request)]
        case Fail():
            return []
        case _ as other:
            assert_never(other)


def _text_part(text: str) -> list[_Part]:
    return [text] if text else []


def _stream(parts: list[_Part], writer: AnswerWriter) -> StreamingResponse:
    return StreamingResponse(_written(parts, writer), media_type="text/event-stream")


async def _written(parts: list[_Part], writer: AnswerWriter) -> AsyncIterator[bytes]:
    yield writer.start()
    for part in parts:
        match part:
            case str():
                for start in range(0, len(part), _DELTA_LENGTH):
                    yield writer.text(part[start : start + _DELTA_LENGTH])
            case ResolvedCall():
                yield writer.call(part)
            case asyncio.Event():
                await part.wait()
            case _ as other:
                assert_never(other)
    yield writer.finish()


def _side_answer(request: ModelRequest) -> Say:
    if request.answer_schema is None:
        return Say("ok")
    return Say(json.dumps(smallest_instance(request.answer_schema)))


async def _nothing(http: Request) -> Response:
    return Response()


async def _anthropic_token_count(http: Request) -> Response:
    return JSONResponse({"input_tokens": anthropic_api.INPUT_TOKENS})


async def _openai_models(http: Request) -> Response:
    return JSONResponse({"object": "list", "data": [], "models": []})
