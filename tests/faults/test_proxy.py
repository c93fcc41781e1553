"""The faulty proxy in front of an echo server: each kind of weather does to bytes what it says."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from tests.faults.proxy import FaultyProxy, Weather

_FAR = 20.0
"""Longer than anything here takes; the end of a test that would hang."""


@contextlib.asynccontextmanager
async def echo(greeting: bytes = b"") -> AsyncIterator[int]:
    """A server that says every byte back; its port."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(greeting)
        with contextlib.suppress(OSError):
            while data := await reader.read(1000):
                writer.write(data)
                await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


@contextlib.asynccontextmanager
async def client(proxy: FaultyProxy) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    try:
        async with asyncio.timeout(_FAR):
            yield reader, writer
    finally:
        writer.transport.abort()


async def test_calm_weather_carries_both_ways() -> None:
    async with echo() as port, FaultyProxy([port], name="door").running() as proxy, client(proxy) as (reader, writer):
        writer.write(b"hello")
        assert await reader.readexactly(5) == b"hello"


async def test_connections_go_to_the_servers_in_turn_and_past_one_that_is_away() -> None:
    async with echo(b"1") as one, echo(b"2") as two, FaultyProxy([one, two], name="door").running() as proxy:
        async with client(proxy) as (first, _), client(proxy) as (second, _):
            assert {await first.readexactly(1), await second.readexactly(1)} == {b"1", b"2"}
        proxy.targets[0] = 1  # nobody listens there
        for _ in range(2):
            async with client(proxy) as (reader, _):
                assert await reader.readexactly(1) == b"2"


async def test_what_was_said_before_an_end_is_read_after_it() -> None:
    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        del reader
        writer.write(b"x" * 100_000)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(greet, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with FaultyProxy([port], name="door").running() as proxy, client(proxy) as (reader, writer):
            writer.write(b"never read")
            assert await reader.read(-1) == b"x" * 100_000


@pytest.mark.parametrize("weather", [Weather(up=False), Weather(down=False)])
async def test_what_stalls_arrives_when_it_is_over(weather: Weather) -> None:
    async with echo() as port, FaultyProxy([port], name="door").running() as proxy, client(proxy) as (reader, writer):
        writer.write(b"a")
        assert await reader.readexactly(1) == b"a"
        proxy.change(weather)
        writer.write(b"b")
        reading = asyncio.create_task(reader.readexactly(1))
        async with client(proxy) as (other, other_writer):  # a marker that had every chance to overtake
            other_writer.write(b"c")
            assert not reading.done()
            proxy.calm()
            assert await reading == b"b"
            assert await other.readexactly(1) == b"c"


async def test_a_reset_ends_what_is_open_and_nothing_else() -> None:
    async with echo() as port, FaultyProxy([port], name="door").running() as proxy:
        async with client(proxy) as (reader, writer):
            writer.write(b"a")
            assert await reader.readexactly(1) == b"a"
            assert proxy.reset() == 1
            with contextlib.suppress(ConnectionError):
                assert await reader.read() == b""
        async with client(proxy) as (reader, writer):
            writer.write(b"b")
            assert await reader.readexactly(1) == b"b"


async def test_a_truncated_connection_breaks_off_in_the_middle() -> None:
    async with echo() as port, FaultyProxy([port], name="door").running() as proxy, client(proxy) as (reader, writer):
        proxy.change(Weather(truncate_after=10))
        writer.write(b"0123456789")
        assert await reader.readexactly(10) == b"0123456789"
        writer.write(b"abcdefgh")
        rest = b""
        with contextlib.suppress(ConnectionError):
            rest = await reader.read()
        assert b"abcdefgh".startswith(rest)
        assert len(rest) < 8


async def test_a_black_hole_takes_connections_and_says_nothing_until_it_is_over() -> None:
    async with echo(b"hello") as port, FaultyProxy([port], name="door").running() as proxy:
        proxy.change(Weather(answers=False))
        async with client(proxy) as (reader, _):
            reading = asyncio.create_task(reader.readexactly(5))
            while not proxy.connections:
                await asyncio.sleep(0)
            assert not reading.done()
            proxy.calm()
            assert await reading == b"hello"


async def test_delayed_bytes_keep_their_order() -> None:
    async with echo() as port, FaultyProxy([port], name="door").running() as proxy, client(proxy) as (reader, writer):
        proxy.change(Weather(delay_s=0.01))
        for number in range(10):
            writer.write(b"%d" % number)
            await writer.drain()
        assert await reader.readexactly(10) == b"0123456789"


async def test_when_nothing_is_behind_the_door_the_connection_is_ended() -> None:
    async with FaultyProxy([1], name="door").running() as proxy, client(proxy) as (reader, _):
        with contextlib.suppress(ConnectionError):
            assert await reader.read() == b""
