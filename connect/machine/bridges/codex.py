"""Codex: one app-server for each agent, on stdio or on a private unix socket.

One shared app-server could hold many threads, but what their commands start would all be its children: no agent could
be ended with everything it began, and one crash would take all of them along.
"""

from __future__ import annotations

import dataclasses

from broker import __version__
from broker.domain.agents.agents import Transport
from broker.protocol.codex.session import CodexSession
from connect.machine.bridges.launch import Launch, LaunchRequest, NotKept
from connect.machine.socket_pipe import socket_in

_EOF_GRACE_S = 1.0
"""On stdio it ends at the end of its input; measured 0.1 s. When it listens, nothing but a signal ends it."""


def launch_codex(request: LaunchRequest) -> Launch:
    """Plan the start of a Codex app-server. The relay's tools and token go into the thread's settings."""
    if request.cli.installed.transport is Transport.UNIX_SOCKET:
        return _listening(request)
    return Launch(
        command=request.command(),
        session=_session(request),
        transport=Transport.STDIO,
        eof_grace_s=_EOF_GRACE_S,
    )


def _listening(request: LaunchRequest) -> Launch:
    """What appears at the path is a link: 0.169.0 keeps the socket in a folder of its own, for its user only."""
    socket = socket_in(request.private)
    return Launch(
        command=dataclasses.replace(request.command("--listen", f"unix://{socket}"), socket=socket),
        session=_session(request),
        transport=Transport.UNIX_SOCKET,
        eof_grace_s=0.0,
    )


def _session(request: LaunchRequest) -> CodexSession:
    """One that may change nothing is in Codex' own read-only sandbox, and can ask nobody to let it out."""
    opening = request.opening(version=__version__)
    if request.spawn.asks_writes and not request.spawn.readonly:
        raise NotKept("codex changes files in its folder without asking")
    if request.spawn.readonly:
        return CodexSession(opening, approval_policy="never", sandbox="read-only")
    return CodexSession(opening)
