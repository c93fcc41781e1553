"""Drives runs: folds a journal, asks the engine, writes what it decides, and has it carried out.

A worker may be killed between any two lines. What was decided stands in the journal before it is carried out, and
whoever looks next carries it out again under the same ids; what was carried out and not yet written is found in the
store by those ids.
"""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto

import orjson

from broker.domain.errors import NotAuthenticated, NotFound, NotPermitted
from broker.domain.ids import WorkflowRunId, WorkspaceId
from broker.domain.people.access import Principal
from broker.domain.timings import TIMINGS
from broker.domain.workflows.files.definition import StepType
from broker.domain.workflows.runs.commands import CommandId, command_id
from broker.domain.workflows.runs.engine import advance, outstanding
from broker.domain.workflows.runs.journal import (
    EFFECTS,
    AideEnded,
    AttemptEnded,
    AttemptInterrupted,
    CancelAsked,
    ClockMoved,
    Command,
    Entry,
    Fact,
    Outcome,
    RunState,
    SetTimer,
    StartAide,
    StartAttempt,
    TimerFired,
)
from broker.domain.workflows.runs.run import Run
from broker.domain.workflows.runs.steps import Mark, StepState
from broker.domain.workflows.runs.telling import tell
from broker.services.ports import ClaimedRun, CommandOrder, LoggedEvent, RunRow, WorkflowRecords, Written
from broker.services.workflows.calls import Calls
from broker.services.workflows.definitions import Definition, Definitions
from broker.services.workflows.scene import Progress, Scene
from broker.services.workflows.steps.agents import AgentSteps
from broker.services.workflows.steps.commands import CommandSteps
from broker.services.workflows.steps.gates import Gates
from broker.services.workflows.steps.integrations import Integrations
from broker.services.workflows.steps.waits import Waits, waits_for_events
from broker.services.workflows.webhooks import WebhookAddresses

_AT_ONCE = 200
"""Entries that are written in one step: a store that is shared must not be held up."""
_AHEAD = 20
"""Commands that are ordered with the entries that decide on them, likewise; more are ordered one by one."""
_KEPT = 2_000
_NO_SESSION = "the session was deleted"


@dataclass(slots=True)
class _Folded:
    """A run as far as its journal was read."""

    run: Run
    stored: tuple[RunState, str]
    """State and reason as the record has them."""
    entries: int = 0
    followed: dict[CommandId, str] = field(default_factory=dict)
    """Commands, with their steps, that were ordered with what this process has written: claims tell of their ends. What
    is not known to be one is looked for, as after a start, or when another worker had the run."""


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


class _Wrote(Enum):
    """What became of what a round has found."""

    NOTHING = auto()
    """There was nothing to write."""
    SOME = auto()
    """More may follow from it."""
    LATE = auto()
    """Nothing: somebody has told something meanwhile, so it is decided anew."""
    ALL = auto()
    """Nothing more follows, and the run is let go of."""


class Driver:
    """Looks at runs that were claimed."""

    def __init__(
        self,
        records: WorkflowRecords,
        definitions: Definitions,
        *,
        agents: AgentSteps,
        commands: CommandSteps,
        gates: Gates,
        waits: Waits,
        calls: Calls,
        integrations: Integrations,
        webhooks: WebhookAddresses,
    ) -> None:
        self._webhooks = webhooks
        self._calls = calls
        self._integrations = integrations
        self._waits = waits
        self._gates = gates
        self._commands = commands
        self._records = records
        self._definitions = definitions
        self._agents = agents
        self._folded: OrderedDict[WorkflowRunId, _Folded] = OrderedDict()
        """None that may be ahead of what was written."""

    async def look(self, workspace: WorkspaceId, claimed: ClaimedRun, *, now_ms: int, holder: str = "") -> None:
        """Bring a run as far as it comes by now, and let go of it. Raises `Unavailable`, `Fenced`.

        `holder`: who asks to have it again first, see `Written`.
        """
        row = claimed.row
        try:
            definition = await self._definitions.get(workspace, row.definition, row.workflow)
            folded = await self._fold(workspace, row, definition, entries=row.entries)
            by = self._require_standing(claimed)
        except (NotAuthenticated, NotFound) as gone:
            await self._records.settle(workspace, claimed, due_at_ms=None, held=f"{row.by.name}: {gone.message}")
            return
        try:
            by.require_to_drive(row.session)
            await self._drive(workspace, claimed, definition, folded, by=by, now_ms=now_ms, holder=holder)
        except (NotPermitted, NotAuthenticated) as refused:
            self._folded.pop(claimed.id, None)
            await self._records.settle(workspace, claimed, due_at_ms=None, held=refused.message)
        except BaseException:
            self._folded.pop(claimed.id, None)
            raise

    @staticmethod
    def _require_standing(claimed: ClaimedRun) -> Principal:
        if isinstance(claimed.by, NotAuthenticated):
            raise claimed.by
        return claimed.by

    async def _drive(
        self,
        workspace: WorkspaceId,
        claimed: ClaimedRun,
        definition: Definition,
        folded: _Folded,
        *,
        by: Principal,
        now_ms: int,
        holder: str,
    ) -> None:
        """Until nothing follows any more, and let go of the run."""
        row, session = claimed.row, claimed.session
        while True:
            _stir(folded, claimed)
            _stir_held(folded.run, definition, row)
            survey = await self._commands.survey(workspace, claimed, folded.run, followed=folded.followed.keys())
            found, scene = _Found(), None
            if moved_ms := claimed.clock_ms - folded.run.clock_ms:
                found.facts.append(ClockMoved(by_ms=moved_ms))  # before anything counts as late
            elif session is None and not folded.run.cancelled:
                found.facts.append(CancelAsked(by="relay: the session was deleted"))
            elif session is not None:
                scene = Scene(
                    workspace=workspace,
                    by=by,
                    session=session,
                    row=row,
                    definition=definition,
                    run=folded.run,
                    now_ms=now_ms,
                    records=self._records,
                    webhooks=self._webhooks,
                    survey=survey,
                    outputs=found.outputs,
                )
                await self._look_around(scene, found)
            else:
                found.facts += [fact for each in outstanding(folded.run) for fact in _give_up(each)]
            wrote = await self._write(
                workspace, claimed, folded, definition, found, scene=scene, now_ms=now_ms, holder=holder
            )
            if wrote is _Wrote.NOTHING:
                await self._records.settle(workspace, claimed, due_at_ms=_due_at(folded.run, found))
                return
            if wrote is _Wrote.ALL:
                return
            if wrote is _Wrote.LATE:
                folded = await self._fold(workspace, row, definition, entries=None)

    async def _fold(
        self, workspace: WorkspaceId, row: RunRow, definition: Definition, *, entries: int | None
    ) -> _Folded:
        """The run as far as its journal goes. `entries`: how many that has, where that is known."""
        folded = self._folded.pop(row.id, None)
        if folded is None:
            folded = _Folded(run=Run(workflow=definition.workflow), stored=(row.state, row.reason))
        self._folded[row.id] = folded
        if len(self._folded) > _KEPT:
            self._folded.popitem(last=False)
        if entries == folded.entries:
            return folded
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
        for step in run.roster.marked(Mark.UNFOLLOWED):
            if not run.steps[step].is_open:
                continue
            if run.steps[step].aide is None:
                found.take(await self._carry(scene, step))
            else:
                found.take(await self._agents.carry_aide(scene, step))

    async def _carry(self, scene: Scene, step: str) -> Progress:
        match scene.spec(step).kind:
            case StepType.AGENT:
                return await self._agents.carry(scene, step)
            case _ if scene.spec(step).on_machine:
                return await self._commands.carry(scene, step)
            case StepType.APPROVAL:
                return await self._gates.carry(scene, step)
            case StepType.SUBWORKFLOW:
                return await self._calls.carry(scene, step)
            case StepType.WAIT_FOR:
                return await self._waits.carry(scene, step)
            case StepType.INTEGRATION:
                return await self._integrations.carry(scene, step)
            case StepType.DETERMINISTIC | StepType.WORKTREE as on_machine:
                raise AssertionError(f"{on_machine} runs on a machine")

    async def _write(
        self,
        workspace: WorkspaceId,
        claimed: ClaimedRun,
        folded: _Folded,
        definition: Definition,
        found: _Found,
        *,
        scene: Scene | None,
        now_ms: int,
        holder: str,
    ) -> _Wrote:
        """Write what was found and is decided on it, before anything of it is carried out."""
        run, entries = folded.run, list[Entry]()
        for fact in found.facts:
            entries.append(Entry(at_ms=now_ms, what=fact))
            run.apply(entries[-1])
        decided = advance(run)
        entries += [Entry(at_ms=run.at_ms, what=each) for each in decided]
        stands = run.state, run.reason
        if not entries and stands == folded.stored:
            return _Wrote.NOTHING
        effects = [each for each in decided if isinstance(each, EFFECTS) and not isinstance(each, SetTimer)]
        orders = await self._order_ahead(scene, effects) if scene else []
        done = list(_find_done(run, found.facts))
        due_at_ms = _due_at(run, found)
        was_moved = any(isinstance(each, ClockMoved) for each in found.facts)  # and nothing was looked at
        rests = not was_moved and len(orders) == len(effects) and (due_at_ms is None or due_at_ms > now_ms)
        without_room = set[CommandId]()
        for start in range(0, len(entries) or 1, _AT_ONCE):
            part, is_last = entries[start : start + _AT_ONCE], start + _AT_ONCE >= len(entries)
            written = Written(
                entries=part,
                events=_events(claimed.id, definition, part),
                outputs=found.outputs if start == 0 else {},
                state=run.state if is_last and stands != folded.stored else None,
                reason=run.reason,
                listens=_listens(run, definition),
                done=done if start == 0 else (),
                orders=orders if is_last else (),
                rests=rests and is_last,
                due_at_ms=due_at_ms,
                holder=holder,
            )
            appended = await self._records.append(workspace, claimed, written, after=folded.entries)
            if appended is None:
                self._folded.pop(claimed.id, None)  # it is ahead of what was written
                return _Wrote.LATE
            folded.entries += len(part)
            without_room |= appended.without_room
        folded.stored = stands
        for command in done:
            folded.followed.pop(command, None)
        for each in orders:
            if each.command in without_room:
                continue  # the next look tells why it waits
            folded.followed[each.command] = each.step
            run.roster.unmark(Mark.UNFOLLOWED, each.step)
        return _Wrote.ALL if rests and not without_room else _Wrote.SOME

    async def _order_ahead(self, scene: Scene, effects: Sequence[Command]) -> list[CommandOrder]:
        """What machines are to be ordered with the decision itself, so that no other look is needed for it."""
        found = list[CommandOrder]()
        for each in effects:
            if len(found) == _AHEAD:
                break
            if isinstance(each, StartAttempt) and scene.spec(each.step).on_machine:
                order = await self._commands.prepare(scene, each.step)
                found += [order] if order else []
        return found


def _stir(folded: _Folded, claimed: ClaimedRun) -> None:
    """Look at the steps again that the claim tells something of: the others of a wide run are as they were."""
    for command in (*(each.command for each in claimed.ended), *claimed.forgotten):
        step = folded.followed.get(command)
        if step is not None and folded.run.steps[step].state.under_way:
            folded.run.roster.mark(Mark.UNFOLLOWED, step)


def _stir_held(run: Run, definition: Definition, row: RunRow) -> None:
    """Try again to order what waits for room, as much as there may be, of each machine."""
    tried = defaultdict[str | None, int](int)
    for step in run.roster.marked(Mark.HELD):
        machine = definition.file.machine(definition.steps[step], None) or row.machine
        tried[machine] += 1
        if tried[machine] <= TIMINGS.command_room:
            run.roster.mark(Mark.UNFOLLOWED, step)


def _due_at(run: Run, found: _Found) -> int | None:
    """When to look again, should nothing happen before."""
    return min([*found.look_at_ms, *(each.at_ms for each in run.timers.values())], default=None)


def _find_done(run: Run, facts: Sequence[Fact]) -> Iterator[CommandId]:
    """The commands of attempts that have ended with these facts."""
    for each in facts:
        if isinstance(each, AttemptEnded | AttemptInterrupted) and run.workflow.steps[each.step].on_machine:
            yield command_id(run.id, each.step, each.attempt)


def _listens(run: Run, definition: Definition) -> bool:
    """Whether a step waits for an event of whomever, or for the end of another run."""
    looked_at = run.roster.marked(Mark.UNFOLLOWED)  # a step of no command always is
    running = (definition.steps[name] for name in looked_at if run.steps[name].state is StepState.RUNNING)
    return any(
        each.kind is StepType.SUBWORKFLOW or (each.kind is StepType.WAIT_FOR and waits_for_events(each.wait_for or {}))
        for each in running
    )


def _events(run: WorkflowRunId, definition: Definition, entries: Sequence[Entry]) -> list[LoggedEvent]:
    told = (tell(run, definition.workflow, each.what) for each in entries)
    return [LoggedEvent(kind=each.kind, data=orjson.dumps(each.data)) for each in told if each is not None]


def _give_up(command: Command) -> Iterator[Fact]:
    match command:
        case StartAttempt(step=step, attempt=attempt):
            yield AttemptEnded(step=step, attempt=attempt, outcome=Outcome.FAILED, reason=_NO_SESSION)
        case StartAide(step=step, attempt=attempt, aide=aide):
            yield AideEnded(step=step, attempt=attempt, aide=aide, approved=False, reason=_NO_SESSION)
        case _:
            pass
