"""Runs for the people and programs who start them: beginning, showing, and deciding what the engine leaves to them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import orjson

from broker.domain.agents.agents import Agent, RunPart, folder_from
from broker.domain.agents.sessions import Session
from broker.domain.errors import BadRequest, Conflict, NotConfigured, NotFound, NotPermitted, TooLarge
from broker.domain.ids import SessionId, WorkflowRunId
from broker.domain.machines.placement import only_machine
from broker.domain.people.access import Permission, Principal
from broker.domain.people.privacy import Level
from broker.domain.plans.plans import BUILT_IN, Feature, PlanTable
from broker.domain.timings import TIMINGS
from broker.domain.workflows.files.definition import StepEntry, StepType, VerificationType
from broker.domain.workflows.files.findings import nearest
from broker.domain.workflows.files.waits import waits_for_webhook
from broker.domain.workflows.planning.values import parse_vars
from broker.domain.workflows.runs.effects import effect_id
from broker.domain.workflows.runs.evidence import Evidence
from broker.domain.workflows.runs.journal import (
    BudgetRaised,
    CancelAsked,
    Fact,
    FailedByHand,
    ResumeAsked,
    RetriedByHand,
    RunState,
    SkippedByHand,
    VoteSettled,
)
from broker.domain.workflows.runs.run import Run, fold
from broker.domain.workflows.runs.steps import StepRun, StepState
from broker.domain.workflows.runs.telling import tell
from broker.services.acting import drive
from broker.services.agents.sessions import Sessions
from broker.services.messages.router import derive_id
from broker.services.permissions import check_within, requires
from broker.services.ports import LoggedEvent, NewRun, RunRow, WorkflowRecords
from broker.services.workflows.definitions import Definition, Definitions, define_anew
from broker.services.workflows.scene import name_output
from broker.services.workflows.showing import NEEDS_PERSON, ShownRun, ShownStep, show_steps
from broker.services.workflows.starting import (
    RunRequest,
    Start,
    check_values,
    digest_of_start,
    names_and_ids,
    require_one_machine,
    runs_commands_anywhere,
    tell_start,
)
from broker.services.workflows.verdicts import unmet
from broker.services.workflows.webhooks import NO_KEY, WebhookAddresses

MAX_RUNS = 100
"""On one page."""
MAX_LISTED = 1000
"""Older ones are found by their ids."""
MAX_DEPTH = 5
"""Runs that agents of runs have begun, each within the one before."""
_ANCESTORS = 50
MAX_TEXT = 900_000
"""Characters of a workflow file."""
_UNFIT = re.compile(r"[^A-Za-z0-9_.-]+")
_RESTING = frozenset({RunState.FAILED, RunState.CANCELLED, RunState.NEEDS_HUMAN})


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnStep:
    """The step that an agent works on."""

    part: RunPart
    entry: StepEntry
    run: ShownRun
    standing: ShownStep
    may_talk_to: tuple[str, ...]
    """Agents of the file."""


class WorkflowRuns:
    """Use cases around runs."""

    def __init__(
        self,
        records: WorkflowRecords,
        definitions: Definitions,
        sessions: Sessions,
        *,
        webhooks: WebhookAddresses,
        plans: PlanTable = BUILT_IN,
    ) -> None:
        self._webhooks = webhooks
        self._plans = plans
        self._records = records
        self._definitions = definitions
        self._sessions = sessions

    @requires(Permission.SPAWN)
    async def start(
        self,
        principal: Principal,
        request: RunRequest,
        *,
        start: Start | None = None,
        run: WorkflowRunId | None = None,
    ) -> RunRow:
        """Begin a run with the caller's rights; the same request again answers with the same run.

        `start`: what it goes on from, so that nothing of that is done again; `run`: its id, where one was made for it.

        Raises `BadRequest` (INVALID_WORKFLOW, with every error and its place), `NotPermitted`, `NotFound`, `Conflict`
        (RUNS_TOO_DEEP, …), `PlanLimitReached`, and `NotConfigured` for one that waits for a webhook where there is no
        key for addresses.
        """
        self._plans.require_feature(principal.plan, Feature.WORKFLOWS)
        starter = await self._sessions.agent_by_id(principal, principal.agent) if principal.agent else None
        if starter is not None and starter.readonly:
            raise NotPermitted("you may change nothing, and the agents and commands of a run might")
        if starter is not None and starter.writes:
            raise NotPermitted(
                "you may change some files alone, and the agents and commands of a run might change more"
            )
        if len(request.text) > MAX_TEXT:
            raise BadRequest(f"a workflow file has {MAX_TEXT} characters at most", code="TOO_LARGE")
        definition = define_anew(request.text, request.workflow)
        values = check_values(definition, request.values)
        run = run or WorkflowRunId(derive_id(principal, request.idempotency_key and f"{request.idempotency_key}/run"))
        if _waits_for_webhooks(definition) and self._webhooks.of(principal.workspace, run, "", StepRun()) is None:
            raise NotConfigured(NO_KEY, code="SECRET_KEY_NOT_CONFIGURED")
        machine = await self._machine(principal, definition, request.machine, starter=starter)
        if names_and_ids(definition) and Permission.READ_WORKSPACE in principal.permissions:
            require_one_machine(definition, await self._sessions.proxies(principal), machine=machine)
        session = await self._session(principal, definition, request.session, run=run)
        drive(principal, session.id)
        folder = request.folder
        if starter is not None and machine == starter.proxy:
            folder = folder_from(starter, folder)
        around = await self._around(principal, starter)
        await self._records.begin(
            principal.workspace,
            NewRun(
                id=run,
                digest=digest_of_start(definition, request, start),
                session=session.id,
                name=definition.file.name,
                workflow=definition.entry.name,
                text=request.text,
                definition=definition.digest,
                values=values,
                by=principal,
                machine=machine,
                folder=folder,
                within=around.id if around else None,
                depth=around.depth + 1 if around else 0,
                told=tell_start(principal, definition, run, origin=start.origin if start else None),
                origin=start.origin if start else None,
                kept=start.kept if start else (),
                outputs=start.outputs if start else {},
            ),
        )
        return await self._row(principal, run)

    @requires(Permission.SPAWN)
    async def start_given(
        self,
        principal: Principal,
        *,
        text: str,
        workflow: str | None,
        texts: Mapping[str, str],
        machine: str | None,
        folder: str | None,
        session: SessionId,
        run: WorkflowRunId,
    ) -> None:
        """As `start`, under an id that the caller has made: a run that is there is left as it is.

        `texts`: values as they are typed. Raises as `start` does.
        """
        if await self._records.row(principal.workspace, run) is not None:
            return
        values = parse_vars(define_anew(text, workflow).file, texts)
        request = RunRequest(
            text=text, workflow=workflow, values=values, machine=machine, folder=folder, session=session
        )
        await self.start(principal, request, run=run)

    async def _session(
        self, principal: Principal, definition: Definition, reference: str | None, *, run: WorkflowRunId
    ) -> Session:
        if reference is not None:
            return await self._sessions.get_or_make(principal, reference)
        word = _UNFIT.sub("-", definition.file.name).strip("-.") or "workflow"
        return await self._sessions.create(principal, f"{word[:40]}-{run[:8]}")

    async def _around(self, principal: Principal, starter: Agent | None) -> RunRow | None:
        """The run that an agent works in, or an agent that it descends from. Raises `Conflict` (RUNS_TOO_DEEP)."""
        for _ in range(_ANCESTORS):
            if starter is None or starter.part is not None or starter.spawner_id is None:
                break
            try:
                starter = await self._sessions.agent_by_id(principal, starter.spawner_id)
            except NotFound:  # no longer kept
                return None
        if starter is None or starter.part is None:
            return None
        around = await self._records.row(principal.workspace, starter.part.run)
        if around is not None and around.depth >= MAX_DEPTH:
            raise Conflict(
                f"{MAX_DEPTH} runs are around you, each begun by an agent of the one before: no deeper",
                code="RUNS_TOO_DEEP",
            )
        return around

    async def _machine(
        self, principal: Principal, definition: Definition, reference: str | None, *, starter: Agent | None
    ) -> str | None:
        """Its id: the name may be another's later. None: its agents go where their programs are.

        `starter`: the agent that begins the run, and means its own machine. Raises `NoPlacement` and
        `Conflict` (MACHINE_NOT_CHOSEN) where it does not follow on which one commands are to run.
        """
        if reference is not None:
            return (await self._sessions.proxy(principal, reference)).id
        if starter is not None:
            return starter.proxy
        online = await self._sessions.connected_proxies(principal)
        if runs_commands_anywhere(definition):
            return only_machine(online or await self._sessions.proxies(principal)).id
        return online[0].id if len(online) == 1 else None

    @requires(Permission.READ)
    async def list(self, principal: Principal, *, limit: int = MAX_RUNS) -> list[RunRow]:
        """The latest runs that the caller sees, the newest first."""
        rows = await self._records.rows(principal.workspace, limit=min(limit, MAX_LISTED))
        return [each for each in rows if principal.sees(each.session)]

    @requires(Permission.READ)
    async def get(self, principal: Principal, run: WorkflowRunId) -> RunRow:
        """A run without its steps. Raises `NotFound` (RUN_NOT_FOUND)."""
        return await self._row(principal, run)

    @requires(Permission.READ)
    async def show(self, principal: Principal, run: WorkflowRunId) -> ShownRun:
        """A run with where each of its steps stands. Raises `NotFound` (RUN_NOT_FOUND)."""
        row = await self._row(principal, run)
        definition = await self._definitions.get(principal.workspace, row.definition, row.workflow)
        journal = await self._records.journal(principal.workspace, run)
        folded = fold(definition.workflow, journal)
        known = await self._sessions.all_by_id(principal, [row.session])
        name = known[row.session].name if row.session in known else row.session
        steps = await self._with_called(principal, row.id, show_steps(definition, folded, journal))
        if _may_decide(principal, row) and folded.state in {RunState.RUNNING, RunState.NEEDS_HUMAN}:
            steps = self._with_webhooks(principal, row.id, definition, folded, steps)
        row = replace(row, state=folded.state, reason=folded.reason)
        return ShownRun(row=row, session_name=name, steps=steps)

    async def _with_called(
        self, principal: Principal, run: WorkflowRunId, steps: tuple[ShownStep, ...]
    ) -> tuple[ShownStep, ...]:
        """The same, with the runs of those that are other workflows, and what these need a person for."""
        found = list[ShownStep]()
        for each in steps:
            shown = each
            if each.type == StepType.SUBWORKFLOW and each.attempt:
                called = WorkflowRunId(effect_id(run, each.name, each.attempt))
                row = await self._records.row(principal.workspace, called)
                asks = row is not None and (row.held or (row.reason if row.state is RunState.NEEDS_HUMAN else ""))
                shown = replace(each, run=called, reason=f"{NEEDS_PERSON}{asks}" if asks else each.reason)
            found.append(shown)
        return tuple(found)

    def _with_webhooks(
        self,
        principal: Principal,
        run: WorkflowRunId,
        definition: Definition,
        folded: Run,
        steps: tuple[ShownStep, ...],
    ) -> tuple[ShownStep, ...]:
        """The same, with the addresses of those that wait to be called, or will."""
        waiting = {each.name for each in definition.entry.steps if waits_for_webhook(each.wait_for)}
        return tuple(
            replace(each, webhook=self._webhooks.of(principal.workspace, run, each.name, folded.steps[each.name]))
            if each.name in waiting and not each.state.final
            else each
            for each in steps
        )

    @requires(Permission.READ)
    async def definition(self, principal: Principal, run: WorkflowRunId) -> str:
        """The file that the run is pinned to. Raises `NotFound`."""
        row = await self._row(principal, run)
        return await self._records.definition(principal.workspace, row.definition) or ""

    @requires(Permission.READ)
    async def output(
        self, principal: Principal, run: WorkflowRunId, step: str, *, attempt: int | None = None
    ) -> tuple[int, str]:
        """What a step has said, and in which attempt: the newest that has ended, unless one is named; 0 without one.

        Of a step that another run, or a person, has done, what the steps behind it are given.

        Raises `NotFound` (RUN_NOT_FOUND, STEP_NOT_FOUND).
        """
        shown = _step(await self.show(principal, run), step)
        ended = [each for each in shown.attempts if each.outcome and attempt in {None, each.number}]
        number, name = (ended[-1].number, ended[-1].output) if ended else (0, "")
        if attempt is None and shown.output:
            name = shown.output
        text = await self._records.output(principal.workspace, run, name) if name else ""
        return number, text or ""

    @requires(Permission.RELEASE)
    async def cancel(self, principal: Principal, run: WorkflowRunId) -> RunRow:
        """Let the run end: nothing new starts, and what runs is stopped. Raises `NotFound`, `Conflict` (RUN_ENDED)."""
        row = await self.own(principal, run)
        if row.state not in {RunState.RUNNING, RunState.NEEDS_HUMAN}:
            raise Conflict(f"the run is {row.state} already", code="RUN_ENDED")
        return await self._tell(principal, run, CancelAsked(by=principal.name), by=principal if row.held else None)

    @requires(Permission.SPAWN)
    async def resume(self, principal: Principal, run: WorkflowRunId) -> RunRow:
        """Let a run that has failed, was cancelled, rests or is held go on, with the caller's rights.

        Steps that are completed stay so. Raises `NotFound`, `Conflict` (RUN_NOT_RESUMABLE).
        """
        row = await self.own(principal, run)
        if row.state not in _RESTING and not row.held:
            raise Conflict(f"the run is {row.state}: there is nothing to resume", code="RUN_NOT_RESUMABLE")
        return await self._tell(principal, run, ResumeAsked(by=principal.name), by=principal)

    @requires(Permission.SPAWN)
    async def retry(self, principal: Principal, run: WorkflowRunId, step: str) -> RunRow:
        """Try a step that needs a person again; of a run that has failed, it and all else that was not completed.

        Raises `NotFound`, `Conflict` (STEP_NOT_RETRYABLE).
        """
        await self.own(principal, run)
        shown = await self.show(principal, run)
        standing = _step(shown, step)
        has_ended = shown.row.state in {RunState.FAILED, RunState.CANCELLED}
        if has_ended and standing.state is not StepState.COMPLETED:
            return await self.resume(principal, run)
        if standing.state is not StepState.NEEDS_HUMAN:
            how = "another run does it again (rerun, from it on)" if has_ended else "it is not tried again by hand"
            raise Conflict(f"{step} is {standing.state}: {how}", code="STEP_NOT_RETRYABLE")
        return await self._tell(principal, run, RetriedByHand(step=step, by=principal.name), by=principal)

    @requires(Permission.SPAWN)
    async def skip(self, principal: Principal, run: WorkflowRunId, step: str, *, output: str = "") -> RunRow:
        """Count a step as completed, since somebody has done it otherwise: with that output.

        Raises `NotFound`, `Conflict` (STEP_NOT_SKIPPABLE).
        """
        await self.own(principal, run)
        shown = await self.show(principal, run)
        standing = _step(shown, step)
        if standing.state.under_way or standing.state is StepState.COMPLETED:
            raise Conflict(f"{step} is {standing.state}: it cannot be skipped", code="STEP_NOT_SKIPPABLE")
        name, outputs = name_output(output) if output else ("", {})
        fact = SkippedByHand(step=step, by=principal.name, output=name)
        row = await self._tell(principal, run, fact, by=principal, outputs=outputs)
        if shown.row.state in {RunState.FAILED, RunState.CANCELLED}:
            row = await self._tell(principal, run, ResumeAsked(by=principal.name))
        return row

    @requires(Permission.SPAWN)
    async def give_up(self, principal: Principal, run: WorkflowRunId, step: str) -> RunRow:
        """Let a step that needs a person fail. Raises `NotFound`, `Conflict` (STEP_NOT_RETRYABLE)."""
        await self.own(principal, run)
        standing = _step(await self.show(principal, run), step)
        if standing.state is not StepState.NEEDS_HUMAN:
            raise Conflict(f"{step} is {standing.state}: nobody is asked about it", code="STEP_NOT_RETRYABLE")
        return await self._tell(principal, run, FailedByHand(step=step, by=principal.name), by=principal)

    @requires(Permission.SPAWN)
    async def raise_budget(
        self, principal: Principal, run: WorkflowRunId, *, tokens: int = 0, micro_usd: int = 0
    ) -> RunRow:
        """Allow a run to spend more; what waited for that goes on. Raises `NotFound`, `Conflict` (RUN_ENDED)."""
        await self._open(principal, run)
        fact = BudgetRaised(by=principal.name, tokens=tokens, micro_usd=micro_usd)
        return await self._tell(principal, run, fact, by=principal)

    @requires(Permission.SPAWN)
    async def settle_vote(self, principal: Principal, run: WorkflowRunId, choice: str) -> RunRow:
        """Decide a vote that had no winner. Raises `NotFound`, `Conflict` (RUN_ENDED)."""
        await self._open(principal, run)
        return await self._tell(principal, run, VoteSettled(choice=choice, by=principal.name), by=principal)

    async def _open(self, principal: Principal, run: WorkflowRunId) -> None:
        row = await self.own(principal, run)
        if row.state not in {RunState.RUNNING, RunState.NEEDS_HUMAN}:
            raise Conflict(f"the run is {row.state} already", code="RUN_ENDED")

    @check_within("an agent sees its own step alone")
    async def own_step(self, principal: Principal) -> OwnStep:
        """The step that the caller works on. Raises `NotPermitted`, `NotFound`."""
        part = _part(principal)
        shown = await self.show(principal, part.run)
        definition = await self._definitions.get(principal.workspace, shown.row.definition, shown.row.workflow)
        reach = definition.topology.reach(part.name)
        standing = _step(shown, part.step)
        return OwnStep(part=part, entry=definition.steps[part.step], run=shown, standing=standing, may_talk_to=reach)

    @check_within("an agent acts on its own step alone")
    async def submit(self, principal: Principal, result: Any) -> None:
        """Hand in the result of the step that the caller works on.

        Raises `NotPermitted`, and `BadRequest` (RESULT_REFUSED) for one that is not as the step's schema has it.
        """
        part = _part(principal)
        row = await self._row(principal, part.run)
        definition = await self._definitions.get(principal.workspace, row.definition, row.workflow)
        text = orjson.dumps(result).decode()
        if len(text) > TIMINGS.workflow_output_bytes:
            raise TooLarge(f"a result has {TIMINGS.workflow_output_bytes} bytes at most: write a file, and name it")
        schemas = [each for each in definition.steps[part.step].conditions if each.type == VerificationType.JSON_SCHEMA]
        said = unmet(schemas, Evidence(output=text, submitted=result))
        if said is not None:
            raise BadRequest(said, code="RESULT_REFUSED")
        await self._records.submit(principal.workspace, part.run, part.effect, text)

    async def _tell(
        self,
        principal: Principal,
        run: WorkflowRunId,
        fact: Fact,
        *,
        by: Principal | None = None,
        outputs: Mapping[str, str] | None = None,
    ) -> RunRow:
        row = await self._row(principal, run)
        definition = await self._definitions.get(principal.workspace, row.definition, row.workflow)
        told = tell(run, definition.workflow, fact)
        event = LoggedEvent(kind=told.kind, data=orjson.dumps(told.data)) if told else None
        await self._records.tell(principal.workspace, run, fact, event=event, outputs=outputs, by=by)
        return await self._row(principal, run)

    @check_within("its callers were checked already")
    async def own(self, principal: Principal, run: WorkflowRunId) -> RunRow:
        """A run that the caller may decide about: an agent's are those that it has started."""
        row = await self._row(principal, run)
        drive(principal, row.session)
        if not _is_own(principal, row):
            raise NotPermitted("you did not start this run: whoever did decides about it, and people do")
        return row

    async def _row(self, principal: Principal, run: WorkflowRunId) -> RunRow:
        row = await self._records.row(principal.workspace, run)
        if row is None or not principal.sees(row.session):
            raise NotFound(f"no run {run[:80]!r}", code="RUN_NOT_FOUND")
        return row


def _is_own(principal: Principal, row: RunRow) -> bool:
    return principal.agent is None or row.by.agent == principal.agent


def _may_decide(principal: Principal, row: RunRow) -> bool:
    """Whether the caller could do a step of the run by hand."""
    drives = principal.level_in(row.session) is Level.DRIVER
    return drives and Permission.SPAWN in principal.permissions and _is_own(principal, row)


def _waits_for_webhooks(definition: Definition) -> bool:
    return any(waits_for_webhook(step.wait_for) for each in definition.file.workflows for step in each.steps)


def _part(principal: Principal) -> RunPart:
    if principal.part is None:
        raise NotPermitted("you work on no step of a workflow")
    return principal.part


def _step(shown: ShownRun, name: str) -> ShownStep:
    found = next((each for each in shown.steps if each.name == name), None)
    if found is None:
        near = nearest(name, [each.name for each in shown.steps])
        raise NotFound(f"the run has no step {name[:80]!r}{near}", code="STEP_NOT_FOUND")
    return found
