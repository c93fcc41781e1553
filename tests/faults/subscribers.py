"""A crowd of live readers: some come and go, some never read what they asked for."""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
from base64 import b64encode
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import httpx
import orjson
from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

from tests.faults.topology import SESSION, Stage

_LONGEST_STAY_S = 1.0
_TINY_BUFFER = 4096
_SIP_BYTES, _SIP_S = 4096, 0.1
"""What a slow reader takes at a time: 40 KB a second."""
_FOLLOW = """subscription($session: ID!) { sessionEvents(session: $session) {
  __typename ... on Event { cursor } ... on FrameEvent { contents { ... on TextDelta { text } } } } }"""


class WrongSubscription(Exception):
    """The broker refuses what we ask for: the crowd would not be one."""


@contextlib.asynccontextmanager
async def crowd(stage: Stage, *, comers: int) -> AsyncIterator[None]:
    """Comers and goers on both gateways and both protocols, and on each gateway a stalled and a slow reader."""
    dice = random.Random(stage.mark)
    tasks = [asyncio.create_task(_come_and_go(stage, n, dice)) for n in range(comers)]
    tasks += [asyncio.create_task(_stall(stage, url, sips=sips)) for url in stage.urls for sips in (False, True)]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        for found in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(found, WrongSubscription):
                raise found


async def _come_and_go(stage: Stage, number: int, dice: random.Random) -> None:
    url = stage.urls[number % len(stage.urls)]
    read = _read_sse if number % 4 else _read_socket
    while True:
        with contextlib.suppress(OSError, TimeoutError, httpx.HTTPError, WebSocketException):
            async with asyncio.timeout(dice.uniform(0.2, _LONGEST_STAY_S)):
                await read(stage, url)
        await asyncio.sleep(dice.uniform(0.0, 0.5))


async def _read_sse(stage: Stage, url: str) -> None:
    headers = {**stage.headers, "Accept": "text/event-stream"}
    async with (
        httpx.AsyncClient(headers=headers, trust_env=False) as http,
        http.stream("POST", f"{url}/graphql", json={"query": _FOLLOW, "variables": {"session": SESSION}}) as answer,
    ):
        async for data in answer.aiter_bytes():
            if b"GRAPHQL_VALIDATION_FAILED" in data or answer.status_code == 400:
                raise WrongSubscription(data[:300])


async def _read_socket(stage: Stage, url: str) -> None:
    address = f"{url.replace('http', 'ws', 1)}/v1/sessions/{SESSION}/events"
    async with connect(address, additional_headers=stage.headers, proxy=None, close_timeout=1, max_size=None) as live:
        async for _ in live:
            pass


async def _stall(stage: Stage, url: str, *, sips: bool) -> None:
    """Subscribe over a raw socket with the smallest of buffers; then read slowly, or not at all."""
    while True:
        with contextlib.suppress(OSError):
            await _subscribe_and_stall(stage, url, sips=sips)
        await asyncio.sleep(1)


async def _subscribe_and_stall(stage: Stage, url: str, *, sips: bool) -> None:
    loop = asyncio.get_running_loop()
    where = urlsplit(url)
    with socket.socket() as raw:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _TINY_BUFFER)
        raw.setblocking(False)
        await loop.sock_connect(raw, (where.hostname, where.port))
        await loop.sock_sendall(raw, _upgrade(where.netloc))
        if not await loop.sock_recv(raw, _SIP_BYTES):
            return
        await loop.sock_sendall(
            raw, _text({"type": "connection_init", "payload": {"authorization": stage.headers["Authorization"]}})
        )
        if not await loop.sock_recv(raw, _SIP_BYTES):
            return
        payload = {"query": _FOLLOW, "variables": {"session": SESSION}}
        await loop.sock_sendall(raw, _text({"id": "1", "type": "subscribe", "payload": payload}))
        while await loop.sock_recv(raw, _SIP_BYTES) if sips else True:
            await asyncio.sleep(_SIP_S)


def _upgrade(host: str) -> bytes:
    lines = [
        "GET /graphql HTTP/1.1",
        f"Host: {host}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {b64encode(bytes(16)).decode()}",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Protocol: graphql-transport-ws",
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def _text(message: object) -> bytes:
    """A text frame of a client. Its mask is zero, which changes nothing."""
    body = orjson.dumps(message)
    size = len(body)
    head = bytes([0x81, 0x80 | size]) if size < 126 else bytes([0x81, 0xFE]) + size.to_bytes(2, "big")
    return head + bytes(4) + body
