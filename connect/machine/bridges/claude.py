"""Claude Code: stream-json over stdio, or its own WebSocket to the broker where an old version still allows that."""

from __future__ import annotations

import contextlib
import dataclasses
import uuid
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

import orjson

from broker import __version__
from broker.domain.agents.agents import Transport
from broker.protocol.claude.session import ClaudeSession
from broker.protocol.proxy import Spawn
from connect.machine.agent_programs import version_numbers
from connect.machine.bridges.launch import Launch, LaunchRequest
from connect.system.state_folder import write_private

_EOF_GRACE_S = 2.0
"""Idle it ends 0.2 s after its input; in a turn it would finish that first."""
_RELAY_TOOLS = "mcp__relay"
"""Every tool of the server `relay`; calls to them must not ask anybody."""
_WRITING = ("Edit", "MultiEdit", "Write", "NotebookEdit")
"""Tools that change files."""
_STARTING = ("Bash", "KillShell", "Monitor", "PowerShell")
"""Tools that start commands; where they are taken away, sub-agents have none of them either."""
_PROMPT_FIRST = {"CLAUDE_CODE_EAGER_FLUSH": "1"}
"""Otherwise a prompt reaches the disk after the model was asked, and a kill in between would run it twice."""
_TELLS_HOOKS = (2, 1, 120)
_SAY_STATE = {"CLAUDE_CODE_EMIT_SESSION_STATE_EVENTS": "1"}
"""It says when it is idle, behind the end of a turn: the end of one cannot be missed for ever."""


def launch_claude(request: LaunchRequest) -> Launch:
    """Plan the start of Claude Code."""
    conversation = _conversation(request.spawn)
    known = _has_conversation(conversation, request.environment)
    arguments = [
        *("--print", "--verbose", "--input-format", "stream-json", "--output-format", "stream-json"),
        *("--permission-prompt-tool", "stdio", "--include-partial-messages", "--replay-user-messages"),
        # A conversation that was killed in its first moments has no file; resuming it fails, its id is still free.
        *(("--resume", conversation) if known else ("--session-id", conversation)),
        *_hook_events(request),
        # In one word, so that no name of a model can pass for another option.
        *((f"--model={request.spawn.model}",) if request.spawn.model else ()),
        # Not --strict-mcp-config: people's own MCP servers go on working.
        *("--mcp-config", str(_tools_file(request)), "--allowedTools", _RELAY_TOOLS),
        # What is disallowed so is so whatever people's own settings allow; their MCP servers may write, too.
        *(_without(*_WRITING, *_STARTING) if request.spawn.readonly else _asking(request)),
    ]
    if request.cli.installed.transport is Transport.SDK_URL:
        return _dialling(request, arguments)
    opening = dataclasses.replace(request.opening(version=__version__), resume=conversation if known else None)
    return Launch(
        command=request.command(*arguments, env=_PROMPT_FIRST | _SAY_STATE),
        session=ClaudeSession(opening, session_id=conversation),
        transport=Transport.STDIO,
        eof_grace_s=_EOF_GRACE_S,
    )


def _asking(request: LaunchRequest) -> tuple[str, ...]:
    """Each change of a file is asked for, whatever people's own settings allow: a rule that asks comes before theirs.

    Their MCP servers may write, too, and so may commands.
    """
    if not request.spawn.asks_writes:
        return ()
    rules = orjson.dumps({"permissions": {"ask": list(_WRITING), "defaultMode": "default"}}).decode()
    asked = ("--permission-mode", "default", "--settings", rules)
    return (*asked, *_without(*_STARTING))


def _without(*tools: str) -> tuple[str, ...]:
    """Nor has it people's own MCP servers, which may do the same."""
    return ("--disallowedTools", ",".join(tools), "--strict-mcp-config")


def _hook_events(request: LaunchRequest) -> tuple[str, ...]:
    """People's own hooks are shown in the log, where the version is known to have the option."""
    version = request.cli.installed.version
    return ("--include-hook-events",) if version and version_numbers(version) >= _TELLS_HOOKS else ()


def _dialling(request: LaunchRequest, arguments: list[str]) -> Launch:
    url = f"{request.endpoint.websocket_url}/agent/{quote(request.spawn.name, safe='')}"
    return Launch(
        command=request.command(
            # The broker holds this conversation and greets it without instructions: they come with the start.
            *("--sdk-url", url, *arguments, "--append-system-prompt", request.spawn.instructions, "-p", ""),
            env={"CLAUDE_CODE_SESSION_ACCESS_TOKEN": request.token, **_PROMPT_FIRST},
        ),
        session=None,
        transport=Transport.SDK_URL,
        eof_grace_s=0.0,
    )


def _tools_file(request: LaunchRequest) -> Path:
    path = request.private / "mcp.json"
    server = {
        "type": "http",
        "url": request.mcp_url,
        "headers": {"Authorization": f"Bearer {request.token}"},
        # Otherwise the model has to search for the tools before it can see them.
        "alwaysLoad": True,
    }
    write_private(path, orjson.dumps({"mcpServers": {"relay": server}}))
    return path


def _conversation(spawn: Spawn) -> str:
    """The known id; for a new conversation the agent's own, which a broker that is dialled takes for granted."""
    for name in (spawn.resume, spawn.agent):
        with contextlib.suppress(ValueError):  # None of Claude Code's own: it takes nothing but a UUID.
            return str(uuid.UUID(name or ""))
    return str(uuid.uuid4())


def _has_conversation(conversation: str, environment: Mapping[str, str]) -> bool:
    home = Path(environment.get("CLAUDE_CONFIG_DIR") or Path(environment.get("HOME", "~")).expanduser() / ".claude")
    return any(home.glob(f"projects/*/{conversation}.jsonl"))
