"""What a machine tells of its own policy, so that people see before they try. It decides nothing."""

from __future__ import annotations

from dataclasses import dataclass

UNSET_POLICY = "none"
"""The hash of a policy that nobody has ever set."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MachinePolicy:
    """A summary; the policy itself lies on the machine, and is enforced there."""

    folders: tuple[str, ...] = ()
    """Agents may work in these and below: as the machine's file system has them, without links."""
    programs: tuple[str, ...] | None = None
    """The agent programs it starts; None: every one that it has."""
    who_may_spawn: str = ""
    """`owner`, `session` or `workspace`."""
    agents_may_spawn: str = ""
    """`never`, `here` or `anywhere`."""
    most_agents: int = 0
    asks: tuple[str, ...] = ()
    """What is asked at its own terminal: `spawn`, `shell`, `folder`."""
    widening: str = ""
    """What becomes of a yes that holds for more than one request: `ask`, `drop`, `allow`; empty of earlier versions."""
    strict: bool = False
    terminal: bool = False
    """Whether somebody can be asked there now."""
    problem: str = ""
    """Why it starts no agent at all, in words for a person; empty when nothing is wrong."""
    hash: str = ""
    """SHA-256 of what a person has confirmed, in hex; `none` where nothing was ever set; empty of earlier versions."""
    since_ms: int | None = None
    """When a person confirmed that, on the machine's clock; None of earlier versions, or where that is not known."""
