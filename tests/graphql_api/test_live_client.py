"""The public client of the protocol is content."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from broker.domain.ids import SessionId
from tests.fixtures.gateway import Gateway
from tests.fixtures.log_appender import Append, log_appender, text_frame
from tests.fixtures.node import run_node


@asynccontextmanager
async def said_by_post(append: Append) -> AsyncIterator[str]:
    """A URL; what is posted there is said in the session."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(head.partition("content-length:")[2].split()[0])
        await append([text_frame((await reader.readexactly(length)).decode())])
        writer.write(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"


async def test_the_public_client_of_the_protocol_is_content(gateway: Gateway) -> None:
    session = await gateway.ok("POST", "/v1/sessions", {"name": "main"})
    _, observer = await gateway.token("observer")
    append = log_appender(gateway.adapters.redis, gateway.workspace, SessionId(session["id"]))
    async with said_by_post(append) as say:
        passed = await run_node(
            "follow_live.mjs",
            {
                "url": f"{gateway.ws_url}/graphql",
                "key": gateway.key,
                "observer": observer,
                "session": session["id"],
                "epoch": session["epoch"],
                "say": say,
            },
        )
    assert len(passed) == 12, passed
