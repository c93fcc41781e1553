"""Runs that go on from others: with a corrected file, or from a step on; and two runs side by side.

A run stays pinned to its file. One that goes on with another file, or from an earlier step, is a run of its own: it
takes over what comes to the same by its file and values, and does the rest.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field

from broker.domain.errors import Conflict, NotFound
from broker.domain.ids import WorkflowRunId
from broker.domain.people.access import Permission, Principal
from broker.domain.workflows.files.definition import VarValue
from broker.domain.workflows.files.findings import nearest
from broker.domain.workflows.planning.reuse import Given, Reuse, reusable
from broker.domain.workflows.runs.journal import Kept, RunState
from broker.domain.workflows.runs.run import Run, fold
from broker.services.agents.sessions import Sessions
from broker.services.permissions import requires
from broker.services.ports import RunRow, WorkflowRecords
from broker.services.workflows.definitions import Definition, Definitions, define_anew
from broker.services.workflows.runs import WorkflowRuns
from broker.services.workflows.showing import ShownRun, ShownStep
from broker.services.workflows.starting import RunRequest, Start, check_values


@dataclass(frozen=True, slots=True, kw_only=True)
class RerunRequest:
    """What a caller asks for."""

    text: str | None = None
    """A corrected file; None: the run's own."""
    step: str | None = None
    """From which on all is done again; None: only what was not completed, or is another one now."""
    values: Mapping[str, VarValue] = field(default_factory=dict)
    """Of the file's variables, in place of the run's own."""
    idempotency_key: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What would be done again, and why."""

    reuse: Reuse
    difference: str
    """Of the two files, as `diff -u` has it; '' when they are the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """One step in two runs; None: that run's file has no such step."""

    name: str
    left: ShownStep | None
    right: ShownStep | None
    same_output: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Two runs side by side."""

    left: ShownRun
    right: ShownRun
    steps: tuple[Pair, ...]
    """In the order of the left one's file, then those that only the right one has."""
    difference: str
    """Of their files, as `diff -u` has it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    row: RunRow
    text: str
    definition: Definition
    values: Mapping[str, VarValue]
    run: Run
    preview: Preview


class Reruns:
    """Use cases around runs that go on from others."""

    def __init__(
        self, runs: WorkflowRuns, records: WorkflowRecords, definitions: Definitions, *, sessions: Sessions
    ) -> None:
        self._runs = runs
        self._records = records
        self._definitions = definitions
        self._sessions = sessions

    @requires(Permission.READ)
    async def preview(self, principal: Principal, run: WorkflowRunId, request: RerunRequest) -> Preview:
        """What a rerun would keep.

        Raises `BadRequest` (INVALID_WORKFLOW), `NotFound` (RUN_NOT_FOUND, STEP_NOT_FOUND).
        """
        return (await self._plan(principal, run, request)).preview

    @requires(Permission.SPAWN)
    async def start(self, principal: Principal, run: WorkflowRunId, request: RerunRequest) -> RunRow:
        """Begin a run that goes on from another, in its session as long as that is there.

        Raises `BadRequest` (INVALID_WORKFLOW), `NotFound` (RUN_NOT_FOUND, STEP_NOT_FOUND), `Conflict` (RUN_GOES_ON),
        and what beginning a run raises.
        """
        await self._runs.own(principal, run)
        plan = await self._plan(principal, run, request)
        if plan.row.state is RunState.RUNNING and not plan.row.held:
            raise Conflict("the run goes on: cancel it first, or wait for its end", code="RUN_GOES_ON")
        there = await self._sessions.all_by_id(principal, [plan.row.session])
        asked = RunRequest(
            text=plan.text,
            workflow=plan.definition.entry.name,
            values=plan.values,
            machine=plan.row.machine,
            folder=plan.row.folder,
            session=plan.row.session if plan.row.session in there else None,
            idempotency_key=request.idempotency_key,
        )
        return await self._runs.start(principal, asked, start=await self._start_of(principal, plan))

    @requires(Permission.READ)
    async def compare(self, principal: Principal, left: WorkflowRunId, right: WorkflowRunId) -> Comparison:
        """Two runs, step by step. Raises `NotFound` (RUN_NOT_FOUND)."""
        one, other = await self._runs.show(principal, left), await self._runs.show(principal, right)
        first, second = ({each.name: each for each in shown.steps} for shown in (one, other))
        pairs = (
            Pair(name=name, left=first.get(name), right=second.get(name), same_output=_same(first, second, name))
            for name in dict.fromkeys([*first, *second])
        )
        texts = [await self._runs.definition(principal, each) for each in (left, right)]
        return Comparison(left=one, right=other, steps=tuple(pairs), difference=_difference(*texts))

    async def _plan(self, principal: Principal, run: WorkflowRunId, request: RerunRequest) -> _Plan:
        row = await self._runs.get(principal, run)
        old = await self._definitions.get(principal.workspace, row.definition, row.workflow)
        was = await self._records.definition(principal.workspace, row.definition) or ""
        text = was if request.text is None else request.text
        new = old if request.text is None else define_anew(text, row.workflow)
        values = check_values(new, _keep_declared(new, {**row.values, **request.values}))
        if request.step is not None and request.step not in new.workflow.steps:
            near = nearest(request.step, list(new.workflow.steps))
            raise NotFound(f"the file has no step {request.step[:80]!r}{near}", code="STEP_NOT_FOUND")
        folded = fold(old.workflow, await self._records.journal(principal.workspace, run))
        reuse = reusable(
            folded, _describe_given(old, row, row.values), _describe_given(new, row, values), first=request.step
        )
        preview = Preview(reuse=reuse, difference=_difference(was, text))
        return _Plan(row=row, text=text, definition=new, values=values, run=folded, preview=preview)

    async def _start_of(self, principal: Principal, plan: _Plan) -> Start:
        return await start_from(self._records, plan.row, plan.run, plan.preview.reuse)


async def start_from(records: WorkflowRecords, row: RunRow, run: Run, reuse: Reuse) -> Start:
    """What a run that goes on from `run` begins with, in the order in which that was completed."""
    kept, outputs = [], {}
    for name in sorted(reuse.kept, key=run.completed.index):
        step = run.steps[name]
        kept.append(Kept(step=name, run=row.id, output=step.output, choice=step.choice))
        if step.output and step.output not in outputs:
            outputs[step.output] = await records.output(row.by.workspace, row.id, step.output) or ""
    return Start(origin=row.id, kept=tuple(kept), outputs=outputs)


def _describe_given(definition: Definition, row: RunRow, values: Mapping[str, VarValue]) -> Given:
    return Given(file=definition.file, entry=definition.entry, values=values, machine=row.machine, folder=row.folder)


def _keep_declared(definition: Definition, values: Mapping[str, VarValue]) -> Mapping[str, VarValue]:
    """Those that the new file still has."""
    known = definition.file.vars
    return values if known is None else {name: value for name, value in values.items() if name in known}


def _same(left: Mapping[str, ShownStep], right: Mapping[str, ShownStep], name: str) -> bool:
    return name in left and name in right and left[name].output == right[name].output


def _difference(old: str, new: str) -> str:
    lines = difflib.unified_diff(old.splitlines(), new.splitlines(), "before", "after", lineterm="")
    return "\n".join(lines)
