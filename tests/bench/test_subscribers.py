"""The subscribers that are measured with."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path

import httpx
import pytest

from tests.bench.against import subscribers
from tests.bench.subscribers import Run, Subscriber
from tests.bench.versions import SESSION, broker_of, this_version


async def test_they_are_ready_at_a_broker_of_this_version(tmp_path: Path) -> None:
    async with broker_of(this_version(tmp_path / "after")) as broker:
        async with httpx.AsyncClient(base_url=broker.url, headers=broker.headers, trust_env=False) as http:
            (await http.post("/v1/sessions", json={"name": SESSION})).raise_for_status()
        async with subscribers(broker, SESSION, count=2) as client:
            assert client.first_line == b"ready\n"


async def test_a_refused_upgrade_is_told_with_the_servers_words() -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 421 Misdirected Request\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(refuse, "127.0.0.1", 0) as server:
        host, port = server.sockets[0].getsockname()
        made = partial(Subscriber, Run(), host="elsewhere", path="/graphql", protocol="", says=[], awaits="CaughtUp")
        _, subscriber = await asyncio.get_running_loop().create_connection(made, host, port)
        with pytest.raises(ConnectionRefusedError, match="421 Misdirected"):
            async with asyncio.timeout(10):
                await subscriber.ready
