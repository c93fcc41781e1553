"""A policy in sentences, for `relay-connect doctor`. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from connect.policy.policy import AgentAskers, AlwaysAsked, Askers, Policy, Widening

_WHO = {
    Askers.OWNER: "the machine's owner",
    Askers.SESSION: "people of the agent's own session",
    Askers.WORKSPACE: "everybody in the workspace",
}
_AGENTS = {
    AgentAskers.NEVER: "no agents",
    AgentAskers.HERE: "agents of this machine",
    AgentAskers.ANYWHERE: "agents of every machine",
}
_ASKED = {
    AlwaysAsked.SPAWN: "every spawn",
    AlwaysAsked.SHELL: "every approval of a command",
    AlwaysAsked.FOLDER: "a new folder",
}
_WIDENING = {
    Widening.ASK: "a yes for good, or to something else than was asked for, is asked at this terminal",
    Widening.DROP: "a yes for good, or to something else than was asked for, is a no",
    Widening.ALLOW: "a yes may be for good, or to something else than was asked for",
}


def in_words(policy: Policy, *, folders: Sequence[Path]) -> list[str]:
    """What it says, one sentence for each thing."""
    below = ", below its own folder" if policy.agents_below_own_folder else ""
    within = f"{_AGENTS[policy.agents_may_spawn]} (up to {policy.most_agents_by_agents}{below})"
    agents = _AGENTS[policy.agents_may_spawn] if policy.agents_may_spawn is AgentAskers.NEVER else within
    asked = [words for what, words in _ASKED.items() if policy.asks(what)]
    return [
        f"agents work in {', '.join(map(str, folders)) or 'no folder at all'}{' and below' if folders else ''}",
        f"spawned by {_WHO[policy.who_may_spawn]}, and by {agents}; {policy.most_agents} at once",
        f"programs: {'all that are found here' if policy.programs is None else ', '.join(policy.programs) or 'none'}",
        f"asked at this terminal: {', '.join(asked) or 'nothing'}{' (strict)' if policy.strict else ''}",
        _WIDENING[policy.on_widening],
    ]
