"""Exports a workspace, or one session of it, and imports it into an empty workspace."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from broker.domain.agents.agents import Agent, AgentState, agent_name
from broker.domain.agents.sessions import Session, session_name
from broker.domain.approvals.rules import Rule
from broker.domain.audit.acts import Act
from broker.domain.errors import BadRequest, Conflict, Unavailable
from broker.domain.ids import SessionId
from broker.domain.logs.archive import MAX_ROWS, row_from_json
from broker.domain.logs.pages import LogExtent, LogRows
from broker.domain.logs.redaction.rules import secret_forms
from broker.domain.names import looks_like_id
from broker.domain.people.access import Permission, Principal
from broker.domain.people.archived import ArchivedPeople, Outcome, check_people
from broker.domain.people.privacy import SessionAccess
from broker.domain.plans.retention import Retention
from broker.services.intents import write_down
from broker.services.people.archiving import PeopleArchiving
from broker.services.permissions import requires
from broker.services.ports import (
    Approvals,
    AuditRecords,
    Backlog,
    GroupRecords,
    LogStore,
    RedactionRules,
    Registry,
    Restoring,
    RetentionState,
    TokenRecord,
    Tokens,
    require_store,
)

_MAX_AGENTS = 10_000
_EPOCH = re.compile(r"[0-9A-Za-z.-]{1,400}")
_SHIPPED_WAIT_S = 15.0
"""Lines are in the log store within a second; longer means that it is away."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlPlane:
    """All of a workspace but its log. Tokens are without their secrets, which nobody has."""

    sessions: Sequence[Session]
    agents: Sequence[Agent]
    rules: Sequence[Rule] = ()
    redaction: Sequence[tuple[str, str]] = ()
    own_log_days: int | None = None
    tokens: Sequence[TokenRecord] = ()
    private: Sequence[SessionId] = ()
    """Sessions that are private."""
    people: ArchivedPeople = field(default_factory=ArchivedPeople)
    """Of a whole workspace, with to whom those are open; nobody for one session alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What an archive is to hold: the workspace, and which lines of which logs."""

    control: ControlPlane
    logs: list[LogExtent]


class Transfer:
    """Export and import, page by page; each step can be repeated."""

    def __init__(
        self,
        logs: LogStore | None,
        registry: Registry,
        backlog: Backlog,
        *,
        approvals: Approvals,
        tokens: Tokens,
        redaction: RedactionRules,
        retention: RetentionState,
        restoring: Restoring,
        groups: GroupRecords,
        people: PeopleArchiving,
        audit: AuditRecords,
    ) -> None:
        self._logs = logs
        self._registry = registry
        self._backlog = backlog
        self._approvals = approvals
        self._tokens = tokens
        self._redaction = redaction
        self._retention = retention
        self._restoring = restoring
        self._groups = groups
        self._people = people
        self._audit = audit

    @requires(Permission.ADMINISTER)
    async def contents(self, principal: Principal, session: Session | None) -> Contents:
        """Everything, or one session, as it is now. Raises `NotPermitted`, `NotConfigured`, `Unavailable`."""
        on = f"session {session.id}" if session else "workspace"
        async with write_down(self._audit, principal.workspace, Act.EXPORTED, on=on):
            return await self._contents(principal, session)

    async def _contents(self, principal: Principal, session: Session | None) -> Contents:
        store, workspace = require_store(self._logs), principal.workspace
        sessions = [session] if session else await self._registry.sessions(workspace)
        await self._wait_shipped(principal, sessions)
        agents = [
            agent for each in sessions for agent in await self._registry.agents(workspace, each.id, limit=_MAX_AGENTS)
        ]
        open_to = {each.id: await self._groups.access(workspace, each.id) for each in sessions}
        access = {session: each for session, each in open_to.items() if each is not None}
        control = ControlPlane(sessions=sessions, agents=agents, private=list(access))
        if session is None:
            control = replace(
                control,
                rules=await self._approvals.rules(workspace),
                redaction=await self._redaction.redaction_rules(workspace),
                own_log_days=(await self._retention.retention(workspace)).own_days,
                tokens=await self._tokens.tokens(workspace),
                people=await self._people.collect(workspace, access),
            )
        return Contents(control=control, logs=await store.extents(workspace, session=session.id if session else None))

    async def _wait_shipped(self, principal: Principal, sessions: Sequence[Session]) -> None:
        """Wait until the log store has what the sessions had when they were listed."""
        try:
            async with asyncio.timeout(_SHIPPED_WAIT_S):
                for session in sessions:
                    while not await self._is_shipped(principal, session):  # noqa: ASYNC110 - another process ships
                        await asyncio.sleep(0.2)
        except TimeoutError:
            raise Unavailable("the log store is behind the sessions; try again when it has caught up") from None

    async def _is_shipped(self, principal: Principal, session: Session) -> bool:
        return (await self._backlog.read_shipped(principal.workspace, session.id)).offset >= session.offset

    @requires(Permission.ADMINISTER)
    async def rows(self, principal: Principal, session: SessionId, epoch: str, *, after: int, limit: int) -> LogRows:
        """Whole rows of one log in order. Raises `NotPermitted`, `NotConfigured`, `Unavailable`."""
        return await require_store(self._logs).page(
            principal.workspace, session, epoch, start=after, limit=limit, alone=True
        )

    @requires(Permission.ADMINISTER)
    async def restore(self, principal: Principal, control: ControlPlane) -> list[Outcome]:
        """Make sessions, agents, rules, people and groups again, agents as ended. Once is as good as twice.

        What became of people, groups and access, one by one: some may be here already, or be too many for the plan.
        Raises `NotPermitted`, `BadRequest`, `Conflict` (WORKSPACE_NOT_EMPTY, ID_TAKEN).
        """
        workspace = principal.workspace
        require_store(self._logs)
        _check_identities(control)
        await self._check_empty(principal, control)
        secret_forms(control.redaction)
        retention = await self._retention.retention(workspace)
        async with write_down(self._audit, workspace, Act.IMPORTED, on="workspace"):
            return await self._restore(principal, control, retention)

    async def _restore(self, principal: Principal, control: ControlPlane, retention: Retention) -> list[Outcome]:
        workspace = principal.workspace
        await self._approvals.set_rules(workspace, control.rules, by=principal.name)
        await self._redaction.set_redaction_rules(workspace, control.redaction)
        await self._retention.set_own_days(workspace, _own_days(control, retention))
        brought = await self._people.restore(principal, control.people)
        for session in control.sessions:
            agents = [_end_agent(agent) for agent in control.agents if agent.session_id == session.id]
            await self._restoring.restore_session(workspace, session, agents)
            said = control.people.access.get(session.id)
            if said is not None:
                await self._groups.set_access(workspace, session.id, brought.open(said, session=session.name))
            elif session.id in control.private:  # to nobody but who administers, until it is said to whom
                await self._groups.set_access(workspace, session.id, SessionAccess())
        return brought.outcomes

    async def _check_empty(self, principal: Principal, control: ControlPlane) -> None:
        known = {(session.id, session.epoch) for session in control.sessions}
        for session in await self._registry.sessions(principal.workspace):
            if (session.id, session.epoch) not in known:
                raise Conflict(
                    f"session {session.name!r} is here already; import into an empty workspace",
                    code="WORKSPACE_NOT_EMPTY",
                )

    @requires(Permission.ADMINISTER)
    async def restore_rows(self, principal: Principal, rows: Sequence[dict[str, Any]]) -> None:
        """Put lines of restored sessions into the log. Raises `NotPermitted`, `BadRequest`, `Unavailable`."""
        if len(rows) > MAX_ROWS:
            raise BadRequest(f"{MAX_ROWS} rows at most")
        workspace = principal.workspace
        parsed = [row_from_json(row, workspace) for row in rows]
        known = {session.id for session in await self._registry.sessions(workspace)}
        if any(row.session not in known for row in parsed):
            raise BadRequest("a row of a session that is not here; restore the sessions first")
        days = await self._backlog.log_days(workspace)
        token = hashlib.sha256("|".join(f"{r.session}:{r.epoch}:{r.offset}" for r in parsed).encode()).hexdigest()
        await require_store(self._logs).insert(workspace, parsed, days=days, token=f"import {token}")


def _check_identities(control: ControlPlane) -> None:
    """Hold an archive to what is asked of everybody. Raises `BadRequest` (INVALID_NAME, INVALID_ARGUMENT)."""
    for session in control.sessions:
        session_name(session.name)
        if not looks_like_id(session.id) or not _EPOCH.fullmatch(session.epoch) or session.offset < 0:
            raise BadRequest(f"session {session.name!r} of the archive has an id or a position that is none")
    for agent in control.agents:
        agent_name(agent.name)
        if not looks_like_id(agent.id) or not looks_like_id(agent.proxy):
            raise BadRequest(f"agent {agent.name!r} of the archive has an id, or a machine's, that is none")
    check_people(control.people)
    sessions = {session.id for session in control.sessions}
    if len(sessions) < len(control.sessions) or len({s.name for s in control.sessions}) < len(control.sessions):
        raise BadRequest("two sessions of the archive have one id or one name")
    if len({agent.id for agent in control.agents}) < len(control.agents):
        raise BadRequest("two agents of the archive have one id")
    if any(agent.session_id not in sessions for agent in control.agents):
        raise BadRequest("an agent of the archive is of a session that is not in it")


def _own_days(control: ControlPlane, retention: Retention) -> int | None:
    """The wish, as far as the plan here allows it."""
    return None if control.own_log_days is None else min(control.own_log_days, retention.plan_days)


def _end_agent(agent: Agent) -> Agent:
    """Its process is on another broker's machine, if anywhere."""
    if agent.state.ended:
        return agent
    return replace(agent, state=AgentState.RELEASED, reason="imported", turn_id=None, waiting_approvals=0)
