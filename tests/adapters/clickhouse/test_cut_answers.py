"""A server whose connection is cut in the middle of an answer: the call is refused as one to come again with."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import sys
from asyncio import StreamReader, StreamWriter
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from broker.adapters.clickhouse.client import ClickHouse, clickhouse_server
from broker.domain.errors import Unavailable

_MANY = "SELECT number, toString(number) FROM numbers(50000)"
"""Some 700 kB in several blocks."""


class CuttingProxy:
    """Passes everything on, until it is told after how many bytes more of answers connections end, and how."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.left: int | None = None
        self.resets = False
        self._serving: set[asyncio.Task[None]] = set()

    def begin(self, reader: StreamReader, writer: StreamWriter) -> None:
        """Serve one connection."""
        task = asyncio.create_task(self.serve(reader, writer))
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)

    async def end(self) -> None:
        """Serve none any more."""
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)

    async def serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        """One connection."""
        answers, questions = await asyncio.open_connection("127.0.0.1", self._port)
        try:
            async with asyncio.TaskGroup() as tasks:
                asking = tasks.create_task(_pass_on(reader, questions))
                await self._answer(answers, writer)
                asking.cancel()
        except* OSError:
            pass  # the peer was first
        finally:
            questions.close()
            if self.left is not None and self.resets:
                now = struct.pack("ii", 1, 0)
                writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, now)
                writer.transport.abort()
            writer.close()

    async def _answer(self, answers: StreamReader, writer: StreamWriter) -> None:
        while data := await answers.read(65536):
            writer.write(data[: self.left])
            await writer.drain()
            if self.left is not None:
                self.left = max(0, self.left - len(data))
                if not self.left:
                    return


async def _pass_on(reader: StreamReader, writer: StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)


@contextlib.asynccontextmanager
async def engine(folder: Path) -> AsyncIterator[int]:
    """A server's port."""
    command = [sys.executable, "-m", "tests.contracts.clickhouse_front", str(folder)]
    process = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE)
    assert process.stdin
    assert process.stdout
    try:
        async with asyncio.timeout(30):
            yield int(await process.stdout.readline())
    finally:
        process.stdin.close()
        async with asyncio.timeout(30):
            await process.wait()


@contextlib.asynccontextmanager
async def behind_a_proxy(folder: Path) -> AsyncIterator[tuple[ClickHouse, CuttingProxy]]:
    """A client of a server, whose connections can be cut."""
    async with engine(folder) as port:
        proxy = CuttingProxy(port)
        server = await asyncio.start_server(proxy.begin, "127.0.0.1", 0)
        try:
            async with clickhouse_server(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/default") as opened:
                yield opened, proxy
        finally:
            server.close()
            await proxy.end()


@pytest.mark.timeout(60)
async def test_whatever_of_an_answer_came_before_its_connection_was_cut_it_is_no_answer_and_the_next_one_is(
    tmp_path: Path,
) -> None:
    async with behind_a_proxy(tmp_path) as (clickhouse, proxy):
        whole = await clickhouse.query(_MANY)
        assert len(whole) == 50_000
        for proxy.resets in (False, True):
            for cut in (0, 30, 400, 5_000, 600_000):  # no answer, a part of its head, one row, one block, most blocks
                proxy.left = None
                assert await clickhouse.query("SELECT 1") == [(1,)]  # connected again: the cut meets the answer alone
                proxy.left = cut
                with pytest.raises(Unavailable) as refused:
                    await clickhouse.query(_MANY)
                assert (refused.value.retryable, refused.value.retry_after_s) == (True, 1)
        proxy.left = None
        assert await clickhouse.query(_MANY) == whole
