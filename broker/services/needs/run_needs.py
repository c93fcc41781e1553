"""Looks what of a run waits for people: its gates, what its agents ask, and the same of the runs that it has called."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from broker.domain.agents.agents import Agent
from broker.domain.approvals.answers import ApprovalStatus
from broker.domain.approvals.approvals import Approval
from broker.domain.errors import NotFound
from broker.domain.ids import AgentId, WorkspaceId
from broker.domain.needs.needs import NeedKind
from broker.domain.needs.run_needs import NOTHING, RunNeed, RunNeeds, join
from broker.domain.people.access import Permission, Principal
from broker.domain.workflows.runs.journal import RunState
from broker.domain.workflows.runs.steps import StepState
from broker.services.permissions import requires
from broker.services.ports import Approvals, Registry
from broker.services.workflows.runs import WorkflowRuns
from broker.services.workflows.showing import NEEDS_PERSON, ShownRun, ShownStep

_GOING_ON = frozenset({StepState.RUNNING, StepState.AIDED, StepState.WAITING_RETRY, StepState.WAITING_QUOTA})
_MOST = 500
"""Approvals of a session that are looked at: the newest."""
_ANCESTORS = 50
_DEPTH = 10
"""Runs within each other that are looked into."""


class RunsNeeds:
    """Reads what runs need people for."""

    def __init__(self, runs: WorkflowRuns, approvals: Approvals, registry: Registry) -> None:
        self._runs = runs
        self._approvals = approvals
        self._registry = registry

    @requires(Permission.READ)
    async def of(self, principal: Principal, shown: ShownRun) -> RunNeeds:
        """What a run waits for people with, as it was shown. One that rests or has ended says so itself.

        Raises `NotPermitted`.
        """
        return await self._of(principal, shown, depth=0)

    async def _of(self, principal: Principal, shown: ShownRun, *, depth: int) -> RunNeeds:
        if shown.row.state is not RunState.RUNNING:
            return NOTHING
        going_on = [each for each in shown.steps if each.state in _GOING_ON]
        asking = await self._asking(principal.workspace, shown) if any(map(_has_agent, going_on)) else {}
        return join(
            [await self._of_step(principal, shown, each, asking.get(each.name, ()), depth=depth) for each in going_on]
        )

    async def _of_step(
        self, principal: Principal, shown: ShownRun, step: ShownStep, asking: Sequence[Approval], *, depth: int
    ) -> RunNeeds:
        if step.run is not None:
            return await self._of_called(principal, shown, step, depth=depth)
        if step.gate is not None:
            return await self._of_gate(principal.workspace, shown, step)
        return _of_asking(shown, step, asking)

    async def _of_called(self, principal: Principal, shown: ShownRun, step: ShownStep, *, depth: int) -> RunNeeds:
        assert step.run is not None
        if step.reason.startswith(NEEDS_PERSON):
            asks = step.reason.removeprefix(NEEDS_PERSON)
            need = RunNeed(
                kind=NeedKind.RUN, run=step.run, session=shown.row.session, step=step.name, subject=step.run, asks=asks
            )
            return RunNeeds(needs=(need,), alone=True)
        if depth == _DEPTH:
            return NOTHING
        try:
            called = await self._runs.show(principal, step.run)
        except NotFound:
            return NOTHING  # it begins in a moment, or was forgotten behind its end
        return await self._of(principal, called, depth=depth + 1)

    async def _of_gate(self, workspace: WorkspaceId, shown: ShownRun, step: ShownStep) -> RunNeeds:
        assert step.gate is not None
        try:
            asked = await self._approvals.approval(workspace, step.gate)
        except NotFound:
            return NOTHING  # it is asked in a moment, or was forgotten behind its end
        if asked.status is not ApprovalStatus.PENDING:
            return NOTHING
        return RunNeeds(needs=(_need(shown, step, asked, kind=NeedKind.GATE),), alone=True)

    async def _asking(self, workspace: WorkspaceId, shown: ShownRun) -> Mapping[str, Sequence[Approval]]:
        """By step, what its agent asks, or one that descends from that, and nobody has answered: the longest waiting
        first."""
        waiting = await self._approvals.approvals(
            workspace, shown.row.session, status=ApprovalStatus.PENDING, limit=_MOST
        )
        found, known = defaultdict[str, list[Approval]](list), dict[AgentId, Agent | None]()
        for approval in reversed(waiting):
            lineage = await self._lineage(workspace, approval.agent_id, known)
            own = next((each for each in lineage if each.part is not None and each.part.run == shown.row.id), None)
            if own is None or own.part is None:
                continue
            found[own.part.step].append(approval)
        return found

    async def _lineage(
        self, workspace: WorkspaceId, agent: AgentId | None, known: dict[AgentId, Agent | None]
    ) -> list[Agent]:
        """An agent and all that it descends from, as far as they are kept; `known`: those that were read before."""
        lineage = list[Agent]()
        while agent and len(lineage) < _ANCESTORS:
            if agent not in known:
                known[agent] = await self._registry.agent(workspace, agent)
            found = known[agent]
            if found is None:
                break
            lineage.append(found)
            agent = found.spawner_id
        return lineage


def _has_agent(step: ShownStep) -> bool:
    return step.agent is not None or step.state is StepState.AIDED


def _of_asking(shown: ShownRun, step: ShownStep, asking: Sequence[Approval]) -> RunNeeds:
    """Nobody knows whether the step's agent works on beside who asks: its turn may wait for one that it has spawned."""
    if step.state.waits or not asking:
        return NOTHING
    needs = tuple(
        _need(
            shown,
            step,
            each,
            kind=NeedKind.QUESTION if each.is_question else NeedKind.APPROVAL,
            named=len(asking) > 1,
        )
        for each in asking
    )
    return RunNeeds(needs=needs, alone=True)


def _need(shown: ShownRun, step: ShownStep, asked: Approval, *, kind: NeedKind, named: bool = False) -> RunNeed:
    return RunNeed(
        kind=kind,
        run=shown.row.id,
        session=asked.session_id,
        step=step.name,
        subject=asked.id,
        agent="" if kind is NeedKind.GATE else asked.agent,
        asks=asked.title,
        named=named,
    )
