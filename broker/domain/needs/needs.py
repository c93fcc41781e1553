"""What needs a person: everything in a workspace that does not go on, or not well, until somebody looks at it.

One pure fold over what the stores know now, so that every client counts and lists the same.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from broker.domain.approvals.approvals import Approval
from broker.domain.ids import AgentId, MessageId, SessionId, WorkflowRunId
from broker.domain.machines.placement import Proxy
from broker.domain.plans.budgets import Budget, BudgetScope, Period, Unit
from broker.domain.timings import TIMINGS

_WORKFLOW_TOOL = "workflow"
"""The tool of an approval that a run's gate asks for."""
_SHOWN = 200
_WITH_AGENT = "agent_failed"
"""Why a message did not arrive, where that is told with the agent already."""


class NeedKind(StrEnum):
    """What kind of thing needs somebody."""

    APPROVAL = "approval"
    QUESTION = "question"
    GATE = "gate"
    """A step of a workflow that waits for a yes."""
    FAILED_AGENT = "failed_agent"
    UNDELIVERED = "undelivered"
    """A message of a person or a program that will not arrive."""
    MACHINE_AWAY = "machine_away"
    """With agents on it."""
    RUN = "run"
    """A run of a workflow that does not go on by itself."""
    BUDGET = "budget"
    PLAN = "plan"


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedAgent:
    """An agent that has failed, which nobody has looked at."""

    id: AgentId
    generation: int
    session: SessionId
    name: str
    reason: str
    detail: str
    at_ms: int
    resumable: bool
    """Whether there is a conversation to go on with."""

    @property
    def row(self) -> str:
        """How it is kept, and its key. A later failure of the same agent is another."""
        return f"agent|{self.id}|{self.generation}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Undelivered:
    """A message that will not arrive, which nobody has looked at."""

    message: MessageId
    agent: AgentId
    to: str
    session: SessionId
    sender: str
    text: str
    reason: str
    at_ms: int

    @property
    def row(self) -> str:
        """How it is kept, and its key."""
        return f"message|{self.message}|{self.agent}"


Failure = FailedAgent | Undelivered


@dataclass(frozen=True, slots=True, kw_only=True)
class StuckRun:
    """A run of a workflow that waits for somebody."""

    id: WorkflowRunId
    session: SessionId
    name: str
    why: str
    since_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitUse:
    """How much of a limit of the plan is used."""

    what: str
    used: int
    limit: int
    resets_at_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What is known now. What the caller may not see is left out."""

    approvals: Sequence[Approval] = ()
    """Those that wait."""
    failures: Sequence[Failure] = ()
    machines: Sequence[Proxy] = ()
    runs: Sequence[StuckRun] = ()
    budgets: Sequence[Budget] = ()
    limits: Sequence[LimitUse] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """One thing that needs a person."""

    key: str
    """The same for as long as it is the same thing."""
    kind: NeedKind
    title: str
    detail: str = ""
    since_ms: int | None = None
    """None where nobody wrote down when it began."""
    blocks: bool = True
    """Something waits or is lost because of it; else it is a warning."""
    session: SessionId | None = None
    agent: AgentId | None = None
    name: str = ""
    """Of the agent, the machine or whatever it is about."""
    subject: str
    """The id of the approval, agent, message, machine or run; what a budget or a limit is for."""
    dismissable: bool = False
    """Whether it stays until somebody says that they have seen it."""
    resumable: bool = False
    approval: Approval | None = None


def needs_of(scene: Scene) -> tuple[Need, ...]:
    """Everything that needs a person: what blocks something first, then the longest waiting."""
    found = [
        *_of_approvals(scene.approvals),
        *_of_failures(scene.failures),
        *_of_machines(scene.machines),
        *_of_runs(scene.runs, scene.approvals),
        *_of_budgets(scene.budgets),
        *_of_limits(scene.limits),
    ]
    return tuple(sorted(found, key=_place))


def differences(before: Iterable[Need], after: Iterable[Need]) -> tuple[tuple[Need, ...], tuple[str, ...]]:
    """What is new or no longer the same, and the keys of what is over."""
    known: Mapping[str, Need] = {each.key: each for each in before}
    now = {each.key: each for each in after}
    changed = tuple(each for key, each in now.items() if known.get(key) != each)
    return changed, tuple(key for key in known if key not in now)


def _place(need: Need) -> tuple[bool, bool, int, str]:
    return (not need.blocks, need.since_ms is None, need.since_ms or 0, need.key)


def _of_approvals(approvals: Iterable[Approval]) -> Iterator[Need]:
    for asked in approvals:
        gate = asked.tool == _WORKFLOW_TOOL
        kind = NeedKind.QUESTION if asked.is_question else NeedKind.GATE if gate else NeedKind.APPROVAL
        yield Need(
            key=f"approval|{asked.id}",
            kind=kind,
            title=asked.title,
            since_ms=asked.asked_at_ms,
            session=asked.session_id,
            agent=None if gate else asked.agent_id,
            name=asked.agent,
            subject=asked.id,
            approval=asked,
        )


def _of_failures(failures: Iterable[Failure]) -> Iterator[Need]:
    agents = [each for each in failures if isinstance(each, FailedAgent)]
    messages = [each for each in failures if isinstance(each, Undelivered)]
    with_agent: dict[AgentId, list[Undelivered]] = defaultdict(list)
    failed = {each.id for each in agents}
    for message in messages:
        if message.reason == _WITH_AGENT and message.agent in failed:
            with_agent[message.agent].append(message)
        else:
            yield _of_message(message)
    for agent in agents:
        yield _of_agent(agent, lost=len(with_agent[agent.id]))


def _of_agent(agent: FailedAgent, *, lost: int) -> Need:
    words = [": ".join(part for part in (agent.reason, agent.detail) if part) or "it did not say why"]
    if lost:
        words.append(f"{lost} message{'s' if lost > 1 else ''} to it did not arrive")
    return Need(
        key=agent.row,
        kind=NeedKind.FAILED_AGENT,
        title=f"{agent.name} has failed",
        detail="; ".join(words),
        since_ms=agent.at_ms,
        session=agent.session,
        agent=agent.id,
        name=agent.name,
        subject=agent.id,
        dismissable=True,
        resumable=agent.resumable,
    )


def _of_message(message: Undelivered) -> Need:
    text = message.text if len(message.text) <= _SHOWN else f"{message.text[: _SHOWN - 1]}…"
    return Need(
        key=message.row,
        kind=NeedKind.UNDELIVERED,
        title=f"A message from {message.sender} to {message.to} did not arrive",
        detail=f"{message.reason.replace('_', ' ')}: {text}",
        since_ms=message.at_ms,
        session=message.session,
        agent=message.agent,
        name=message.to,
        subject=message.message,
        dismissable=True,
    )


def _of_machines(machines: Iterable[Proxy]) -> Iterator[Need]:
    for machine in machines:
        if machine.online or not machine.agents:
            continue
        agents = f"{machine.agents} agent{'s' if machine.agents > 1 else ''}"
        yield Need(
            key=f"machine|{machine.id}",
            kind=NeedKind.MACHINE_AWAY,
            title=f"{machine.name} is away",
            detail=f"{agents} of it cannot be reached",
            since_ms=machine.since_ms,
            name=machine.name,
            subject=machine.id,
        )


def _of_runs(runs: Iterable[StuckRun], approvals: Iterable[Approval]) -> Iterator[Need]:
    asking = {str((each.input or {}).get("run")) for each in approvals if each.tool == _WORKFLOW_TOOL}
    for run in runs:
        if run.id in asking:
            continue  # its gate stands in the list
        yield Need(
            key=f"run|{run.id}",
            kind=NeedKind.RUN,
            title=f"{run.name} waits for somebody",
            detail=run.why,
            since_ms=run.since_ms,
            session=run.session,
            name=run.name,
            subject=run.id,
        )


_OF = {
    BudgetScope.WORKSPACE: "the workspace",
    BudgetScope.SESSION: "the session {}",
    BudgetScope.AGENT: "the agent {}",
    BudgetScope.TREE: "the agent {} and all it spawned",
    BudgetScope.PERSON: "{}",
}
_WHEN = {Period.DAY: "today", Period.MONTH: "this month", Period.TOTAL: "in total", Period.RUN: "in one run"}


def _of_budgets(budgets: Iterable[Budget]) -> Iterator[Need]:
    for budget in budgets:
        if budget.spent * 100 < budget.limit * TIMINGS.plan_warning_percent:
            continue  # what is only held by turns that run needs nobody
        whose = _OF[budget.place.scope].format(budget.name)
        yield Need(
            key=f"budget|{budget.place}",
            kind=NeedKind.BUDGET,
            title=f"The budget of {whose} is {'spent' if budget.is_spent else 'nearly spent'}",
            detail=f"{_amount(budget.spent, budget.place.unit)} of {_amount(budget.limit, budget.place.unit)}"
            f" {_WHEN[budget.place.period]}" + ("; messages wait until somebody raises it" if budget.is_spent else ""),
            blocks=budget.is_spent,
            session=budget.session,
            name=budget.name,
            subject=str(budget.place),
        )


def _amount(amount: float, unit: Unit) -> str:
    return f"${amount:,.2f}" if unit is Unit.USD else f"{amount:,.0f} {unit}"


def _of_limits(limits: Iterable[LimitUse]) -> Iterator[Need]:
    for use in limits:
        near = use.used * 100 >= use.limit * TIMINGS.plan_warning_percent
        if use.limit < TIMINGS.least_limit_warned or not near:
            continue  # who has a single agent uses all that there are
        reached = use.used >= use.limit
        yield Need(
            key=f"plan|{use.what}",
            kind=NeedKind.PLAN,
            title=f"The plan's {use.what} are {'all' if reached else 'nearly all'} used",
            detail=f"{use.used:,} of {use.limit:,}",
            blocks=False,
            name=use.what,
            subject=use.what,
        )
