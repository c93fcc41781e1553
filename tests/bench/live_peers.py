"""The servers that fan live events out, ours and others, each on two processes and on one Redis."""

from __future__ import annotations

import contextlib
import secrets
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import cycle
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import orjson
from redis.asyncio import Redis

from broker.app import build_adapters
from broker.domain.ids import SessionId, WorkspaceId
from tests.bench.stage import Started, running
from tests.fixtures.gateway import make_workspace
from tests.fixtures.log_appender import log_appender, text_frame
from tests.fixtures.node import NODE

_PEERS = Path(__file__).with_name("peers")
_FOLLOW = """subscription($session: ID!) { sessionEvents(session: $session) {
  __typename ... on FrameEvent { cursor at agentName contents { ... on TextContent { text } } } } }"""
_FOLLOW_PEER = "subscription { sessionEvents { cursor at agentName contents { text } } }"

Publish = Callable[[list[str]], Any]
"""Tells texts to everybody, each as one event."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """Two processes of one kind of server, and how to speak to them."""

    name: str
    servers: list[Started]
    publish: Publish
    path: str
    protocol: str
    awaits: str
    says: list[list[list[str]]]
    """What each subscriber says, in turn: after the upgrade, after the first small message, and so on."""
    ports: list[int] = field(default_factory=list)

    def plan(self, subscribers: int) -> bytes:
        """For `tests.bench.subscribers`: sockets in turn on each process."""
        plan = {name: getattr(self, name) for name in ("path", "protocol", "awaits", "says", "ports")}
        return orjson.dumps({**plan, "subscribers": subscribers}) + b"\n"


@contextlib.asynccontextmanager
async def relaycast(folder: Path, redis_url: str, *, in_common: bool = True, sessions: int = 1) -> AsyncIterator[Fleet]:
    """Our gateways; events are appended to the sessions' logs, in turn, as the broker's scripts do."""
    adapters, workspace = build_adapters(redis_url), WorkspaceId(f"bench-{secrets.token_hex(4)}")
    try:
        key = await make_workspace(adapters, workspace)
        ids = [SessionId(f"session-{number}") for number in range(sessions)]
        for session in ids:
            await adapters.registry.create_session(workspace, session, name=session, epoch="bench")
        environment = {"BENCH_REDIS_URL": redis_url, "BENCH_IN_COMMON": "yes" if in_common else "no"}
        command = [sys.executable, "-m", "tests.bench.gateway"]
        async with _processes(command, folder, environment, 2) as servers:
            yield Fleet(
                name="relaycast" if in_common else "relaycast, fast path off",
                servers=servers,
                ports=_ports(servers),
                publish=_appending(adapters.redis, workspace, ids),
                says=[[[_init(key)], [_subscribe(_FOLLOW, session=session)]] for session in ids],
                awaits='"CaughtUp"',
                path="/graphql",
                protocol="Sec-WebSocket-Protocol: graphql-transport-ws\r\n",
            )
    finally:
        await adapters.redis.aclose()


@contextlib.asynccontextmanager
async def graphql_ws(folder: Path, redis_url: str) -> AsyncIterator[Fleet]:
    """The protocol's reference server."""
    async with _node("graphql_ws", folder, redis_url) as servers, _redis(redis_url) as redis:

        async def publish(texts: list[str]) -> None:
            pipe = redis.pipeline(transaction=False)
            for text in texts:
                pipe.publish("graphql_ws", orjson.dumps(_event(text)))
            await pipe.execute()

        yield Fleet(
            name="graphql-ws on ws (Node)",
            servers=servers,
            ports=_ports(servers),
            publish=publish,
            says=[[[_init("")], [_subscribe(_FOLLOW_PEER), '{"type":"ping"}']]],
            awaits='"pong"',
            path="/graphql",
            protocol="Sec-WebSocket-Protocol: graphql-transport-ws\r\n",
        )


@contextlib.asynccontextmanager
async def socket_io(folder: Path, redis_url: str) -> AsyncIterator[Fleet]:
    """socket.io, whose Redis Streams adapter reads what another server of the cluster has broadcast."""
    async with _node("socket_io", folder, redis_url) as servers, _redis(redis_url) as redis:

        async def publish(texts: list[str]) -> None:
            pipe = redis.pipeline(transaction=False)
            for text in texts:
                packet = {"type": 2, "data": ["event", _event(text)], "nsp": "/"}
                data = {"packet": packet, "opts": {"rooms": [], "except": [], "flags": {}}}
                row: dict[Any, Any] = {"uid": "bench", "nsp": "/", "type": "3", "data": orjson.dumps(data)}
                pipe.xadd("socket_io", row, maxlen=10_000, approximate=True)
            await pipe.execute()

        yield Fleet(
            name="socket.io, Redis Streams adapter (Node)",
            servers=servers,
            ports=_ports(servers),
            publish=publish,
            says=[[[], ["40"]]],
            awaits='40{"sid"',
            path="/socket.io/?EIO=4&transport=websocket",
            protocol="",
        )


def _appending(redis: Any, workspace: WorkspaceId, sessions: list[SessionId]) -> Publish:
    appends = cycle([log_appender(redis, workspace, session) for session in sessions])

    async def publish(texts: list[str]) -> None:
        await next(appends)([text_frame(text) for text in texts])

    return publish


def _event(text: str) -> dict[str, object]:
    at = datetime.now(UTC).isoformat(timespec="milliseconds")
    return {"cursor": "bench:123456", "at": at, "agentName": "Bob", "contents": [{"text": text}]}


def _init(key: str) -> str:
    return orjson.dumps({"type": "connection_init", "payload": {"authorization": f"Bearer {key}"}}).decode()


def _subscribe(query: str, **variables: str) -> str:
    payload = {"query": query, "variables": variables}
    return orjson.dumps({"id": "1", "type": "subscribe", "payload": payload}).decode()


@contextlib.asynccontextmanager
async def _node(name: str, folder: Path, redis_url: str) -> AsyncIterator[list[Started]]:
    address = urlsplit(redis_url)
    environment = {
        "REDIS_SOCKET": unquote(address.path),
        "REDIS_PASSWORD": unquote(address.password or ""),
        "CHANNEL": name,
        "NODE_ENV": "production",
    }
    async with _processes([str(NODE), str(_PEERS / f"{name}.mjs")], folder, environment, 2) as servers:
        yield servers


@contextlib.asynccontextmanager
async def _processes(
    command: list[str], folder: Path, environment: dict[str, str], count: int
) -> AsyncIterator[list[Started]]:
    async with contextlib.AsyncExitStack() as stack:
        yield [
            await stack.enter_async_context(running(command, folder=folder, environment=environment))
            for _ in range(count)
        ]


@contextlib.asynccontextmanager
async def _redis(url: str) -> AsyncIterator[Redis]:
    client = Redis.from_url(url)
    try:
        yield client
    finally:
        await client.aclose()


def _ports(servers: list[Started]) -> list[int]:
    return [orjson.loads(server.first_line)["port"] for server in servers]
