"""Steps that are another workflow of the file: a run of its own in the same session, with the same rights.

Its id is the effect that it is begun for, so however often it is begun there is one. An attempt after one that failed
goes on from what that had completed.
"""

from __future__ import annotations

import orjson

from broker.domain.errors import BadRequest, Conflict, NotFound
from broker.domain.ids import WorkflowRunId
from broker.domain.timings import TIMINGS
from broker.domain.workflows.files.definition import StepEntry, VarValue
from broker.domain.workflows.planning.reuse import Given, reusable
from broker.domain.workflows.planning.values import parse_vars
from broker.domain.workflows.runs.effects import effect_id
from broker.domain.workflows.runs.evidence import Evidence
from broker.domain.workflows.runs.journal import AttemptEnded, CancelAsked, Outcome, RunState
from broker.domain.workflows.runs.run import Run, fold
from broker.domain.workflows.runs.steps import StepState
from broker.services.ports import NewRun, RunRow, WorkflowRecords
from broker.services.workflows.definitions import Definitions
from broker.services.workflows.reruns import start_from
from broker.services.workflows.scene import Progress, Scene, name_output
from broker.services.workflows.starting import Start, check_values, tell_start
from broker.services.workflows.verdicts import unmet

_AGAIN_MS = 2_000
_GOOD = frozenset({RunState.COMPLETED, RunState.COMPLETED_EARLY})


class Calls:
    """Begins the runs of such steps, and looks how far each has come."""

    def __init__(self, records: WorkflowRecords, definitions: Definitions) -> None:
        self._records = records
        self._definitions = definitions

    async def carry(self, scene: Scene, name: str) -> Progress:
        """Begin the newest attempt of a step, or look how far it has come."""
        standing = scene.standing(name)
        called = _derive_run_id(scene, name, standing.attempt)
        row = await self._records.row(scene.workspace, called)
        if row is None and standing.stopping is not None:
            return _report_end(scene, name, Outcome.FAILED, standing.stopping)
        if row is None:
            return await self._try_to_begin(scene, scene.entry(name), called)
        if row.state in _GOOD:
            return await self._verify(scene, scene.entry(name), row)
        if row.state in {RunState.FAILED, RunState.CANCELLED}:
            run = await self._fold(scene, row)
            reason = standing.stopping or f"its run {called} has {_how(row)}"
            return _report_end(scene, name, Outcome.FAILED, reason, run=run)
        if standing.stopping is not None:
            await self._records.tell(scene.workspace, called, CancelAsked(by=f"run {scene.row.id}"))
            return Progress(look_at_ms=scene.now_ms + TIMINGS.stop_ms)
        return Progress()

    async def _try_to_begin(self, scene: Scene, step: StepEntry, called: WorkflowRunId) -> Progress:
        try:
            await self._begin(scene, step, called)
        except (BadRequest, NotFound) as refused:
            return _report_end(scene, step.name, Outcome.FAILED, refused.message)
        except Conflict as refused:  # too many runs are open
            waited_ms = scene.now_ms - scene.standing(step.name).since_ms
            if waited_ms > TIMINGS.workflow_place_s * 1000:
                return _report_end(scene, step.name, Outcome.FAILED, refused.message)
            return Progress(look_at_ms=scene.now_ms + _AGAIN_MS)
        return Progress()

    async def _begin(self, scene: Scene, step: StepEntry, called: WorkflowRunId) -> None:
        row = scene.row
        definition = await self._definitions.get(scene.workspace, row.definition, step.workflow or "")
        text = await self._records.definition(scene.workspace, row.definition) or ""
        values = check_values(definition, {**row.values, **await self._fill_values(scene, step)})
        start = await self._start(scene, step, values)
        await self._records.begin(
            scene.workspace,
            NewRun(
                id=called,
                digest=called,
                session=scene.session.id,
                name=row.name,
                workflow=definition.entry.name,
                text=text,
                definition=row.definition,
                values=values,
                by=scene.by,
                machine=row.machine,
                folder=row.folder,
                told=tell_start(scene.by, definition, called, origin=row.id),
                origin=row.id,
                root=row.root or row.workflow,
                depth=row.depth,
                kept=start.kept if start else (),
                outputs=start.outputs if start else {},
            ),
        )

    async def _fill_values(self, scene: Scene, step: StepEntry) -> dict[str, VarValue]:
        """The values that the step has for it; texts may name the outputs of steps before."""
        given = dict(step.vars or {})
        texts = {name: await scene.fill_in(value) for name, value in given.items() if isinstance(value, str)}
        return {**given, **parse_vars(scene.definition.file, texts)}

    async def _start(self, scene: Scene, step: StepEntry, values: dict[str, VarValue]) -> Start | None:
        """What the attempt before has completed, when that has failed."""
        attempt = scene.standing(step.name).attempt
        before = await self._records.row(scene.workspace, _derive_run_id(scene, step.name, attempt - 1))
        if before is None or before.state in _GOOD:  # the first, or another round
            return None
        definition = await self._definitions.get(scene.workspace, before.definition, before.workflow)
        old, new = (
            Given(
                file=definition.file,
                entry=definition.entry,
                values=each,
                machine=before.machine,
                folder=before.folder,
            )
            for each in (before.values, values)
        )
        run = await self._fold(scene, before)
        return await start_from(self._records, before, run, reusable(run, old, new))

    async def _fold(self, scene: Scene, row: RunRow) -> Run:
        definition = await self._definitions.get(scene.workspace, row.definition, row.workflow)
        return fold(definition.workflow, await self._records.journal(scene.workspace, row.id))

    async def _verify(self, scene: Scene, step: StepEntry, row: RunRow) -> Progress:
        run = await self._fold(scene, row)
        output = await self._output(scene, row, run)
        said = unmet(step.conditions, Evidence(output=output))
        outcome = Outcome.SUCCEEDED if said is None else Outcome.REJECTED
        return _report_end(scene, step.name, outcome, said or "", output=output, run=run)

    async def _output(self, scene: Scene, row: RunRow, run: Run) -> str:
        """What the step that nothing else waits for has said; of several, a JSON object by their names."""
        last = [
            name
            for name, step in run.steps.items()
            if step.state is StepState.COMPLETED and step.output and not run.workflow.dependents.get(name)
        ]
        said = {
            each: await self._records.output(scene.workspace, row.id, run.steps[each].output) or "" for each in last
        }
        return next(iter(said.values())) if len(said) == 1 else orjson.dumps(said).decode() if said else ""


def _derive_run_id(scene: Scene, step: str, attempt: int) -> WorkflowRunId:
    return WorkflowRunId(effect_id(scene.row.id, step, attempt))


def _how(row: RunRow) -> str:
    how = "been cancelled" if row.state is RunState.CANCELLED else "failed"
    return f"{how}: {row.reason}" if row.reason else how


def _report_end(
    scene: Scene, step: str, outcome: Outcome, reason: str, *, output: str = "", run: Run | None = None
) -> Progress:
    kept, outputs = name_output(output) if output else ("", {})
    fact = AttemptEnded(
        step=step,
        attempt=scene.standing(step).attempt,
        outcome=outcome,
        reason=reason,
        output=kept,
        tokens=sum(run.tokens.values()) if run else 0,
        micro_usd=sum(run.micro_usd.values()) if run else 0,
    )
    return Progress(fact=fact, outputs=outputs)
