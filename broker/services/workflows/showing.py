"""Runs as people see them: where each step stands, and what became of each attempt."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from broker.domain.agents.agents import derive_agent_id
from broker.domain.ids import AgentId, ApprovalId, WorkflowRunId
from broker.domain.workflows.files.definition import StepType
from broker.domain.workflows.runs.effects import effect_id
from broker.domain.workflows.runs.journal import AttemptEnded, AttemptInterrupted, Entry, StartAttempt
from broker.domain.workflows.runs.run import Run
from broker.domain.workflows.runs.steps import StepState
from broker.services.ports import RunRow
from broker.services.workflows.definitions import Definition

NEEDS_PERSON = "needs a person: "
"""So begins the reason of a step whose called run does not go on by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownAttempt:
    """One attempt at a step."""

    number: int
    started_at_ms: int
    ended_at_ms: int | None
    outcome: str | None
    reason: str
    output: str
    """The name of what it has said."""
    agent: AgentId | None = None
    """Who works on it, where an agent does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownStep:
    """One step of a run as it stands."""

    name: str
    type: str
    agent: str | None
    state: StepState
    reason: str
    attempt: int
    round: int
    after: tuple[str, ...]
    choice: str | None
    by_hand: bool
    until_ms: int | None
    """Until when it waits for another attempt."""
    tokens: int
    micro_usd: int
    output: str
    """The name of what the steps behind it are given."""
    attempts: tuple[ShownAttempt, ...]
    webhook: str | None = None
    """Where a step that waits for that is called, for those who could end its wait by hand."""
    run: WorkflowRunId | None = None
    """Of a step that is another workflow: the run of its newest attempt."""
    gate: ApprovalId | None = None
    """Of a step that waits for an answer: what people are asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownRun:
    """A run with its steps."""

    row: RunRow
    """State and reason are those of the journal that the steps were read from."""
    session_name: str
    steps: tuple[ShownStep, ...]


def show_steps(definition: Definition, run: Run, journal: list[Entry]) -> tuple[ShownStep, ...]:
    """Where each step stands, in the order of the file."""
    attempts = _attempts(journal, {each.name for each in definition.workflow.steps.values() if each.agent})
    return tuple(
        ShownStep(
            name=name,
            type=definition.workflow.steps[name].kind,
            agent=definition.workflow.steps[name].agent,
            state=standing.state,
            reason=standing.reason,
            attempt=standing.attempt,
            round=standing.round,
            after=tuple(sorted(definition.workflow.before[name], key=definition.workflow.numbers.__getitem__)),
            choice=standing.choice,
            by_hand=standing.by_hand,
            until_ms=_until_ms(run, name) if standing.state.waits else None,
            tokens=run.tokens.get(name, 0) + standing.spending,
            micro_usd=run.micro_usd.get(name, 0),
            output=standing.output,
            attempts=tuple(attempts.get(name, ())),
            gate=_gate(definition, run, name),
        )
        for name, standing in run.steps.items()
    )


def _gate(definition: Definition, run: Run, step: str) -> ApprovalId | None:
    standing = run.steps[step]
    if definition.workflow.steps[step].kind is not StepType.APPROVAL or standing.state is not StepState.RUNNING:
        return None
    return ApprovalId(effect_id(run.id, step, standing.attempt))


def _until_ms(run: Run, step: str) -> int | None:
    return next((each.at_ms for each in run.timers.values() if each.step == step), None)


def _attempts(journal: list[Entry], of_agents: Collection[str]) -> dict[str, list[ShownAttempt]]:
    found: dict[tuple[str, int], ShownAttempt] = {}
    for entry in journal:
        match entry.what:
            case StartAttempt(step=step, attempt=attempt, effect=effect):
                found[step, attempt] = ShownAttempt(
                    number=attempt,
                    started_at_ms=entry.at_ms,
                    ended_at_ms=None,
                    outcome=None,
                    reason="",
                    output="",
                    agent=derive_agent_id(effect) if step in of_agents else None,
                )
            case AttemptEnded(step=step, attempt=attempt) as ended if (step, attempt) in found:
                found[step, attempt] = replace(
                    found[step, attempt],
                    ended_at_ms=entry.at_ms,
                    outcome=ended.outcome,
                    reason=ended.reason,
                    output=ended.output,
                )
            case AttemptInterrupted(step=step, attempt=attempt, reason=reason) if (step, attempt) in found:
                found[step, attempt] = replace(
                    found[step, attempt], ended_at_ms=entry.at_ms, outcome="interrupted", reason=reason
                )
            case _:
                pass
    by_step: dict[str, list[ShownAttempt]] = {}
    for (step, _), each in found.items():
        by_step.setdefault(step, []).append(each)
    return by_step
