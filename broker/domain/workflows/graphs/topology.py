"""Who may talk to whom in a workflow. Whatever is not an edge is refused; people may always be asked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise, permutations

from broker.domain.errors import NotPermitted
from broker.domain.workflows.files.definition import AgentEntry, Pattern, WorkflowEntry, WorkflowFile
from broker.domain.workflows.files.patterns import Edges, find_pattern, is_hive_mind, is_hub, part_of, shape_of, tier_of
from broker.domain.workflows.graphs.ordering import Order, order_steps

Edge = tuple[str, str]
"""From, to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Topology:
    """The edges of one workflow."""

    pattern: Pattern
    agents: tuple[str, ...]
    hub: str | None
    edges: frozenset[Edge]

    def reach(self, sender: str) -> tuple[str, ...]:
        """Whom `sender` may talk to."""
        return tuple(sorted(to for origin, to in self.edges if origin == sender))

    def require_edge(self, sender: str, receiver: str) -> None:
        """Raise `NotPermitted` when the pattern has no edge from `sender` to `receiver`."""
        if (sender, receiver) in self.edges:
            return
        reachable = self.reach(sender)
        whom = f"it may talk to {', '.join(reachable)}" if reachable else "it may talk to no other agent"
        raise NotPermitted(f"{self.pattern}: {sender} may not talk to {receiver}; {whom}", code="NOT_PERMITTED")


def topology_of(file: WorkflowFile, workflow: WorkflowEntry) -> Topology:
    """The edges that the file's pattern gives its agents. Agents that hold no conversation have none."""
    talking = [each for each in file.agents if each.talks]
    hub = next((each for each in talking if is_hub(each)), talking[0] if talking else None)
    shape = shape_of(file.swarm.pattern)
    edges = {(a.name, b.name) for a, b in _edges(shape.edges, talking, hub, file, workflow) if a.name != b.name}
    return Topology(
        pattern=find_pattern(file.swarm.pattern),
        agents=tuple(each.name for each in file.agents),
        hub=hub.name if hub else None,
        edges=frozenset(edges),
    )


def _edges(
    kind: Edges, agents: Sequence[AgentEntry], hub: AgentEntry | None, file: WorkflowFile, workflow: WorkflowEntry
) -> Iterator[tuple[AgentEntry, AgentEntry]]:
    match kind:
        case Edges.MESH:
            yield from permutations(agents, 2)
        case Edges.STAR:
            for each in agents if hub else ():
                yield from _both(each, hub or each)
        case Edges.CHAIN_OF_AGENTS:
            yield from pairwise(agents)
        case Edges.CHAIN_OF_STEPS:
            yield from _along_steps(agents, workflow)
        case Edges.DEPENDENCIES:
            yield from _along_order(agents, workflow, order_steps(file, workflow))
        case Edges.NEIGHBOURS:
            for a, b in _neighbours(agents):
                yield from _both(a, b)
        case Edges.TIERS:
            for a, b in combinations(agents, 2):
                if abs(tier_of(a) - tier_of(b)) == 1:
                    yield from _both(a, b)
        case Edges.GROUPS:
            yield from _across_parts(agents, file)
        case Edges.RING:
            parts = {each.name: part_of(each, shape_of(file.swarm.pattern)) for each in agents}
            yield from ((a, b) for a, b in permutations(agents, 2) if (parts[a.name] + 1) % 3 == parts[b.name])


def _both(a: AgentEntry, b: AgentEntry) -> Iterator[tuple[AgentEntry, AgentEntry]]:
    yield a, b
    yield b, a


def _neighbours(agents: Sequence[AgentEntry]) -> Iterator[tuple[AgentEntry, AgentEntry]]:
    yield from pairwise(agents)
    yield from ((a, b) for a, b in combinations(agents, 2) if is_hive_mind(a) or is_hive_mind(b))


def _across_parts(agents: Sequence[AgentEntry], file: WorkflowFile) -> Iterator[tuple[AgentEntry, AgentEntry]]:
    """Agents of different parts; reviewers of a review loop talk among each other too. One part alone is a mesh."""
    shape = shape_of(file.swarm.pattern)
    parts = {each.name: part_of(each, shape) for each in agents}
    reviewers = find_pattern(file.swarm.pattern) is Pattern.REVIEW_LOOP
    for a, b in permutations(agents, 2):
        if parts[a.name] != parts[b.name] or len(set(parts.values())) == 1 or (reviewers and parts[a.name] > 0):
            yield a, b


def _along_steps(agents: Sequence[AgentEntry], workflow: WorkflowEntry) -> Iterator[tuple[AgentEntry, AgentEntry]]:
    by_name = {each.name: each for each in agents}
    worked = [by_name[each.agent] for each in workflow.steps if each.agent in by_name]
    yield from pairwise(worked)


def _along_order(
    agents: Sequence[AgentEntry], workflow: WorkflowEntry, order: Order
) -> Iterator[tuple[AgentEntry, AgentEntry]]:
    """To the agents of the steps right after, and back; with nothing ordered, each with each."""
    by_name = {each.name: each for each in agents}
    of_step = {each.name: by_name.get(each.agent or "") for each in workflow.steps}
    if not any(order.after.values()):
        yield from permutations(agents, 2)
        return
    for later, before in order.after.items():
        for earlier in before:
            a, b = of_step.get(earlier), of_step.get(later)
            if a and b:
                yield from _both(a, b)
