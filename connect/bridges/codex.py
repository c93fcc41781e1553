"""Codex: one app-server on stdio for each agent.

One shared app-server could hold many threads, but what their commands start would all be its children: no agent could
be ended with everything it began, and one crash would take all of them along.
"""

from __future__ import annotations

from broker import __version__
from broker.domain.agents import Transport
from broker.protocol.codex import CodexSession
from connect.bridges.launch import Launch, LaunchRequest

_EOF_GRACE_S = 1.0
"""It ends at the end of its input; measured 0.1 s."""


def launch_codex(request: LaunchRequest) -> Launch:
    """Plan the start of a Codex app-server. The relay's tools and token go into the thread's settings, over stdin."""
    return Launch(
        command=request.command(),
        session=CodexSession(request.opening(version=__version__)),
        transport=Transport.STDIO,
        eof_grace_s=_EOF_GRACE_S,
    )
