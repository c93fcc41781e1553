"""Runs of workflows and their steps."""

from __future__ import annotations

from typing import Annotated, Self

import strawberry
from strawberry import ID

from broker.domain.errors import NotFound
from broker.domain.ids import WorkflowRunId
from broker.services.ports import RunRow
from broker.services.workflows import showing as domain
from broker.services.workflows.reruns import Comparison
from graphql_api.context import Info
from graphql_api.pagination import Place
from graphql_api.types.fields import resolve
from graphql_api.types.scalars import JSON, DateTime


@strawberry.type(description="One attempt at a step of a run.")
class WorkflowAttempt:
    """One attempt."""

    number: int = strawberry.field(description="Counts a step's attempts, those of earlier rounds too.")
    started_at: DateTime = strawberry.field(description="When it began.")
    ended_at: DateTime | None = strawberry.field(description="When it ended; null while it goes on.")
    outcome: str | None = strawberry.field(
        description="`succeeded`, `early`, `failed`, `rejected`, `denied`, `quota`, `needs_human` or `interrupted`;"
        " null while it goes on."
    )
    reason: str | None = strawberry.field(description="Why it ended so.")
    agent_key: ID | None = strawberry.field(description="The agent that works on it; null for a step of another type.")

    @classmethod
    def of(cls, attempt: domain.ShownAttempt) -> Self:
        """As the service shows it."""
        return cls(
            number=attempt.number,
            started_at=DateTime(attempt.started_at_ms),
            ended_at=None if attempt.ended_at_ms is None else DateTime(attempt.ended_at_ms),
            outcome=attempt.outcome,
            reason=attempt.reason or None,
            agent_key=None if attempt.agent is None else ID(attempt.agent),
        )


@strawberry.type(description="One step of a run, as it stands.")
class WorkflowStep:
    """One step."""

    run: strawberry.Private[WorkflowRunId]
    name: str = strawberry.field(description="As the file has it.")
    type: str = strawberry.field(description="Such as `agent`, `deterministic`, `approval`, `waitFor`.")
    agent: str | None = strawberry.field(description="What the file calls the agent that works on it.")
    state: str = strawberry.field(
        description="`pending`, `running`, `aided`, `waiting_retry`, `waiting_quota`, `interrupted`, `needs_human`,"
        " `completed`, `failed` or `skipped`."
    )
    reason: str | None = strawberry.field(description="Why it stands so.")
    attempt: int = strawberry.field(description="The number of its newest attempt; 0 as long as there was none.")
    round: int = strawberry.field(description="Which round of a loop it is in, from 1.")
    after: list[str] = strawberry.field(description="The steps that stand before it.")
    choice: str | None = strawberry.field(description="What a voter has chosen.")
    by_hand: bool = strawberry.field(description="Whether somebody has done it otherwise.")
    until: DateTime | None = strawberry.field(description="Until when it waits for another attempt.")
    tokens: int = strawberry.field(description="What it has spent, as far as that is known.")
    micro_usd: int = strawberry.field(description="The same in millionths of a dollar.")
    run_key: ID | None = strawberry.field(
        description="Of a step that is another workflow: the run of its newest attempt."
    )
    webhook: str | None = strawberry.field(
        description="Where a step that waits for a webhook is called, once, by a `POST` with JSON or text; null for"
        " those who could not do it by hand."
    )
    attempts: list[WorkflowAttempt] = strawberry.field(description="All of them, the oldest first.")

    @classmethod
    def of(cls, run: WorkflowRunId, step: domain.ShownStep) -> Self:
        """As the service shows it."""
        return cls(
            run=run,
            name=step.name,
            type=step.type,
            agent=step.agent,
            state=step.state,
            reason=step.reason or None,
            attempt=step.attempt,
            round=step.round,
            after=list(step.after),
            choice=step.choice,
            by_hand=step.by_hand,
            until=None if step.until_ms is None else DateTime(step.until_ms),
            tokens=step.tokens,
            micro_usd=step.micro_usd,
            webhook=step.webhook,
            run_key=None if step.run is None else ID(step.run),
            attempts=[WorkflowAttempt.of(each) for each in step.attempts],
        )

    @resolve("What it has said: in one attempt, else in the newest that has ended. Empty without one.")
    async def output(
        self, info: Info, attempt: Annotated[int | None, strawberry.argument(description="Its number.")] = None
    ) -> str:
        """Its own words, or a command's standard output."""
        runs, caller = info.context.services.workflows, info.context.principal
        _, text = await runs.output(caller, self.run, self.name, attempt=attempt)
        return text


@strawberry.type(description="A run of a workflow. Its events are in its session's log: `workflow.*` and `step.*`.")
class WorkflowRun:
    """One run."""

    key: ID = strawberry.field(description="Its key.")
    name: str = strawberry.field(description="Of the workflow's file.")
    workflow: str = strawberry.field(description="Which of the file's workflows.")
    session_key: ID = strawberry.field(description="The session that it is in.")
    state: str = strawberry.field(
        description="`running`, `needs_human`, `completed`, `completed_early`, `failed` or `cancelled`."
    )
    reason: str | None = strawberry.field(description="Why it stands so.")
    held: str | None = strawberry.field(
        description="Why nothing is done for it, although it has not ended; null when something is."
    )
    started_by: str = strawberry.field(description="Whose rights it has.")
    started_at: DateTime = strawberry.field(description="When it began.")
    changed_at: DateTime = strawberry.field(description="When something happened in it last.")
    values: JSON = strawberry.field(description="Of the file's variables, as far as they were given.")
    definition: str = strawberry.field(description="SHA-256 of the file that it is pinned to.")
    origin_key: ID | None = strawberry.field(
        description="The run that it goes on from, or of which it is a step; null for most."
    )

    @classmethod
    def of(cls, row: RunRow) -> Self:
        """As the store has it."""
        return cls(
            key=ID(row.id),
            name=row.name,
            workflow=row.workflow,
            session_key=ID(row.session),
            state=row.state,
            reason=row.reason or None,
            held=row.held or None,
            started_by=row.by.name,
            started_at=DateTime(row.started_at_ms),
            changed_at=DateTime(row.changed_at_ms),
            values=JSON(dict(row.values)),
            definition=row.definition,
            origin_key=None if row.origin is None else ID(row.origin),
        )

    @resolve("Its steps, in the order of the file.")
    async def steps(self, info: Info) -> list[WorkflowStep]:
        """All of them."""
        run = WorkflowRunId(self.key)
        shown = await info.context.services.workflows.show(info.context.principal, run)
        return [WorkflowStep.of(run, each) for each in shown.steps]

    @resolve("The file that it is pinned to, as it was given.")
    async def file(self, info: Info) -> str:
        """Later edits change nothing of a run."""
        return await info.context.services.workflows.definition(info.context.principal, WorkflowRunId(self.key))

    @resolve("It and another run, step by step; null when there is no other of that key.")
    async def compared_with(
        self, info: Info, key: Annotated[ID, strawberry.argument(description="Of the other run.")]
    ) -> WorkflowComparison | None:
        """Two runs side by side."""
        left, right = WorkflowRunId(self.key), WorkflowRunId(key)
        try:
            found = await info.context.services.reruns.compare(info.context.principal, left, right)
        except NotFound:
            return None
        return WorkflowComparison.of(found)


@strawberry.type(description="One step in two runs.")
class WorkflowStepPair:
    """One step in two runs."""

    name: str = strawberry.field(description="As the files have it.")
    left: WorkflowStep | None = strawberry.field(description="In the run that was asked; null without such a step.")
    right: WorkflowStep | None = strawberry.field(description="In the other one.")
    same_output: bool = strawberry.field(description="Whether the steps behind it are given the same.")


@strawberry.type(description="Two runs side by side.")
class WorkflowComparison:
    """Two runs side by side."""

    right: WorkflowRun = strawberry.field(description="The other run.")
    steps: list[WorkflowStepPair] = strawberry.field(
        description="In the order of the file of the run that was asked, then those that only the other one has."
    )
    difference: str = strawberry.field(description="Of their files, as `diff -u` has it; empty when they are the same.")

    @classmethod
    def of(cls, found: Comparison) -> Self:
        """As the service has it."""
        runs = found.left.row.id, found.right.row.id
        return cls(
            right=WorkflowRun.of(found.right.row),
            steps=[
                WorkflowStepPair(
                    name=each.name,
                    left=None if each.left is None else WorkflowStep.of(runs[0], each.left),
                    right=None if each.right is None else WorkflowStep.of(runs[1], each.right),
                    same_output=each.same_output,
                )
                for each in found.steps
            ],
            difference=found.difference,
        )


def newest_run(row: RunRow) -> Place:
    """Runs are listed so: the newest first."""
    return Place(-row.started_at_ms, row.id)


async def run_of(info: Info, key: str) -> WorkflowRun | None:
    """One by its key; None when there is none that the caller may see."""
    try:
        shown = await info.context.services.workflows.get(info.context.principal, WorkflowRunId(key))
    except NotFound:
        return None
    return WorkflowRun.of(shown)
