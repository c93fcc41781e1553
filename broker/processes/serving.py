"""One listening socket and its server: open, served, drained at a signal."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import resource
import signal
import socket
from collections.abc import Callable, Iterator
from dataclasses import replace

import uvicorn

from broker.app import Adapters, build_app
from broker.domain.errors import RelayError
from broker.gateway.serving.server import in_clear, server_config
from broker.gateway.serving.tls import Certificate
from broker.gateway.serving.visitors import ServerConfig
from broker.services.people.open_connections import OpenConnections
from broker.settings import Settings

_log = logging.getLogger(__name__)
_OPEN_FILES = 65_536
"""Each peer is an open file; systems start programs with 1024, and the embedded server and its log want some too."""


class PortInUse(RelayError):
    """Something else listens there."""

    code = "PORT_IN_USE"
    http_status = 409


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers: on SIGTERM it would close every socket with 1012 at once."""

    def __init__(self, config: ServerConfig, *, on_started: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_started = on_started
        self._certificate = config.certificate
        self._handshake_s = config.door.limits.head_s

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        encrypted = self._certificate is not None
        await super().startup([] if encrypted else sockets)
        if encrypted:
            await self._listen(sockets or [])
        if self.started:
            self._on_started()

    async def _listen(self, sockets: list[socket.socket]) -> None:
        """As uvicorn does, with a deadline for the handshake, which comes before any protocol of ours sees the peer."""
        assert self._certificate is not None
        for each in sockets:
            server = await asyncio.get_running_loop().create_server(
                self._protocol,
                sock=each,
                ssl=self._certificate.context,
                ssl_handshake_timeout=self._handshake_s,
                ssl_shutdown_timeout=self._handshake_s,
                backlog=self.config.backlog,
            )
            self.servers.append(server)

    def _protocol(self) -> asyncio.Protocol:
        # uvicorn's types know the classes that it has itself.
        return self.config.http_protocol_class(  # type: ignore[call-arg]
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@contextlib.contextmanager
def bound_socket(settings: Settings) -> Iterator[tuple[socket.socket, Settings]]:
    """A listening socket, and the settings with the port it really has."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((settings.host, settings.port))
        except OSError as error:
            raise PortInUse(
                f"cannot listen on {settings.host}:{settings.port}: {error.strerror}; choose another with --port"
            ) from None
        yield listening, replace(settings, port=listening.getsockname()[1])
    finally:
        listening.close()


async def serve(
    settings: Settings, adapters: Adapters, listening: socket.socket, *, on_ready: Callable[[Settings], None]
) -> None:
    """Serve until SIGTERM or SIGINT, then drain; told when it listens."""
    _allow_open_files()
    app = build_app(settings, adapters=adapters)
    if warning := in_clear(settings):
        _log.warning("%s", warning)
    config = server_config(app, settings)
    server = _Server(config, on_started=lambda: on_ready(settings))
    following = asyncio.create_task(_follow(config.certificate), name="certificate")
    serving = asyncio.create_task(server.serve(sockets=[listening]), name="server")
    stopping = asyncio.create_task(watch_signals().wait(), name="signal")
    try:
        await asyncio.wait({stopping, serving}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopping.cancel()
        following.cancel()
        _drain(server, app.state.connections)
        await serving


async def _follow(certificate: Certificate | None) -> None:
    """Read a certificate anew when it changes, and at once on SIGHUP."""
    if certificate is None:
        return
    hurry = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, hurry.set)
    await certificate.follow(hurry)


def _allow_open_files() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, _OPEN_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _drain(server: uvicorn.Server, connections: OpenConnections) -> None:
    """Stop listening, tell every peer to reconnect, and let running requests finish."""
    for listener in getattr(server, "servers", []):  # none yet when the start was cut short
        listener.close()
    connections.drain()
    server.should_exit = True


def watch_signals() -> asyncio.Event:
    """Set by SIGTERM, SIGINT or a closed terminal; a second SIGINT ends the process at once."""
    loop = asyncio.get_running_loop()
    event = asyncio.Event()

    def on_signal() -> None:
        if event.is_set():
            loop.remove_signal_handler(signal.SIGINT)
        event.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # which is what `nohup` asks for
        loop.add_signal_handler(signal.SIGHUP, event.set)
    return event
