"""One workflow of a file as the engine runs it: every default, inheritance and order rule worked out."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from broker.domain.workflows.files.definition import (
    AgentEntry,
    Backoff,
    BarrierMode,
    Budget,
    ErrorHandling,
    OnInterrupt,
    StepEntry,
    StepType,
    Strategy,
    WorkflowEntry,
    WorkflowFile,
)
from broker.domain.workflows.files.waits import awaited_file
from broker.domain.workflows.graphs.ordering import Order, order_steps
from broker.domain.workflows.graphs.preflight import all_steps, preflight_steps

_USUAL_RETRIES = 2
"""Of a file whose errorHandling says `retry` and not how often. Without errorHandling nothing is done twice."""
_MOST_TALKING = 4
"""Agents in conversation at once, where a file sets no limit."""
_LEAST_AT_ONCE = 4
_WORKING = frozenset({StepType.AGENT, StepType.DETERMINISTIC, StepType.WORKTREE, StepType.INTEGRATION})
"""Kinds that take one of the places of `maxConcurrency`; the others only wait."""
_ON_MACHINE = frozenset({StepType.DETERMINISTIC, StepType.WORKTREE})
_HARMLESS = frozenset({StepType.WORKTREE, StepType.WAIT_FOR, StepType.APPROVAL, StepType.SUBWORKFLOW})
"""Kinds that come to the same when they are begun again under the same id."""
_UNTIRING = frozenset({StepType.APPROVAL, StepType.SUBWORKFLOW, StepType.WAIT_FOR})
"""Kinds that only their own `retries` repeat."""
_MICROS = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """What may be spent. None: any amount."""

    tokens: int | None = None
    micro_usd: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Waits:
    """How long to wait before each retry."""

    initial_ms: int
    factor: float
    max_ms: int
    jitter: bool

    def before(self, retry: int, *, seed: str) -> int:
        """Milliseconds before the `retry`-th retry (from 1); jitter takes up to half of it away, by `seed`."""
        full = min(self.max_ms, int(self.initial_ms * self.factor ** min(retry - 1, 64)))
        if not self.jitter or not full:
            return full
        share = int.from_bytes(hashlib.sha256(seed.encode()).digest()[:4]) / 2**32
        return full - int(full / 2 * share)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step, with nothing left to look up."""

    name: str
    kind: StepType
    on_machine: bool
    """Whether it is one command of a machine."""
    agent: str | None
    talks: bool
    after: tuple[str, ...]
    """Steps that have to be completed first, but those that a barrier stands for."""
    gates: tuple[str, ...]
    """Barriers that have to be open first."""
    instead_of: str | None
    compensates: str | None
    retries: int
    waits: Waits
    timeout_ms: int | None
    idle_timeout_ms: int | None
    rounds: int
    repeats: tuple[str, ...]
    """The steps of one round, this one last."""
    optional: bool
    on_interrupt: OnInterrupt
    vote: bool
    review: str | None
    diagnosis: str | None
    repairs: int
    repair_agent: str | None
    budget: Limit
    reserve: int
    """Tokens set aside while it runs."""

    @property
    def works(self) -> bool:
        """Whether it takes one of the places of `maxConcurrency`."""
        return self.kind in _WORKING


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """A barrier."""

    name: str
    wait_for: tuple[str, ...]
    mode: BarrierMode
    timeout_ms: int | None

    @property
    def needed(self) -> int:
        """How many of its steps have to be completed."""
        if self.mode is BarrierMode.ANY:
            return 1
        return len(self.wait_for) // 2 + 1 if self.mode is BarrierMode.MAJORITY else len(self.wait_for)


@dataclass(frozen=True, kw_only=True)
class Workflow:
    """What the engine decides on. Never changes while a run lasts."""

    name: str
    rule: str
    steps: Mapping[str, Step]
    gates: Mapping[str, Gate]
    strategy: Strategy
    asks_when_exhausted: bool
    max_at_once: int
    max_talking: int | None
    timeout_ms: int | None
    threshold: float | None
    unanimous: bool
    budget: Limit
    agent_budgets: Mapping[str, Limit]

    @cached_property
    def forward(self) -> tuple[Step, ...]:
        """The steps that are no compensations, in the order of the file."""
        return tuple(each for each in self.steps.values() if each.compensates is None)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Of all steps, in the order of the file."""
        return tuple(self.steps)

    @cached_property
    def numbers(self) -> Mapping[str, int]:
        """The place of each step in `names`."""
        return {name: number for number, name in enumerate(self.steps)}

    @cached_property
    def before(self) -> Mapping[str, frozenset[str]]:
        """By step: all whose end may let it start or keep it from that."""
        return {
            each.name: frozenset(
                {*each.after, *(name for gate in each.gates for name in self.gates[gate].wait_for)}
                | ({each.instead_of} if each.instead_of is not None else set())
            )
            for each in self.steps.values()
        }

    @cached_property
    def dependents(self) -> Mapping[str, tuple[str, ...]]:
        """By step: those that it stands before."""
        found: dict[str, list[str]] = {}
        for name, before in self.before.items():
            for each in before:
                found.setdefault(each, []).append(name)
        return {name: tuple(each) for name, each in found.items()}

    @cached_property
    def followers(self) -> Mapping[str, tuple[str, ...]]:
        """By step: those that have it in `after`."""
        found: dict[str, list[str]] = {}
        for step in self.steps.values():
            for each in set(step.after):
                found.setdefault(each, []).append(step.name)
        return {name: tuple(each) for name, each in found.items()}

    @cached_property
    def only_works(self) -> bool:
        """Whether every step takes one of the places of `maxConcurrency`."""
        return all(each.works for each in self.steps.values())

    @cached_property
    def compensations(self) -> Mapping[str, Step]:
        """By the step that each undoes."""
        return {each.compensates: each for each in self.steps.values() if each.compensates is not None}

    @cached_property
    def fallbacks(self) -> Mapping[str, Step]:
        """By the step whose failure each waits for."""
        return {each.instead_of: each for each in self.steps.values() if each.instead_of is not None}

    @cached_property
    def voters(self) -> tuple[str, ...]:
        """The steps whose outcome is a choice."""
        return tuple(each.name for each in self.steps.values() if each.vote)


def compile_workflow(file: WorkflowFile, name: str | None = None) -> Workflow:
    """The workflow called `name` (the first one without) of a file that was checked without errors.

    Raises KeyError when there is none of that name.
    """
    entry = file.workflow(name)
    if entry is None:
        raise KeyError(name)
    handling = file.error_handling
    order = order_run(file, entry)
    gates = _gates(file, entry)
    agents = {each.name: each for each in file.agents}
    return Workflow(
        name=entry.name,
        rule=order.rule,
        steps={each.name: _step(file, entry, each, order=order, gates=gates) for each in all_steps(entry)},
        gates=gates,
        strategy=_strategy(entry, handling),
        asks_when_exhausted=handling is not None and handling.on_exhaustion == "needs-human",
        max_at_once=file.swarm.max_concurrency or max(len(agents), _LEAST_AT_ONCE),
        max_talking=None if file.swarm.max_concurrency else _MOST_TALKING,
        timeout_ms=entry.timeout_ms,
        threshold=file.coordination.voting_threshold if file.coordination else None,
        unanimous=file.coordination is not None and file.coordination.consensus_strategy == "unanimous",
        budget=_limit(file.swarm.budget, tokens=file.swarm.token_budget),
        agent_budgets={each.name: _limit(each.budget) for each in file.agents if each.budget},
    )


def order_run(file: WorkflowFile, entry: WorkflowEntry) -> Order:
    """The order of its steps, behind its preflight: what nothing else comes before waits for the last of that."""
    order = order_steps(file, entry)
    names = [each.name for each in preflight_steps(entry)]
    if not names:
        return order
    ahead = {name: (names[number - 1],) if number else () for number, name in enumerate(names)}
    behind = {
        name: before or (() if name in order.instead_of else (names[-1],)) for name, before in order.after.items()
    }
    return replace(order, after={**ahead, **behind})


def _strategy(entry: WorkflowEntry, handling: ErrorHandling | None) -> Strategy:
    """`onError` is nearer to the steps, so it wins; `skip` leaves out what needs the step, as `continue` does."""
    match entry.on_error:
        case "fail-fast":
            return Strategy.FAIL_FAST
        case "continue" | "skip":
            return Strategy.CONTINUE
        case _:
            return handling.strategy if handling else Strategy.RETRY


def _gates(file: WorkflowFile, entry: WorkflowEntry) -> dict[str, Gate]:
    """The barriers that hold some step of this workflow."""
    held = [set(each.depends_on) for each in entry.steps]
    return {
        each.name: Gate(name=each.name, wait_for=tuple(each.wait_for), mode=each.mode, timeout_ms=each.timeout_ms)
        for each in (file.coordination.barriers if file.coordination else ())
        if any(set(each.wait_for) <= before for before in held)
    }


def _step(
    file: WorkflowFile, workflow: WorkflowEntry, step: StepEntry, *, order: Order, gates: Mapping[str, Gate]
) -> Step:
    handling = file.error_handling
    agent = file.agent(step.agent or "") if step.kind is StepType.AGENT else None
    after = order.after.get(step.name, ())
    held = [gate for gate in gates.values() if set(gate.wait_for) <= set(after)]
    told = {name for gate in held for name in gate.wait_for}
    return Step(
        name=step.name,
        kind=step.kind,
        on_machine=step.kind in _ON_MACHINE or awaited_file(step.wait_for) is not None,
        agent=agent.name if agent else None,
        talks=agent is not None and agent.talks,
        after=tuple(each for each in after if each not in told),
        gates=tuple(gate.name for gate in held),
        instead_of=order.instead_of.get(step.name),
        compensates=step.compensates,
        retries=_retries(step, agent, handling),
        waits=_waits(step, handling),
        timeout_ms=_timeout(file, step, agent),
        idle_timeout_ms=step.idle_timeout_ms or (file.swarm.idle_timeout_ms if agent else None),
        rounds=step.max_iterations or 1,
        repeats=_repeats(workflow, step, order),
        optional=step.optional,
        on_interrupt=step.on_interrupt or _on_interrupt(step),
        vote=step.vote,
        review=step.review,
        diagnosis=next((each.diagnostic_agent for each in step.conditions if each.diagnostic_agent), None),
        repairs=_repairs(file, step),
        repair_agent=(handling.repair_agent if handling else None) or step.agent,
        budget=_limit(step.budget),
        reserve=_reserve(step, agent),
    )


def _retries(step: StepEntry, agent: AgentEntry | None, handling: ErrorHandling | None) -> int:
    if step.retries is not None:
        return step.retries
    if agent and agent.constraints and agent.constraints.retries is not None:
        return agent.constraints.retries
    if handling is None or step.kind in _UNTIRING:
        return 0
    if handling.max_retries is not None:
        return handling.max_retries
    return _USUAL_RETRIES if handling.strategy is Strategy.RETRY else 0


def _waits(step: StepEntry, handling: ErrorHandling | None) -> Waits:
    """A file that gives `retryDelayMs` means that delay each time."""
    found = step.backoff or (handling.backoff if handling else None)
    if found is None and handling is not None and handling.retry_delay_ms is not None:
        fixed = handling.retry_delay_ms
        return Waits(initial_ms=fixed, factor=1, max_ms=fixed, jitter=False)
    found = found or Backoff()
    return Waits(initial_ms=found.initial_ms, factor=found.factor, max_ms=found.max_ms, jitter=found.jitter)


def _timeout(file: WorkflowFile, step: StepEntry, agent: AgentEntry | None) -> int | None:
    if step.timeout_ms is not None:
        return step.timeout_ms
    if agent is None:
        return None
    own = agent.constraints.timeout_ms if agent.constraints else None
    return own if own is not None else file.swarm.timeout_ms


def _repeats(workflow: WorkflowEntry, step: StepEntry, order: Order) -> tuple[str, ...]:
    """What lies between the first step of a round and `step`, both with it."""
    if step.repeat_from is None:
        return (step.name,)
    first = step.repeat_from
    before = order.all_before(step.name)
    inner = {each for each in before if first in order.all_before(each)}
    return (*tuple(each.name for each in workflow.steps if each.name in inner | {first} & before), step.name)


def _on_interrupt(step: StepEntry) -> OnInterrupt:
    """Twice only what may be done twice; what an agent has begun is looked at by a person."""
    harmless = step.kind in _HARMLESS or (step.idempotent and step.kind is not StepType.AGENT)
    return OnInterrupt.RETRY if harmless else OnInterrupt.NEEDS_HUMAN


def _repairs(file: WorkflowFile, step: StepEntry) -> int:
    """Repair agents only where the file asks for them, and there is one."""
    handling = file.error_handling
    if handling is None or step.kind in _UNTIRING or not (handling.repair_agent or step.agent):
        return 0
    asked = handling.repair_retries
    return asked if asked is not None else _USUAL_RETRIES if handling.repair_agent else 0


def _reserve(step: StepEntry, agent: AgentEntry | None) -> int:
    if step.budget and step.budget.tokens is not None:
        return step.budget.tokens
    return (agent.constraints.max_tokens or 0) if agent and agent.constraints else 0


def _limit(budget: Budget | None, *, tokens: int | None = None) -> Limit:
    own = budget.tokens if budget else None
    usd = budget.usd if budget else None
    return Limit(tokens=own if own is not None else tokens, micro_usd=None if usd is None else round(usd * _MICROS))
