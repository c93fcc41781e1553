"""Which step comes after which, and which one only because another has failed.

A file that says `dependsOn` anywhere is ordered by that alone. In one of several steps that never does, the pattern
speaks: pipeline, handoff and saga run as listed; cascade, escalation and circuit-breaker try the next only when one
has failed; in the others everything starts together, since such files have agents that talk to each other. Agents that
hold no conversation have nothing to gain from that: where all are such, the parts of the pattern follow each other.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from broker.domain.workflows.files.definition import Pattern, StepEntry, WorkflowEntry, WorkflowFile
from broker.domain.workflows.files.patterns import Listed, find_pattern, part_of, shape_of, tier_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """The order of one workflow's steps."""

    rule: str
    """For people: what decided it."""
    after: Mapping[str, tuple[str, ...]]
    """By step: those that have to be completed before it."""
    instead_of: Mapping[str, str] = field(default_factory=dict)
    """By step: the one that has to have failed before it."""

    def all_before(self, step: str) -> frozenset[str]:
        """Whatever has come to its end when `step` starts."""
        found: set[str] = set()
        waiting = [step]
        while waiting:
            here = waiting.pop()
            before = (*self.after.get(here, ()), *((self.instead_of[here],) if here in self.instead_of else ()))
            waiting.extend(each for each in before if each not in found)
            found.update(before)
        return frozenset(found)


def order_steps(file: WorkflowFile, workflow: WorkflowEntry) -> Order:
    """The order of the workflow's steps; compensations stand in none, they run when the run has failed."""
    steps = [each for each in workflow.steps if each.compensates is None]
    declared = {each.name: tuple(dict.fromkeys(each.depends_on)) for each in steps}
    if any(declared.values()) or len(steps) < 2 or file.swarm.order == "upstream":
        return Order(rule="dependsOn alone, as declared", after=declared)
    shape = shape_of(file.swarm.pattern)
    match shape.listed:
        case Listed.ONE_AFTER_THE_OTHER:
            return Order(rule=f"{file.swarm.pattern} without dependsOn: as listed", after=_chain(steps))
        case Listed.ON_FAILURE:
            return _on_failure(file, steps)
        case Listed.NOTHING:
            return _phases(file, steps)


def _chain(steps: Sequence[StepEntry]) -> dict[str, tuple[str, ...]]:
    return {each.name: (steps[number - 1].name,) if number else () for number, each in enumerate(steps)}


def _on_failure(file: WorkflowFile, steps: Sequence[StepEntry]) -> Order:
    if find_pattern(file.swarm.pattern) is not Pattern.CASCADE:
        steps = sorted(steps, key=lambda each: _tier(file, each))
    pairs = itertools.pairwise(steps)
    return Order(
        rule=f"{file.swarm.pattern} without dependsOn: the next step only when the one before it has failed",
        after={each.name: () for each in steps},
        instead_of={later.name: earlier.name for earlier, later in pairs},
    )


def _tier(file: WorkflowFile, step: StepEntry) -> int:
    agent = file.agent(step.agent or "")
    return tier_of(agent) if agent else 0


def _phases(file: WorkflowFile, steps: Sequence[StepEntry]) -> Order:
    together = Order(
        rule=f"{file.swarm.pattern} without dependsOn: all start together", after={each.name: () for each in steps}
    )
    if file.swarm.order != "phases" and any(_talks(file, each) for each in steps):
        return together
    phases = _by_phase(file, steps)
    if len(phases) < 2:
        return together
    after: dict[str, tuple[str, ...]] = {}
    before: tuple[str, ...] = ()
    for phase in phases:
        after.update(dict.fromkeys(phase, before))
        before = tuple(phase)
    if find_pattern(file.swarm.pattern) is Pattern.HUB_SPOKE:
        after = {name: _own_before(name, steps) or before for name, before in after.items()}
    return Order(rule=f"{file.swarm.pattern} without dependsOn: by the agents' parts", after=after)


def _own_before(name: str, steps: Sequence[StepEntry]) -> tuple[str, ...]:
    """The step of the same agent that is listed before: a spoke does what it has to one by one."""
    agents = {each.name: each.agent for each in steps}
    own = [each.name for each in steps if each.agent is not None and each.agent == agents[name]]
    place = own.index(name) if name in own else 0
    return (own[place - 1],) if place else ()


def _talks(file: WorkflowFile, step: StepEntry) -> bool:
    agent = file.agent(step.agent or "")
    return agent is not None and agent.talks


def _by_phase(file: WorkflowFile, steps: Sequence[StepEntry]) -> list[list[str]]:
    """Names of steps in groups, each after the one before. What returns to the first part goes on one by one."""
    shape = shape_of(file.swarm.pattern)
    found: dict[int, list[str]] = defaultdict(list)
    for each in steps:
        agent = file.agent(each.agent or "")
        part = part_of(agent, shape) if agent else 0
        if find_pattern(file.swarm.pattern) is Pattern.CONSENSUS:
            part = int(each.vote)
        if part == 0 and shape.returns and any(number > 0 for number in found):
            part = max(found) + 1
        found[part].append(each.name)
    return [found[part] for part in sorted(found)]
