"""The 24 patterns as a table: which agents play a special part, who may talk to whom, and in which order they work.

The public runner takes a pattern for little more than a word. The parts and the edges are those its library class
computes; the order is ours, where a file gives none (`ordering.py` has when).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from broker.domain.workflows.files.definition import AgentEntry, Pattern


class Edges(StrEnum):
    """Who may talk to whom."""

    DEPENDENCIES = "along dependsOn"
    STAR = "with the hub"
    CHAIN_OF_STEPS = "to the agent of the next step"
    CHAIN_OF_AGENTS = "to the next agent"
    MESH = "each with each"
    NEIGHBOURS = "with the neighbours, and the hive mind"
    TIERS = "with the tiers beside"
    GROUPS = "with agents of other parts"
    RING = "coordinator to mappers, mappers to reducers, reducers to coordinator"


class Listed(StrEnum):
    """What the order of the list means where the file has no `dependsOn`."""

    NOTHING = "nothing"
    ONE_AFTER_THE_OTHER = "one after the other"
    ON_FAILURE = "the next one only when one has failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """One pattern."""

    edges: Edges
    listed: Listed = Listed.NOTHING
    parts: tuple[str, ...] = ()
    """Regular expressions on roles and names, for each part after the ordinary one; their order is that of work."""
    returns: bool = False
    """Whether steps of the ordinary part that are listed after another part's come after it."""


_HUB = r"\b(lead|hub|coordinator|supervisor|orchestrator|moderator|auctioneer)\b"
_REVIEWER = r"review|critic"
_JUDGE = r"judge|moderator|arbiter"

SHAPES: Mapping[Pattern, Shape] = {
    Pattern.DAG: Shape(edges=Edges.DEPENDENCIES),
    Pattern.FAN_OUT: Shape(edges=Edges.STAR, parts=(_HUB,)),
    Pattern.PIPELINE: Shape(edges=Edges.CHAIN_OF_STEPS, listed=Listed.ONE_AFTER_THE_OTHER),
    Pattern.HUB_SPOKE: Shape(edges=Edges.STAR, parts=(_HUB,)),
    Pattern.CONSENSUS: Shape(edges=Edges.MESH),
    Pattern.MESH: Shape(edges=Edges.MESH),
    Pattern.HANDOFF: Shape(edges=Edges.CHAIN_OF_STEPS, listed=Listed.ONE_AFTER_THE_OTHER),
    Pattern.CASCADE: Shape(edges=Edges.CHAIN_OF_AGENTS, listed=Listed.ON_FAILURE),
    Pattern.DEBATE: Shape(edges=Edges.MESH, parts=(_JUDGE,)),
    Pattern.HIERARCHICAL: Shape(edges=Edges.STAR, parts=(r"worker|engineer|developer|implement",), returns=True),
    Pattern.MAP_REDUCE: Shape(edges=Edges.RING, parts=(r"\bmapper", r"\breducer"), returns=True),
    Pattern.SCATTER_GATHER: Shape(edges=Edges.STAR, parts=(_HUB,)),
    Pattern.SUPERVISOR: Shape(edges=Edges.STAR, parts=(r"supervisor|" + _HUB,)),
    Pattern.REFLECTION: Shape(edges=Edges.GROUPS, parts=(_REVIEWER,), returns=True),
    Pattern.RED_TEAM: Shape(edges=Edges.GROUPS, parts=(r"defend|blue", _JUDGE)),
    Pattern.VERIFIER: Shape(edges=Edges.GROUPS, parts=(r"verif",)),
    Pattern.AUCTION: Shape(edges=Edges.STAR, parts=(r"auctioneer",), returns=True),
    Pattern.ESCALATION: Shape(edges=Edges.TIERS, listed=Listed.ON_FAILURE),
    Pattern.SAGA: Shape(edges=Edges.STAR, listed=Listed.ONE_AFTER_THE_OTHER),
    Pattern.CIRCUIT_BREAKER: Shape(edges=Edges.CHAIN_OF_AGENTS, listed=Listed.ON_FAILURE),
    Pattern.BLACKBOARD: Shape(edges=Edges.MESH),
    Pattern.SWARM: Shape(edges=Edges.NEIGHBOURS),
    Pattern.COMPETITIVE: Shape(edges=Edges.MESH, parts=(r"judge|compar|review|lead|arbiter",)),
    Pattern.REVIEW_LOOP: Shape(edges=Edges.GROUPS, parts=(_REVIEWER,), returns=True),
}
_TIER = re.compile(r"tier-(\d+)")


def find_pattern(word: str) -> Pattern:
    """The pattern called `word`; `dag` for one that nobody knows, which orders and forbids least."""
    return Pattern(word) if word in set(Pattern) else Pattern.DAG


def shape_of(word: str) -> Shape:
    """What the pattern called `word` means."""
    return SHAPES[find_pattern(word)]


def part_of(agent: AgentEntry, shape: Shape) -> int:
    """Which part the agent plays: 0 for the ordinary one, else the number of the last part that fits it."""
    words = f"{agent.role or ''} {agent.name}".lower()
    return max((number for number, part in enumerate(shape.parts, 1) if re.search(part, words)), default=0)


def is_hub(agent: AgentEntry) -> bool:
    """Whether its role or name says that the others work around it."""
    return re.search(_HUB, f"{agent.role or ''} {agent.name}".lower()) is not None


def is_hive_mind(agent: AgentEntry) -> bool:
    """Whether every agent of a swarm may talk to it."""
    return "hive-mind" in f"{agent.role or ''} {agent.name}".lower()


def tier_of(agent: AgentEntry) -> int:
    """The N of `tier-N` in its role or name; 0 without one. `fallback` and `backup` come after `primary`."""
    words = f"{agent.role or ''} {agent.name}".lower()
    found = _TIER.search(words)
    if found:
        return int(found[1])
    return 1 if re.search(r"fallback|backup", words) else 0
