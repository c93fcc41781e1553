"""A server whose connection is cut in the middle of an answer: the call is refused as one to come again with."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import sys
from asyncio import StreamReader, StreamWriter
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from broker.adapters.clickhouse.client import ClickHouse, Lane, clickhouse_server
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


@dataclass(frozen=True, slots=True)
class Engine:
    """A server that runs."""

    port: int
    process: Process


@contextlib.asynccontextmanager
async def engine(folder: Path, *, port: int = 0) -> AsyncIterator[Engine]:
    """A server, which may be killed meanwhile."""
    command = [sys.executable, "-m", "tests.contracts.clickhouse_front", str(folder), str(port)]
    process = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE)
    assert process.stdin
    assert process.stdout
    try:
        async with asyncio.timeout(30):
            line = await process.stdout.readline()
        yield Engine(int(line), process)
    finally:
        process.stdin.close()
        async with asyncio.timeout(30):
            await process.wait()


@contextlib.asynccontextmanager
async def behind_a_proxy(folder: Path) -> AsyncIterator[tuple[ClickHouse, CuttingProxy]]:
    """A client of a server, whose connections can be cut."""
    async with engine(folder) as running:
        proxy = CuttingProxy(running.port)
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


_ENDLESS = "SELECT count() FROM numbers(1000000000000) WHERE sipHash64(number) = 1"


def cpu_ticks(process: Process) -> int:
    """How long it has worked."""
    return sum(map(int, Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[11:13]))


async def until_at_work(process: Process) -> None:
    """It has begun what it was asked for: nothing else takes so long."""
    before = cpu_ticks(process)
    async with asyncio.timeout(30):
        while cpu_ticks(process) < before + 30:
            await asyncio.sleep(0.02)


@pytest.mark.timeout(120)
@pytest.mark.skipif(sys.platform != "linux", reason="whether it is at work is read from /proc")
async def test_a_server_that_is_killed_within_a_search_refuses_that_one_and_answers_the_next_once_it_is_back(
    tmp_path: Path,
) -> None:
    async with contextlib.AsyncExitStack() as stack:
        first = await stack.enter_async_context(engine(tmp_path / "engine"))
        url = f"http://127.0.0.1:{first.port}/default"
        clickhouse = await stack.enter_async_context(clickhouse_server(url))
        assert await clickhouse.query("SELECT 1", lane=Lane.SEARCH) == [(1,)]
        searching = asyncio.create_task(clickhouse.query(_ENDLESS, lane=Lane.SEARCH, caller="w"))
        await until_at_work(first.process)
        first.process.kill()
        await first.process.wait()
        for asking in (searching, asyncio.create_task(clickhouse.query("SELECT 1", lane=Lane.SEARCH, caller="w"))):
            with pytest.raises(Unavailable) as refused:
                async with asyncio.timeout(20):
                    await asking
            assert (refused.value.code, refused.value.retryable) == ("STORE_UNAVAILABLE", True)
        await stack.enter_async_context(engine(tmp_path / "engine", port=first.port))
        async with asyncio.timeout(20):
            assert await clickhouse.query("SELECT 1", lane=Lane.SEARCH, caller="w") == [(1,)]
