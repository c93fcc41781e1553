"""A broker's API as the SDK sees it, in memory on a loopback port: what a test scripts is what it answers."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from broker.domain.agents.sessions import DEFAULT_SESSION
from tests.fixtures.ports import listening_socket

TOKEN = "rk_live_" + "x" * 43
SESSION = "s_1"


class ApiDouble:
    """One session. Spawned agents are ready at once and answer every message with the same words."""

    def __init__(self) -> None:
        self.url = ""
        self.epoch = "e1"
        self.first_offset = 1
        self.events: list[dict[str, Any]] = []
        self.agents: dict[str, dict[str, Any]] = {}
        self.approvals: dict[str, dict[str, Any]] = {}
        self.traces: dict[str, dict[str, Any]] = {}
        self.calls: list[tuple[str, str, Any]] = []
        self.keys: Counter[str] = Counter()
        self.broken_answers: list[Response] = []
        self.answers_messages = True
        self.outcome = "completed"
        """Of every turn."""
        self.sockets: set[WebSocket] = set()
        self.cursors: list[str | None] = []
        self.presented: asyncio.Queue[Any] = asyncio.Queue()
        """What clients send on their event sockets."""
        self._done: dict[str, Any] = {}
        self._grown = asyncio.Condition()

    async def append(self, kind: str, data: dict[str, Any], *, name: str | None = None) -> dict[str, Any]:
        agent = self.agents.get(name or "", {}).get("id")
        async with self._grown:
            event = {
                "epoch": self.epoch,
                "offset": self.first_offset + len(self.events),
                "kind": kind,
                "at_ms": 1_760_000_000_000 + 12 * len(self.events),
                "agent": agent,
                "name": name,
                "data": data,
            }
            self.events.append(event)
            self._grown.notify_all()
        return event

    async def drop_sockets(self, code: int = 1012) -> None:
        for socket_ in list(self.sockets):
            self.sockets.discard(socket_)
            await socket_.close(code)

    def routes(self) -> list[Route | WebSocketRoute]:
        session = "/v1/sessions/{session}"
        return [
            WebSocketRoute(f"{session}/events", self._stream),
            Route(f"{session}/{{rest:path}}", self._http, methods=["GET", "POST", "DELETE"]),
            Route("/v1/{rest:path}", self._http, methods=["GET", "POST", "DELETE"]),
        ]

    async def _http(self, request: Request) -> Response:
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return refusal(401, "UNAUTHENTICATED", "unknown token")
        body = await request.json() if await request.body() else None
        self.calls.append((request.method, request.url.path, body))
        key = request.headers.get("idempotency-key")
        if key:
            self.keys[key] += 1
        if self.broken_answers:
            return self.broken_answers.pop(0)
        if key not in self._done or key is None:
            answer = await self._route(request, body)
            if key is None or isinstance(answer, Response):
                return answer if isinstance(answer, Response) else granted(answer)
            self._done[key] = answer
        return granted(self._done[key])

    async def _route(self, request: Request, body: Any) -> Any:
        path = request.url.path.removeprefix("/v1/").split("/")
        match request.method, path:
            case "GET", ["sessions", name]:
                return (
                    self._session(name)
                    if name in {DEFAULT_SESSION, SESSION}
                    else refusal(404, "SESSION_NOT_FOUND", "no")
                )
            case "POST", ["sessions"]:
                return self._session(body["name"])
            case "GET", ["sessions", _, "agents"]:
                return {"agents": list(self.agents.values())}
            case "POST", ["sessions", _, "agents"]:
                return await self._spawn(body)
            case "DELETE", ["sessions", _, "agents", name]:
                return await self._release(name)
            case "POST", ["sessions", _, "agents", name, "interrupt"]:
                ended = {"turn": "t1", "outcome": "interrupted", "messages": [], "text": ""}
                await self.append("turn.ended", ended, name=name)
                return self.agents[name]
            case "POST", ["sessions", _, "messages"]:
                return await self._send(body)
            case "GET", ["sessions", _, "messages", message_id]:
                return self.traces.get(message_id) or refusal(404, "MESSAGE_NOT_FOUND", "no such message")
            case "GET", ["sessions", _, "approvals"]:
                return {"approvals": list(self.approvals.values())}
            case "POST", ["approvals", approval_id, "answer"]:
                return await self._answer(approval_id, body)
            case "GET", ["sessions", _, "events"]:
                return self._page(request)
            case "GET", ["proxies"]:
                return {"proxies": []}
            case _:
                return refusal(404, "NOT_FOUND", request.url.path)

    def _session(self, name: str) -> dict[str, Any]:
        url = f"{self.url}/session/{SESSION}"
        return {"id": SESSION, "name": name, "url": url, "created_at_ms": 1, "epoch": self.epoch, "offset": self._head}

    @property
    def _head(self) -> int:
        return self.first_offset + len(self.events) - 1

    async def _spawn(self, body: dict[str, Any]) -> Any:
        name = body["name"]
        if name in self.agents:
            return refusal(409, "NAME_TAKEN", f"{name} is taken")
        agent = {"id": f"a_{name}", "name": name, "cli": body["cli"], "state": "idle", "machine": "box"}
        await self.append("agent.spawning", {"name": name, "cli": body["cli"], "spawner": None}, name=name)
        self.agents[name] = agent
        await self.append("agent.ready", {"model": None, "resumed": False}, name=name)
        if body.get("task"):
            await self._send({"to": name, "text": body["task"], "mode": "wait"})
        return agent

    async def _release(self, name: str) -> Any:
        if name not in self.agents:
            return refusal(404, "AGENT_NOT_FOUND", f"no agent called {name}")
        await self.append("agent.released", {"reason": "released"}, name=name)
        return {**self.agents.pop(name), "state": "released"}

    async def _send(self, body: dict[str, Any]) -> Any:
        to = body["to"]
        names = list(self.agents) if to == "*" else [to]
        if not set(names) <= set(self.agents):
            return refusal(404, "AGENT_NOT_FOUND", f"no agent called {to}")
        message_id = str(uuid4())
        accepted = {"id": message_id, "from": {"name": "operator", "role": "human", "agent": None}, **body}
        recipients = [{"agent": f"a_{name}", "name": name} for name in names]
        event = await self.append("message.accepted", {**accepted, "recipients": recipients})
        self.traces[message_id] = {"message": {**accepted, "at_ms": event["at_ms"]}, "deliveries": []}
        for name in names:
            await self._deliver(message_id, name)
        return {"message_id": message_id, "deliveries": [{"to": name, "state": "queued"} for name in names]}

    async def _deliver(self, message_id: str, name: str) -> None:
        states = (
            ["queued", "sent", "received", "handed", "in_turn", "answered"] if self.answers_messages else ["queued"]
        )
        steps = []
        for state in states:
            event = await self.append("message.receipt", {"message": message_id, "state": state}, name=name)
            steps.append({"state": state, "at_ms": event["at_ms"]})
        delivery = {"to": name, "agent_id": f"a_{name}", "state": states[-1], "steps": steps, "answer": "done"}
        self.traces[message_id]["deliveries"].append(delivery)
        if self.answers_messages:
            ended = {"turn": "t1", "outcome": self.outcome, "messages": [message_id], "text": f"{name} is done"}
            await self.append("turn.ended", ended, name=name)

    async def _answer(self, approval_id: str, body: dict[str, Any]) -> Any:
        approval = self.approvals.pop(approval_id, None)
        if approval is None:
            return refusal(409, "APPROVAL_ALREADY_ANSWERED", "somebody was first")
        status = "allowed" if body["verdict"] == "allow" else "denied"
        note = body["note"]
        await self.append("approval.resolved", {"id": approval_id, "status": status, "by": "operator", "note": note})
        return {**approval, "status": status, "note": note}

    def _page(self, request: Request) -> dict[str, Any]:
        after = int(request.query_params["after"].rpartition(":")[2])
        found = [event for event in self.events if event["offset"] > after][: int(request.query_params["limit"])]
        return {"events": found, "next": f"{self.epoch}:{found[-1]['offset'] if found else after}"}

    async def _stream(self, websocket: WebSocket) -> None:
        await websocket.accept()
        after = websocket.query_params.get("after")
        self.cursors.append(after)
        self.sockets.add(websocket)
        try:
            await websocket.send_json({"kind": "hello", "epoch": self.epoch, "offset": self._head})
            feeding = asyncio.create_task(self._feed(websocket, await self._start_of(websocket, after)))
            while (message := await websocket.receive())["type"] != "websocket.disconnect":
                self.presented.put_nowait(json.loads(message["text"]))
                await websocket.send_json({"kind": "auth", "renewed": True, "expires_at_ms": 0})
            feeding.cancel()
            await asyncio.wait([feeding])
        finally:
            self.sockets.discard(websocket)

    async def _start_of(self, websocket: WebSocket, after: str | None) -> int:
        if after is None:
            return self._head
        epoch, _, offset = after.rpartition(":")
        if after == "0":
            return self.first_offset - 1
        if epoch != self.epoch or int(offset) < self.first_offset - 1:
            await websocket.send_json({"kind": "reset", "epoch": self.epoch, "offset": self.first_offset})
            return self.first_offset - 1
        return int(offset)

    async def _feed(self, websocket: WebSocket, last: int) -> None:
        while websocket in self.sockets:
            for event in self.events[max(0, last + 1 - self.first_offset) :]:
                await websocket.send_json(event)
                last = event["offset"]
            async with self._grown:
                if last >= self._head:
                    await self._grown.wait()


def granted(answer: Any) -> JSONResponse:
    return JSONResponse({"ok": True, "data": answer})


def refusal(status: int, code: str, message: str, *, retryable: bool = False) -> JSONResponse:
    error = {"code": code, "message": message, "retryable": retryable}
    return JSONResponse({"ok": False, "error": error}, status_code=status)


@asynccontextmanager
async def serving(app: Starlette) -> AsyncIterator[str]:
    """Serve `app` on a free loopback port."""
    with listening_socket() as listener:
        config = uvicorn.Config(app, log_level="error", lifespan="auto", timeout_graceful_shutdown=1)
        server = uvicorn.Server(config)
        running = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            await running


@asynccontextmanager
async def api_double() -> AsyncIterator[ApiDouble]:
    double = ApiDouble()
    async with serving(Starlette(routes=double.routes())) as url:
        double.url = url
        yield double
        await double.drop_sockets()
