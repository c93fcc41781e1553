"""Gemini and every other agent that speaks the Agent Client Protocol on stdio."""

from __future__ import annotations

import time
from glob import escape
from pathlib import Path

from broker import __version__
from broker.domain.agents import Transport
from broker.protocol.acp import AcpSession
from connect.bridges.launch import Launch, LaunchRequest
from connect.state_folder import write_private

_EOF_GRACE_S = 1.0
_GEMINI_EOF_GRACE_S = 0.3
"""With an HTTP tool server attached it never ends by itself, only by TERM."""
_MINUTE_S = 60.0
_GEMINI_POLICY = b"""\
[[rule]]
mcpName = "relay"
toolName = "*"
decision = "allow"
priority = 900
"""
"""Calls to the relay's own tools ask nobody; `toolName` is required for the rule to match at all."""


def launch_acp(request: LaunchRequest) -> Launch:
    """Plan the start of an ACP agent. The relay's tools and token go into the session's settings, over stdin."""
    gemini = request.spawn.cli == "gemini"
    arguments = ("--admin-policy", str(_gemini_policy(request))) if gemini else ()
    return Launch(
        # The relauncher is a second process that ignores TERM and doubles the time to start.
        command=request.command(*arguments, env={"GEMINI_CLI_NO_RELAUNCH": "true"} if gemini else None),
        session=AcpSession(request.opening(version=__version__)),
        transport=Transport.STDIO,
        eof_grace_s=_GEMINI_EOF_GRACE_S if gemini else _EOF_GRACE_S,
        wait_s=_until_loadable_s(request) if gemini and request.spawn.resume else 0.0,
    )


def _until_loadable_s(request: LaunchRequest) -> float:
    """How long a conversation cannot be loaded.

    Gemini names its files by minute and conversation, and begins one when it starts: loading within the minute that is
    in the file's name empties that very file.
    """
    home = Path(request.environment.get("GEMINI_CLI_HOME") or request.environment.get("HOME", "~")).expanduser()
    now = time.time()
    minute = time.strftime("%Y-%m-%dT%H-%M", time.gmtime(now))
    files = f"tmp/*/chats/session-{minute}-{escape((request.spawn.resume or '')[:8])}*"
    return _MINUTE_S - now % _MINUTE_S if any((home / ".gemini").glob(files)) else 0.0


def _gemini_policy(request: LaunchRequest) -> Path:
    path = request.private / "relay-policy.toml"
    # As an admin policy it adds to the user's own rules; --policy would take their place.
    write_private(path, _GEMINI_POLICY)
    return path
