"""A TCP proxy that misbehaves when told to: it drops, stalls, truncates, delays and swallows. Plain asyncio."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

_CHUNK = 64 * 1024


@dataclass(slots=True, kw_only=True)
class Weather:
    """How the proxy treats bytes from now on, those of open connections too."""

    up: bool = True
    """Whether bytes of clients go on to the server. While not, they wait, as in a network that stands still."""
    down: bool = True
    """Whether bytes of the server go on to clients."""
    delay_s: float = 0.0
    """How long each chunk waits, each way."""
    truncate_after: int | None = None
    """A connection breaks off in the middle of a chunk after so many bytes of it from the server."""
    answers: bool = True
    """Whether new connections reach a server. While not, they are taken and nothing is ever said."""


@dataclass(slots=True, eq=False)
class _Connection:
    client: asyncio.StreamWriter
    server: asyncio.StreamWriter | None = None
    carried: int = 0
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    @property
    def writers(self) -> list[asyncio.StreamWriter]:
        return [writer for writer in (self.client, self.server) if writer is not None]

    def abort(self) -> None:
        """End both sides with a reset, as a router that lost its table does."""
        for writer in self.writers:
            writer.transport.abort()

    def close(self) -> None:
        """End both sides in good order: what was said before is still read, even by a peer that sleeps now."""
        for writer in self.writers:
            writer.close()


class FaultyProxy:
    """Listens on one port and carries each connection to one of its servers, in turn."""

    def __init__(self, targets: Sequence[int], *, name: str) -> None:
        self.name = name
        self.targets = list(targets)
        self.weather = Weather()
        self.port = 0
        self._turns = itertools.count()
        self._open: set[_Connection] = set()
        self._changed = asyncio.Event()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[FaultyProxy]:
        """Serve until left; whatever is open then is reset."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            self.calm()
            tasks = [task for connection in self._open for task in connection.tasks]
            self.reset()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def change(self, weather: Weather) -> None:
        """From now on treat bytes like this."""
        self.weather = weather
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    def calm(self) -> None:
        """From now on carry everything."""
        self.change(Weather())

    def reset(self) -> int:
        """Break every open connection; how many there were."""
        connections = list(self._open)
        for connection in connections:
            connection.abort()
        return len(connections)

    @property
    def connections(self) -> int:
        """How many are open."""
        return len(self._open)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = _Connection(writer)
        task = asyncio.current_task()
        assert task is not None
        connection.tasks.append(task)
        self._open.add(connection)
        try:
            await self._carry(connection, reader)
        except (OSError, asyncio.IncompleteReadError):
            pass  # one of the two is gone; the other learns it now
        finally:
            self._open.discard(connection)
            connection.close()

    async def _carry(self, connection: _Connection, reader: asyncio.StreamReader) -> None:
        while not self.weather.answers:
            await self._changed.wait()
        from_server, connection.server = await self._dial()
        up = asyncio.create_task(self._pump(connection, reader, connection.server, upward=True))
        down = asyncio.create_task(self._pump(connection, from_server, connection.client, upward=False))
        connection.tasks += [up, down]
        try:
            await asyncio.wait({up, down}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (up, down):
                task.cancel()
            await asyncio.gather(up, down, return_exceptions=True)

    async def _dial(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """The next server in turn that takes a connection. Raises `OSError` when none does."""
        turn = next(self._turns)
        for at in range(len(self.targets)):
            with contextlib.suppress(OSError):
                return await asyncio.open_connection("127.0.0.1", self.targets[(turn + at) % len(self.targets)])
        raise ConnectionRefusedError(f"nothing behind {self.name}")

    async def _pump(
        self, connection: _Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, upward: bool
    ) -> None:
        while data := await reader.read(_CHUNK):
            if self.weather.delay_s:
                await asyncio.sleep(self.weather.delay_s)
            while not (self.weather.up if upward else self.weather.down):
                await self._changed.wait()
            limit = self.weather.truncate_after
            if limit is not None and not upward:
                connection.carried += len(data)
                if connection.carried > limit:
                    writer.write(data[: max(1, len(data) // 2)])
                    await writer.drain()
                    return
            writer.write(data)
            await writer.drain()
