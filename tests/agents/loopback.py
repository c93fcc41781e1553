"""Serves an ASGI application on a free port of the loopback interface, inside the test's own event loop."""

import asyncio
import contextlib
from collections.abc import Iterator

import uvicorn
from starlette.types import ASGIApp
from typing_extensions import override

from tests.fixtures.ports import listening_socket

_SHUTDOWN_GRACE_S = 1
"""A stream that a test left hanging must not hold up the end of the test."""


class LoopbackServer:
    """Owns one listening socket and the task that serves it; `url` takes connections from the start."""

    def __init__(self, application: ASGIApp, *, lifespan: bool = False) -> None:
        self._socket = listening_socket()
        configuration = uvicorn.Config(
            application,
            log_level="error",
            lifespan="on" if lifespan else "off",
            timeout_graceful_shutdown=_SHUTDOWN_GRACE_S,
            ws="none",
        )
        self._server = _EmbeddedServer(configuration)
        self._serving: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        """The address without a path."""
        return f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    def start(self) -> None:
        """Begin to answer."""
        self._serving = asyncio.create_task(self._server.serve(sockets=[self._socket]))

    async def stop(self) -> None:
        """Close all connections."""
        self._server.should_exit = True
        if self._serving is not None:
            await self._serving


class _EmbeddedServer(uvicorn.Server):
    """A uvicorn server that leaves the signals of the test process alone."""

    @override
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
