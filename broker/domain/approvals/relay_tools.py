"""The tools of the broker's own MCP server, as agents' programs show their use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

SERVER = "relay"
"""How the server is called where relay-connect gives it to an agent."""


@dataclass(frozen=True, slots=True)
class Parameters:
    """What a tool is given."""

    required: frozenset[str] = frozenset()
    optional: frozenset[str] = frozenset()


def _takes(required: str = "", optional: str = "") -> Parameters:
    return Parameters(frozenset(required.split()), frozenset(optional.split()))


TOOLS: dict[str, Parameters] = {
    "relay_send": _takes("to text", "mode"),
    "relay_broadcast": _takes("text"),
    "relay_spawn": _takes("name cli", "task machine cwd worktree budget budget_unit"),
    "relay_release": _takes("name"),
    "relay_join": _takes("channel", "agent"),
    "relay_leave": _takes("channel", "agent"),
    "relay_agents": _takes(),
    "relay_inbox": _takes("", "after limit"),
    "relay_trace": _takes("message_id"),
    "relay_logs": _takes("", "name limit"),
    "relay_search_logs": _takes("query", "limit"),
    "relay_step": _takes(),
    "relay_budget": _takes(),
    "relay_raise_budget": _takes("agent unit", "allow"),
    "relay_submit": _takes("result"),
    "relay_run_workflow": _takes("text", "values workflow"),
}


def is_relay_tool(server: str | None, tool: str) -> bool:
    """Whether a tool of that server is one of the broker's."""
    return server == SERVER and tool in TOOLS


def may_be_given(tool: str, given: Mapping[str, Any]) -> bool:
    """Whether a tool of the broker's takes such an input: a shell, which wants a command, never looks like one."""
    takes = TOOLS.get(tool)
    return takes is not None and takes.required <= given.keys() <= takes.required | takes.optional
