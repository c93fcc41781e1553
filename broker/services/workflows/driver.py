"""Drives runs: folds a journal, asks the engine, writes what it decides, and has it carried out.

A worker may be killed between any two lines. What was decided stands in the journal before it is carried out, and
whoever looks next carries it out again under the same ids; what was carried out and not yet written is found in the
store by those ids.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import orjson

from broker.domain.errors import NotAuthenticated, NotFound, NotPermitted
from broker.domain.ids import WorkflowRunId, WorkspaceId
from broker.domain.people.access import Principal
from broker.domain.workflows.definition import StepType
from broker.domain.workflows.engine import advance, outstanding
from broker.domain.workflows.journal import (
    AideEnded,
    AttemptEnded,
    CancelAsked,
    Command,
    Entry,
    Fact,
    Outcome,
    RunState,
    StartAide,
    StartAttempt,
    TimerFired,
)
from broker.domain.workflows.run import Run
from broker.domain.workflows.telling import tell
from broker.services.people.access import Access
from broker.services.ports import ClaimedRun, LoggedEvent, Registry, RunRow, WorkflowRecords, Written
from broker.services.workflows.agent_steps import AgentSteps
from broker.services.workflows.command_steps import CommandSteps
from broker.services.workflows.definitions import Definition, Definitions
from broker.services.workflows.gates import Gates
from broker.services.workflows.scene import Progress, Scene
from broker.services.workflows.waits import Waits

_AT_ONCE = 200
"""Entries that are written in one step: a store that is shared must not be held up."""
_KEPT = 2_000
_NO_SESSION = "the session was deleted"
_NOT_AVAILABLE = "this broker cannot carry out steps of this type yet"


@dataclass(slots=True)
class _Folded:
    """A run as far as its journal was read."""

    run: Run
    stored: tuple[RunState, str]
    """State and reason as the record has them."""
    entries: int = 0


@dataclass(slots=True)
class _Found:
    """What one round of looking has found."""

    facts: list[Fact] = field(default_factory=list)
    outputs: dict[str, str] = field(default_factory=dict)
    look_at_ms: list[int] = field(default_factory=list)

    def take(self, progress: Progress) -> None:
        if progress.fact is not None:
            self.facts.append(progress.fact)
        self.outputs.update(progress.outputs)
        if progress.look_at_ms is not None:
            self.look_at_ms.append(progress.look_at_ms)


class Driver:
    """Looks at runs that were claimed."""

    def __init__(
        self,
        records: WorkflowRecords,
        definitions: Definitions,
        registry: Registry,
        *,
        access: Access,
        agents: AgentSteps,
        commands: CommandSteps,
        gates: Gates,
        waits: Waits,
    ) -> None:
        self._waits = waits
        self._gates = gates
        self._commands = commands
        self._records = records
        self._definitions = definitions
        self._registry = registry
        self._access = access
        self._agents = agents
        self._folded: OrderedDict[WorkflowRunId, _Folded] = OrderedDict()

    async def look(self, workspace: WorkspaceId, claimed: ClaimedRun, *, now_ms: int) -> None:
        """Bring a run as far as it comes by now, and let go of it. Raises `Unavailable`, `Fenced`."""
        row = await self._records.row(workspace, claimed.id)
        if row is None:
            return
        try:
            definition = await self._definitions.get(workspace, row.definition, row.workflow)
            by = await self._access.present(row.by)
        except (NotAuthenticated, NotFound) as gone:
            await self._records.settle(workspace, claimed, due_at_ms=None, held=f"{row.by.name}: {gone.message}")
            return
        try:
            due_ms = await self._drive(workspace, claimed, row, definition, by=by, now_ms=now_ms)
        except (NotPermitted, NotAuthenticated) as refused:
            await self._records.settle(workspace, claimed, due_at_ms=None, held=refused.message)
        except BaseException:
            self._folded.pop(claimed.id, None)  # it may be ahead of what was written
            raise
        else:
            await self._records.settle(workspace, claimed, due_at_ms=due_ms)

    async def _drive(
        self,
        workspace: WorkspaceId,
        claimed: ClaimedRun,
        row: RunRow,
        definition: Definition,
        *,
        by: Principal,
        now_ms: int,
    ) -> int | None:
        """Until nothing follows any more; when the run is to be looked at again."""
        sessions = await self._registry.sessions_by_id(workspace, [row.session])
        while True:
            folded = await self._fold(workspace, row, definition)
            found = _Found()
            if row.session not in sessions and not folded.run.cancelled:
                found.facts.append(CancelAsked(by="relay: the session was deleted"))
            elif row.session in sessions:
                scene = Scene(
                    workspace=workspace,
                    by=by,
                    session=sessions[row.session],
                    row=row,
                    definition=definition,
                    run=folded.run,
                    now_ms=now_ms,
                    records=self._records,
                )
                await self._look_around(scene, found)
            else:
                found.facts += [fact for each in outstanding(folded.run) for fact in _given_up(each)]
            if not await self._write(workspace, claimed, folded, definition, found, now_ms=now_ms):
                return min([*found.look_at_ms, *(each.at_ms for each in folded.run.timers.values())], default=None)

    async def _fold(self, workspace: WorkspaceId, row: RunRow, definition: Definition) -> _Folded:
        fresh = _Folded(run=Run(workflow=definition.workflow), stored=(row.state, row.reason))
        folded = self._folded.pop(row.id, None) or fresh
        self._folded[row.id] = folded
        if len(self._folded) > _KEPT:
            self._folded.popitem(last=False)
        for entry in await self._records.journal(workspace, row.id, after=folded.entries):
            folded.run.apply(entry)
            folded.entries += 1
        return folded

    async def _look_around(self, scene: Scene, found: _Found) -> None:
        """What has become of all that was decided and is not known to have ended."""
        run = scene.run
        if run.state is not RunState.RUNNING:
            return
        found.facts += [TimerFired(name=each.name) for each in run.timers.values() if each.at_ms <= scene.now_ms]
        for command in outstanding(run):
            match command:
                case StartAttempt(step=step):
                    found.take(await self._carry(scene, step))
                case StartAide(step=step):
                    found.take(await self._agents.carry_aide(scene, step))
                case _:
                    pass

    async def _carry(self, scene: Scene, step: str) -> Progress:
        match scene.spec(step).kind:
            case StepType.AGENT:
                return await self._agents.carry(scene, step)
            case StepType.DETERMINISTIC | StepType.WORKTREE:
                return await self._commands.carry(scene, step)
            case StepType.APPROVAL:
                return await self._gates.carry(scene, step)
            case StepType.WAIT_FOR:
                return await self._waits.carry(scene, step)
            case _:
                attempt = scene.standing(step).attempt
                reason = scene.standing(step).stopping or _NOT_AVAILABLE
                ended = AttemptEnded(step=step, attempt=attempt, outcome=Outcome.FAILED, reason=reason)
                return Progress(fact=ended)

    async def _write(
        self,
        workspace: WorkspaceId,
        claimed: ClaimedRun,
        folded: _Folded,
        definition: Definition,
        found: _Found,
        *,
        now_ms: int,
    ) -> bool:
        """Write what was found and is decided on it, before anything of it is carried out; whether that was any."""
        run, entries = folded.run, list[Entry]()
        for fact in found.facts:
            entries.append(Entry(at_ms=now_ms, what=fact))
            run.apply(entries[-1])
        entries += [Entry(at_ms=run.at_ms, what=each) for each in advance(run)]
        stands = run.state, run.reason
        if not entries and stands == folded.stored:
            return False
        for start in range(0, len(entries) or 1, _AT_ONCE):
            part, is_last = entries[start : start + _AT_ONCE], start + _AT_ONCE >= len(entries)
            written = Written(
                entries=part,
                events=_events(claimed.id, definition, part),
                outputs=found.outputs if start == 0 else {},
                state=run.state if is_last and stands != folded.stored else None,
                reason=run.reason,
            )
            if not await self._records.append(workspace, claimed, written, after=folded.entries):
                self._folded.pop(claimed.id, None)  # somebody has told something meanwhile: read it, and decide anew
                return True
            folded.entries += len(part)
        folded.stored = stands
        return True


def _events(run: WorkflowRunId, definition: Definition, entries: Sequence[Entry]) -> list[LoggedEvent]:
    told = (tell(run, definition.workflow, each.what) for each in entries)
    return [LoggedEvent(kind=each.kind, data=orjson.dumps(each.data)) for each in told if each is not None]


def _given_up(command: Command) -> Iterator[Fact]:
    match command:
        case StartAttempt(step=step, attempt=attempt):
            yield AttemptEnded(step=step, attempt=attempt, outcome=Outcome.FAILED, reason=_NO_SESSION)
        case StartAide(step=step, attempt=attempt, aide=aide):
            yield AideEnded(step=step, attempt=attempt, aide=aide, approved=False, reason=_NO_SESSION)
        case _:
            pass
