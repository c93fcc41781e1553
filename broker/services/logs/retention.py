"""Deletes logs after their retention time, and on request.

Each step can be killed anywhere: what is wanted is written down first, compared with what was carried out, and done
again until both agree.
"""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass

from broker.domain.agents.sessions import Session
from broker.domain.audit.acts import Act
from broker.domain.errors import Unavailable
from broker.domain.ids import WorkspaceId
from broker.domain.people.access import Permission, Principal
from broker.domain.plans.retention import Retention
from broker.services.intents import write_down
from broker.services.permissions import check_within, requires
from broker.services.ports import AuditRecords, Backlog, LogStore, Registry, RetentionState

_IN_FLIGHT_MS = 15 * 60_000
"""No insert takes this long. What was being inserted while something changed is looked after once more behind it."""
_LEASE_S = 120.0
_LEASE_WAIT_S = 25.0
"""A shipper's lease ends 15 s after its last batch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgotten:
    """What was deleted from the log store; None when it is away: then it happens as soon as it is back."""

    rows: int | None


class LogRetention:
    """What administrators ask for."""

    def __init__(
        self,
        state: RetentionState,
        logs: LogStore | None,
        registry: Registry,
        backlog: Backlog,
        *,
        audit: AuditRecords,
    ) -> None:
        self._state = state
        self._logs = logs
        self._registry = registry
        self._backlog = backlog
        self._audit = audit

    @requires(Permission.ADMINISTER)
    async def get(self, principal: Principal) -> Retention:
        """How long logs are kept. Raises `NotPermitted`."""
        return await self._state.retention(principal.workspace)

    @check_within("telling it requires something")
    async def set(self, principal: Principal, days: int | None) -> Retention:
        """Keep logs for so many days, or None: as the plan says. A worker dates what is there. Raises `BadRequest`."""
        retention = await self.get(principal)
        await self._state.set_own_days(principal.workspace, retention.check(days))
        return await self.get(principal)

    @requires(Permission.ADMINISTER)
    async def delete_session(self, principal: Principal, session: Session) -> Forgotten:
        """Remove a session whose agents have ended, with its whole log. Raises `Conflict` (SESSION_HAS_AGENTS)."""
        await self._state.remove_session(principal.workspace, session.id)
        if self._logs is None:  # nothing of it can turn up there
            await self._state.forget_removed(principal.workspace, session.id)
            return Forgotten(rows=0)
        try:
            return Forgotten(rows=await self._logs.delete_session(principal.workspace, session.id))
        except Unavailable:
            return Forgotten(rows=None)

    @requires(Permission.ADMINISTER)
    async def delete_log(self, principal: Principal) -> Forgotten:
        """Forget all events of the workspace's sessions; they go on. Raises `Unavailable` when it must be repeated."""
        async with write_down(self._audit, principal.workspace, Act.LOGS_DELETED, on="logs"):
            return await self._delete_log(principal.workspace)

    async def _delete_log(self, workspace: WorkspaceId) -> Forgotten:
        holder = secrets.token_hex(8)
        await self._hold_shipping(workspace, holder)
        try:
            for session in await self._registry.sessions(workspace):
                await self._state.clear_log(workspace, session.id)
            return Forgotten(rows=await self._logs.delete_workspace(workspace) if self._logs else 0)
        finally:
            await self._backlog.lease(workspace, holder, seconds=0.001)

    async def _hold_shipping(self, workspace: WorkspaceId, holder: str) -> None:
        """What is shipped meanwhile would arrive behind the deletion."""
        try:
            async with asyncio.timeout(_LEASE_WAIT_S):
                while not await self._backlog.lease(workspace, holder, seconds=_LEASE_S):  # noqa: ASYNC110 - another process has it
                    await asyncio.sleep(0.5)
        except TimeoutError:
            raise Unavailable("the log is being written without a pause; try again in a moment") from None


class RetentionKeeper:
    """What a worker does for each workspace, over and over."""

    def __init__(self, state: RetentionState, logs: LogStore, registry: Registry) -> None:
        self._state = state
        self._logs = logs
        self._registry = registry

    async def tend(self, workspace: WorkspaceId) -> None:
        """Bring what is kept in line with what is wanted. Raises `Unavailable`."""
        await self._redate(workspace)
        await self._expire_tails(workspace)
        await self._forget_removed(workspace)

    async def _redate(self, workspace: WorkspaceId) -> None:
        retention = await self._state.retention(workspace)
        dated = await self._state.read_dated(workspace)
        if dated is None or (dated.days, dated.kept_until_ms) != (retention.days, retention.kept_until_ms):
            await self._date(workspace, retention, sure=False)
        elif not dated.sure and await self._is_past(workspace, dated.at_ms):
            await self._date(workspace, retention, sure=True)

    async def _date(self, workspace: WorkspaceId, retention: Retention, *, sure: bool) -> None:
        days, kept_until_ms = retention.days, retention.kept_until_ms
        if kept_until_ms:
            await self._logs.keep_until(workspace, kept_until_ms)
        await self._logs.redate(workspace, days=days, only_longer=retention.is_of_plan)
        await self._state.set_dated(workspace, days=days, kept_until_ms=kept_until_ms, sure=sure)

    async def _expire_tails(self, workspace: WorkspaceId) -> None:
        days = (await self._state.retention(workspace)).days
        for session in await self._registry.sessions(workspace):
            await self._state.expire_tail(workspace, session.id, days=days)

    async def _forget_removed(self, workspace: WorkspaceId) -> None:
        settled = []
        for session, at_ms in (await self._state.list_removed(workspace)).items():
            if await self._is_past(workspace, at_ms):
                settled.append(session)
            elif not await self._logs.extents(workspace, session=session):
                continue
            await self._logs.delete_session(workspace, session)
        for session in settled:
            await self._state.sweep(workspace, session)
        if settled:  # once for all of them: it rewrites whatever has deleted rows
            await self._logs.purge()
        for session in settled:
            await self._state.forget_removed(workspace, session)

    async def _is_past(self, workspace: WorkspaceId, at_ms: int) -> bool:
        return await self._state.now_ms(workspace) - at_ms > _IN_FLIGHT_MS
