"""What Prometheus reads of a link at --metrics-port, on this machine's loopback alone.

Written by hand, as the base install has no library for it. No label and no value comes from an agent, a session or a
person, so that everybody on this machine may read it.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from broker import __version__
from broker.domain.errors import Conflict
from connect.machine.backlog import Backlog
from connect.notices import AgentEnded, AgentStarted, Connected, Disconnected, Notice, Warned

HOST = "127.0.0.1"
PATH = "/metrics"
MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_OWN_NAMES = frozenset({"localhost", HOST})
_ASK_S = 5.0
"""For whoever asks, in all."""
_MOST_BYTES = 8192
"""Of a request's head."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """How the link is at one moment."""

    up_s: float
    connected: bool
    agents: int
    terminals: int
    questions: int
    """That wait for an answer at this machine."""
    backlog: Backlog


@dataclass(slots=True, kw_only=True)
class Counts:
    """What has happened since the link's start, by what it told its user."""

    connects: int = 0
    disconnects: int = 0
    agents_started: int = 0
    agents_failed: int = 0
    warnings: int = 0

    def heed(self, notice: Notice) -> None:
        """Count a notice."""
        match notice:
            case Connected():
                self.connects += 1
            case Disconnected():
                self.disconnects += 1
            case AgentStarted():
                self.agents_started += 1
            case AgentEnded(reason=reason) if reason != "stopped":
                self.agents_failed += 1
            case Warned():
                self.warnings += 1
            case _:
                pass


def write_exposition(figures: Figures, counts: Counts) -> str:
    """All of it in Prometheus' text format, 0.0.4."""
    return "".join(
        f"# HELP {name} {about}\n# TYPE {name} {kind}\n{name}{labels} {value}\n"
        for name, kind, about, labels, value in _list_metrics(figures, counts)
    )


def _list_metrics(figures: Figures, counts: Counts) -> Iterator[tuple[str, str, str, str, float]]:
    backlog = figures.backlog
    version = f'{{version="{__version__}"}}'
    yield "relay_connect_build_info", "gauge", "The version that runs", version, 1
    for name, about, value in (
        ("up_seconds", "Since the link process was started", figures.up_s),
        ("connected", "1 while the broker has this machine's link, 0 while it has not", int(figures.connected)),
        ("agents", "Agents of this machine that are not over", figures.agents),
        ("terminals", "Terminals that are open at this link", figures.terminals),
        ("questions", "Questions that wait for a person at this machine", figures.questions),
        ("spool_reports", "Reports that the broker has not acknowledged", backlog.reports),
        ("spool_bytes", "Their size", backlog.bytes),
        ("spool_limit_bytes", "At this size agents' output is dropped", backlog.limit_bytes),
        ("spool_on_disk", "1 while reports are kept on disk, 0 while in memory alone", int(backlog.on_disk)),
    ):
        yield f"relay_connect_{name}", "gauge", about, "", value
    for name, about, count in (
        ("connects", "Times the broker took this machine's link", counts.connects),
        ("disconnects", "Times the link broke, or could not be made", counts.disconnects),
        ("agents_started", "Processes of agents that were started", counts.agents_started),
        ("agents_failed", "Agents that ended without being told to, or did not start", counts.agents_failed),
        ("reports_dropped", "Frames of agents that were dropped because the spool was full", backlog.dropped),
        ("warnings", "Warnings to this machine's user", counts.warnings),
    ):
        yield f"relay_connect_{name}_total", "counter", about, "", count


@contextlib.asynccontextmanager
async def metrics_port(port: int, write: Callable[[], str]) -> AsyncIterator[int]:
    """Listen for the block, at a port that the system chooses for 0; the port. Raises `Conflict`."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            async with asyncio.timeout(_ASK_S):
                head = await reader.readuntil(b"\r\n\r\n")
                writer.write(_answer(head.decode("latin-1"), write))
                await writer.drain()
        writer.close()

    try:
        server = await asyncio.start_server(serve, HOST, port, limit=_MOST_BYTES)
    except OSError as error:
        raise Conflict(
            f"cannot listen on {HOST}:{port}: {error.strerror}; choose another with --metrics-port", code="PORT_IN_USE"
        ) from None
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


def _answer(head: str, write: Callable[[], str]) -> bytes:
    request, *lines = head.split("\r\n")
    method, target, *_ = [*request.split(" "), "", ""]
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    # A page whose own name was made to lead to this machine reads nothing.
    if urlsplit(f"//{headers.get('host', '')}").hostname not in _OWN_NAMES:
        return _response("421 Misdirected Request", "this is 127.0.0.1\n")
    if method != "GET":
        return _response("405 Method Not Allowed", "GET\n")
    if target.partition("?")[0] != PATH:
        return _response("404 Not Found", f"{PATH}\n")
    return _response("200 OK", write(), MEDIA_TYPE)


def _response(status: str, text: str, media_type: str = "text/plain") -> bytes:
    body = text.encode()
    head = (
        f"HTTP/1.1 {status}",
        f"Content-Type: {media_type}",
        f"Content-Length: {len(body)}",
        "Cache-Control: no-store",
        "X-Content-Type-Options: nosniff",
        "Connection: close",
    )
    return "\r\n".join([*head, "", ""]).encode() + body
