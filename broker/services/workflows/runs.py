"""Runs for the people and programs who start them: beginning, showing, and deciding what the engine leaves to them."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import orjson

from broker.domain.agents.agents import RunPart, started_agent
from broker.domain.agents.sessions import Session
from broker.domain.errors import BadRequest, Conflict, NotFound, NotPermitted, TooLarge
from broker.domain.ids import AgentId, WorkflowRunId
from broker.domain.people.access import Permission, Principal
from broker.domain.plans.plans import BUILT_IN, Feature, PlanTable
from broker.domain.timings import TIMINGS
from broker.domain.workflows.check import has_type
from broker.domain.workflows.definition import StepEntry, StepType, Var, VarValue, VerificationType
from broker.domain.workflows.evidence import Evidence, unmet
from broker.domain.workflows.findings import nearest
from broker.domain.workflows.journal import (
    AttemptEnded,
    AttemptInterrupted,
    BudgetRaised,
    CancelAsked,
    Entry,
    Fact,
    FailedByHand,
    ResumeAsked,
    RetriedByHand,
    RunState,
    SkippedByHand,
    StartAttempt,
    VoteSettled,
)
from broker.domain.workflows.permissions import access_of
from broker.domain.workflows.run import Run, fold
from broker.domain.workflows.steps import StepState
from broker.domain.workflows.telling import tell
from broker.domain.workflows.values import missing_vars
from broker.services.agents.sessions import Sessions
from broker.services.messages.router import derived_id, digest
from broker.services.permissions import checked_within, requires
from broker.services.ports import LoggedEvent, NewRun, RunRow, WorkflowRecords
from broker.services.workflows.definitions import Definition, Definitions, define
from broker.services.workflows.scene import named_output

MAX_RUNS = 100
"""On one page."""
MAX_LISTED = 1000
"""Older ones are found by their ids."""
MAX_TEXT = 900_000
"""Characters of a workflow file."""
_UNFIT = re.compile(r"[^A-Za-z0-9_.-]+")
_NOT_YET = frozenset({StepType.INTEGRATION, StepType.SUBWORKFLOW})
_RESTING = frozenset({RunState.FAILED, RunState.CANCELLED, RunState.NEEDS_HUMAN})


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRequest:
    """What a caller asks for."""

    text: str
    """The whole file."""
    workflow: str | None = None
    """Which of the file; the first when it names none."""
    values: Mapping[str, VarValue]
    machine: str | None = None
    """Where steps run that the file gives no machine, by name or id."""
    folder: str | None = None
    session: str | None = None
    """By id or name; one of the run's own when none is given."""
    idempotency_key: str | None = None


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
    attempts: tuple[ShownAttempt, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownRun:
    """A run with its steps."""

    row: RunRow
    """State and reason are those of the journal that the steps were read from."""
    session_name: str
    steps: tuple[ShownStep, ...]


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
        self, records: WorkflowRecords, definitions: Definitions, sessions: Sessions, *, plans: PlanTable = BUILT_IN
    ) -> None:
        self._plans = plans
        self._records = records
        self._definitions = definitions
        self._sessions = sessions

    @requires(Permission.SPAWN)
    async def start(self, principal: Principal, request: RunRequest) -> RunRow:
        """Begin a run with the caller's rights; the same request again answers with the same run.

        Raises `BadRequest` (INVALID_WORKFLOW, with every error and its place), `NotPermitted`, `NotFound`, `Conflict`,
        `PlanLimitReached`.
        """
        self._plans.require_feature(principal.plan, Feature.WORKFLOWS)
        if len(request.text) > MAX_TEXT:
            raise BadRequest(f"a workflow file has {MAX_TEXT} characters at most", code="TOO_LARGE")
        definition = define(request.text, request.workflow)
        require_carried_out(definition)
        values = checked_values(definition, request.values)
        run = WorkflowRunId(derived_id(principal, request.idempotency_key and f"{request.idempotency_key}/run"))
        session = await self._session(principal, definition, request.session, run=run)
        machine = await self._machine(principal, request.machine)
        await self._records.begin(
            principal.workspace,
            NewRun(
                id=run,
                digest=_digest(definition, request),
                session=session.id,
                name=definition.file.name,
                workflow=definition.entry.name,
                text=request.text,
                definition=definition.digest,
                values=values,
                by=principal,
                machine=machine,
                folder=request.folder,
                told=_told_start(principal, definition, run),
            ),
        )
        return await self._row(principal, run)

    async def _session(
        self, principal: Principal, definition: Definition, reference: str | None, *, run: WorkflowRunId
    ) -> Session:
        if reference is not None:
            return await self._sessions.get_or_make(principal, reference)
        word = _UNFIT.sub("-", definition.file.name).strip("-.") or "workflow"
        return await self._sessions.create(principal, f"{word[:40]}-{run[:8]}")

    async def _machine(self, principal: Principal, reference: str | None) -> str | None:
        """Its id: the name may be another's later. None: the only one there is, or each step's own."""
        if reference is not None:
            return (await self._sessions.proxy(principal, reference)).id
        online = [each for each in await self._sessions.proxies(principal) if each.online]
        return online[0].id if len(online) == 1 else None

    @requires(Permission.READ)
    async def list(self, principal: Principal, *, limit: int = MAX_RUNS) -> list[RunRow]:
        """The latest runs that the caller sees, the newest first."""
        rows = await self._records.rows(principal.workspace, limit=min(limit, MAX_LISTED))
        return [each for each in rows if principal.session in {None, each.session}]

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
        steps = _shown_steps(definition, folded, journal)
        row = replace(row, state=folded.state, reason=folded.reason)
        return ShownRun(row=row, session_name=name, steps=steps)

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

        Raises `NotFound` (RUN_NOT_FOUND, STEP_NOT_FOUND).
        """
        shown = _step(await self.show(principal, run), step)
        ended = [each for each in shown.attempts if each.outcome and attempt in {None, each.number}]
        if not ended:
            return 0, ""
        text = await self._records.output(principal.workspace, run, ended[-1].output) if ended[-1].output else ""
        return ended[-1].number, text or ""

    @requires(Permission.RELEASE)
    async def cancel(self, principal: Principal, run: WorkflowRunId) -> RunRow:
        """Let the run end: nothing new starts, and what runs is stopped. Raises `NotFound`, `Conflict` (RUN_ENDED)."""
        row = await self._own(principal, run)
        if row.state not in {RunState.RUNNING, RunState.NEEDS_HUMAN}:
            raise Conflict(f"the run is {row.state} already", code="RUN_ENDED")
        return await self._tell(principal, run, CancelAsked(by=principal.name), by=principal if row.held else None)

    @requires(Permission.SPAWN)
    async def resume(self, principal: Principal, run: WorkflowRunId) -> RunRow:
        """Let a run that has failed, was cancelled, rests or is held go on, with the caller's rights.

        Steps that are completed stay so. Raises `NotFound`, `Conflict` (RUN_NOT_RESUMABLE).
        """
        row = await self._own(principal, run)
        if row.state not in _RESTING and not row.held:
            raise Conflict(f"the run is {row.state}: there is nothing to resume", code="RUN_NOT_RESUMABLE")
        return await self._tell(principal, run, ResumeAsked(by=principal.name), by=principal)

    @requires(Permission.SPAWN)
    async def retry(self, principal: Principal, run: WorkflowRunId, step: str) -> RunRow:
        """Try a step that needs a person again; of a run that has failed, all that was not completed.

        Raises `NotFound`, `Conflict` (STEP_NOT_RETRYABLE).
        """
        await self._own(principal, run)
        shown = await self.show(principal, run)
        standing = _step(shown, step)
        if shown.row.state in {RunState.FAILED, RunState.CANCELLED}:
            return await self.resume(principal, run)
        if standing.state is not StepState.NEEDS_HUMAN:
            raise Conflict(f"{step} is {standing.state}: it is not tried again by hand", code="STEP_NOT_RETRYABLE")
        return await self._tell(principal, run, RetriedByHand(step=step, by=principal.name), by=principal)

    @requires(Permission.SPAWN)
    async def skip(self, principal: Principal, run: WorkflowRunId, step: str, *, output: str = "") -> RunRow:
        """Count a step as completed, since somebody has done it otherwise: with that output.

        Raises `NotFound`, `Conflict` (STEP_NOT_SKIPPABLE).
        """
        await self._own(principal, run)
        shown = await self.show(principal, run)
        standing = _step(shown, step)
        if standing.state.under_way or standing.state is StepState.COMPLETED:
            raise Conflict(f"{step} is {standing.state}: it cannot be skipped", code="STEP_NOT_SKIPPABLE")
        name, outputs = named_output(output) if output else ("", {})
        fact = SkippedByHand(step=step, by=principal.name, output=name)
        row = await self._tell(principal, run, fact, by=principal, outputs=outputs)
        if shown.row.state in {RunState.FAILED, RunState.CANCELLED}:
            row = await self._tell(principal, run, ResumeAsked(by=principal.name))
        return row

    @requires(Permission.SPAWN)
    async def give_up(self, principal: Principal, run: WorkflowRunId, step: str) -> RunRow:
        """Let a step that needs a person fail. Raises `NotFound`, `Conflict` (STEP_NOT_RETRYABLE)."""
        await self._own(principal, run)
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
        row = await self._own(principal, run)
        if row.state not in {RunState.RUNNING, RunState.NEEDS_HUMAN}:
            raise Conflict(f"the run is {row.state} already", code="RUN_ENDED")

    @checked_within("an agent sees its own step alone")
    async def own_step(self, principal: Principal) -> OwnStep:
        """The step that the caller works on. Raises `NotPermitted`, `NotFound`."""
        part = _part(principal)
        shown = await self.show(principal, part.run)
        definition = await self._definitions.get(principal.workspace, shown.row.definition, shown.row.workflow)
        reach = definition.topology.reach(part.name)
        standing = _step(shown, part.step)
        return OwnStep(part=part, entry=definition.steps[part.step], run=shown, standing=standing, may_talk_to=reach)

    @checked_within("an agent acts on its own step alone")
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

    async def _own(self, principal: Principal, run: WorkflowRunId) -> RunRow:
        """A run that the caller may decide about: an agent's are those that it has started."""
        row = await self._row(principal, run)
        if principal.agent is not None and row.by.agent != principal.agent:
            raise NotPermitted("you did not start this run: whoever did decides about it, and people do")
        return row

    async def _row(self, principal: Principal, run: WorkflowRunId) -> RunRow:
        row = await self._records.row(principal.workspace, run)
        if row is None or principal.session not in {None, row.session}:
            raise NotFound(f"no run {run[:80]!r}", code="RUN_NOT_FOUND")
        return row


def _part(principal: Principal) -> RunPart:
    if principal.part is None:
        raise NotPermitted("you work on no step of a workflow")
    return principal.part


def require_carried_out(definition: Definition) -> None:
    """Raise `BadRequest` (INVALID_WORKFLOW) for what is well-formed, and nobody here carries out yet."""
    steps = definition.workflow.steps.values()
    missing = [f"step {each.name}: {each.kind}" for each in steps if each.kind in _NOT_YET]
    missing += ["preflight: write its commands as steps"] if definition.entry.preflight else []
    missing += [
        f"permissions of agent {each}: without them it may what its machine allows" for each in _limited(definition)
    ]
    if missing:
        raise BadRequest(f"not carried out yet: {'; '.join(missing)}", code="INVALID_WORKFLOW")


def _limited(definition: Definition) -> Iterator[str]:
    """Agents that may do less than others by the file: to start them without that would be worse than not to."""
    for each in definition.file.agents:
        own = set(each.permissions) if isinstance(each.permissions, dict) else set[str]()
        limits = own & {"files", "network", "exec", "scopes"}
        if limits or access_of(definition.file, each.permissions) in {"readonly", "restricted"}:
            yield each.name


def checked_values(definition: Definition, given: Mapping[str, VarValue]) -> dict[str, VarValue]:
    """The values of a file's variables. Raises `BadRequest` for one that is missing, unknown or of another type."""
    declared = definition.file.declared_vars()
    for name, value in given.items():
        if definition.file.vars is not None and name not in declared:
            raise BadRequest(f'the file has no variable "{name}"{nearest(name, declared)}')
        var = declared.get(name, Var())
        if not has_type(value, var.type):
            raise BadRequest(f'the variable "{name}" is of the type {var.type}')
    missing = missing_vars(definition.file, definition.entry, given)
    if missing:
        raise BadRequest(f"no value for {', '.join(missing)}: give --var NAME=VALUE", code="INVALID_WORKFLOW")
    return dict(given)


def _digest(definition: Definition, request: RunRequest) -> str:
    values = orjson.dumps(dict(request.values), option=orjson.OPT_SORT_KEYS)
    place = (request.machine, request.folder, request.session)
    return digest(definition.digest, definition.entry.name, values, *place)


def _told_start(principal: Principal, definition: Definition, run: WorkflowRunId) -> bytes:
    about = {
        "run": run,
        "name": definition.file.name,
        "workflow": definition.entry.name,
        "pattern": definition.file.swarm.pattern,
        "steps": [each.name for each in definition.entry.steps][:200],
        "by": principal.name,
        "definition": definition.digest,
    }
    return orjson.dumps(about)


def _step(shown: ShownRun, name: str) -> ShownStep:
    found = next((each for each in shown.steps if each.name == name), None)
    if found is None:
        near = nearest(name, [each.name for each in shown.steps])
        raise NotFound(f"the run has no step {name[:80]!r}{near}", code="STEP_NOT_FOUND")
    return found


def _shown_steps(definition: Definition, run: Run, journal: list[Entry]) -> tuple[ShownStep, ...]:
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
            attempts=tuple(attempts.get(name, ())),
        )
        for name, standing in run.steps.items()
    )


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
                    agent=started_agent(effect) if step in of_agents else None,
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
