"""Gemini and every other agent that speaks the Agent Client Protocol on stdio."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from broker import __version__
from broker.domain.agents.agents import Transport
from broker.domain.agents.vendors import ASK_WRITES
from broker.protocol.acp.session import AcpSession
from connect.machine.bridges.gemini_chats import chat_files, remove_leftovers, wait_s
from connect.machine.bridges.launch import Launch, LaunchRequest, NotKept
from connect.system.state_folder import write_private

_EOF_GRACE_S = 1.0
_GEMINI_EOF_GRACE_S = 0.3
"""With an HTTP tool server attached it never ends by itself, only by TERM."""
_GEMINI_POLICY = b"""\
[[rule]]
mcpName = "relay"
toolName = "*"
decision = "allow"
priority = 900
"""
"""Calls to the relay's own tools ask nobody; `toolName` is required for the rule to match at all."""


def _gemini_rules(decision: bytes, *tools: bytes) -> bytes:
    """Above whatever people's own rules allow."""
    rule = b'[[rule]]\ntoolName = "%s"\ndecision = "%s"\npriority = 950\n'
    return b"".join(rule % (name, decision) for name in tools)


_GEMINI_READONLY = _gemini_rules(b"deny", b"run_shell_command", b"write_file", b"replace", b"save_memory")
"""Its tools that change files or start commands."""
_GEMINI_ASKING = _gemini_rules(b"deny", b"run_shell_command", b"save_memory") + _gemini_rules(
    b"ask_user", b"write_file", b"replace"
)
"""Those that change files that it names ask, those of which nobody can tell are denied."""


def launch_acp(request: LaunchRequest) -> Launch:
    """Plan the start of an ACP agent. The relay's tools and token go into the session's settings, over stdin."""
    gemini = request.spawn.cli == "gemini"
    if request.spawn.readonly and not gemini:
        raise NotKept(f"{request.spawn.cli} cannot be kept from changing files")
    if request.spawn.asks_writes and request.spawn.cli not in ASK_WRITES:
        raise NotKept(f"{request.spawn.cli} cannot be kept to some files")
    arguments = ("--admin-policy", str(_gemini_policy(request))) if gemini else ()
    if gemini and request.spawn.asks_writes:
        arguments = (*arguments, "--approval-mode", "default")  # people's settings may have one that asks for no edit
    return Launch(
        # The relauncher is a second process that ignores TERM and doubles the time to start.
        command=request.command(*arguments, env={"GEMINI_CLI_NO_RELAUNCH": "true"} if gemini else None),
        session=AcpSession(request.opening(version=__version__)),
        transport=Transport.STDIO,
        eof_grace_s=_GEMINI_EOF_GRACE_S if gemini else _EOF_GRACE_S,
        delay_s=_prepare(request, now=datetime.now(UTC)) if gemini else 0.0,
    )


def _gemini_policy(request: LaunchRequest) -> Path:
    path = request.private / "relay-policy.toml"
    # As an admin policy it adds to the user's own rules; --policy would take their place.
    kept = _GEMINI_READONLY if request.spawn.readonly else _GEMINI_ASKING if request.spawn.asks_writes else b""
    write_private(path, _GEMINI_POLICY + kept)
    return path


def _prepare(request: LaunchRequest, *, now: datetime) -> float:
    """See to it that the conversation to be resumed outlives its load; how long to wait for that."""
    if request.spawn.resume is None:
        return 0.0
    conversation = request.spawn.resume
    return wait_s(remove_leftovers(chat_files(request.environment, conversation), conversation), now=now)
