"""What who runs the installation does with its workspaces. They see sizes, plans and health; never contents."""

from __future__ import annotations

import asyncio
import contextlib

from broker.domain.errors import NotAuthenticated, RelayError
from broker.domain.ids import WorkspaceId
from broker.domain.operations.administrators import Administrator, Sizes, WorkspacePage, WorkspaceReport
from broker.domain.operations.status import problems_of_what_waits
from broker.domain.people.token_text import require_token_form
from broker.domain.people.workspaces import (
    HURRIED_MS,
    RESTORABLE_MS,
    Workspace,
    WorkspaceState,
    check_slug,
    workspace_name,
)
from broker.domain.plans.plans import Plan
from broker.services.acting import administers
from broker.services.people.access import token_hash
from broker.services.people.accounts import no_workspace
from broker.services.people.workspaces import NewWorkspace, Workspaces
from broker.services.ports import AdministratorRecords, LogStore, Pressure, WorkspaceRecords

MAX_PAGE = 100
_AT_ONCE = 8
"""Workspaces that are looked at in parallel: what they ask for must not keep others from the store."""
_LOGS_S = 5.0
"""For the log store to count what it keeps of one."""


class Administration:
    """The installation's own view. Whoever calls has been recognised by `authenticate`."""

    def __init__(
        self,
        administrators: AdministratorRecords,
        records: WorkspaceRecords,
        workspaces: Workspaces,
        *,
        pressure: Pressure,
        logs: LogStore | None,
    ) -> None:
        self._administrators = administrators
        self._records = records
        self._workspaces = workspaces
        self._pressure = pressure
        self._logs = logs

    async def authenticate(self, token: str | None) -> Administrator:
        """Whose key of the installation that is. Raises `NotAuthenticated`."""
        if not token:
            raise NotAuthenticated("no token: send 'Authorization: Bearer <key of the installation>'")
        require_token_form(token)
        found = await self._administrators.administrator(token_hash(token))
        if found is None:
            raise NotAuthenticated("this is no key of the installation")
        administers(found)
        return found

    async def create(self, *, name: str, slug: str | None, plan: Plan, owner: str | None) -> NewWorkspace:
        """Make a workspace. Raises `BadRequest`, `Conflict` (SLUG_TAKEN)."""
        return await self._workspaces.create(name=name, slug=slug, plan=plan, owner=owner)

    async def list(self, *, after: WorkspaceId | None = None, limit: int = MAX_PAGE) -> WorkspacePage:
        """Some of the workspaces, with how each does, in the order of their ids."""
        known = [each for each in await self._records.all() if after is None or each > after]
        turn = asyncio.Semaphore(_AT_ONCE)

        async def report(workspace: WorkspaceId) -> WorkspaceReport | None:
            async with turn:
                found = await self._records.get(workspace)
                return await self._report(found) if found else None

        reports = await asyncio.gather(*(report(each) for each in known[:limit]))
        return WorkspacePage(
            reports=tuple(each for each in reports if each), next=known[limit - 1] if len(known) > limit else None
        )

    async def get(self, reference: str) -> WorkspaceReport:
        """One, by slug or id. Raises `NotFound`."""
        return await self._report(await self.find(reference))

    async def rename(self, reference: str, *, name: str | None, slug: str | None) -> WorkspaceReport:
        """Give one another name or address. Raises `NotFound`, `BadRequest`, `Conflict` (SLUG_TAKEN)."""
        found = await self.find(reference)
        await self._records.rename(
            found.id,
            name=None if name is None else workspace_name(name),
            slug=None if slug is None else check_slug(slug),
        )
        return await self.get(found.id)

    async def set_plan(self, reference: str, plan: Plan) -> WorkspaceReport:
        """Give one another plan, from the next request on. Raises `NotFound`."""
        found = await self.find(reference)
        await self._records.set_plan(found.id, plan)
        return await self.get(found.id)

    async def archive(self, reference: str) -> WorkspaceReport:
        """Put one away. Raises `NotFound`, `Conflict`."""
        return await self._move(reference, WorkspaceState.ARCHIVED)

    async def restore(self, reference: str) -> WorkspaceReport:
        """Bring back what was archived or deleted. Raises `NotFound`, `Conflict` (WORKSPACE_ENDING)."""
        return await self._move(reference, WorkspaceState.ACTIVE)

    async def delete(self, reference: str, *, at_once: bool = False) -> WorkspaceReport:
        """Delete one: it can be restored for 30 days, or for a quarter of an hour. Raises `NotFound`, `Conflict`."""
        life_ms = HURRIED_MS if at_once else RESTORABLE_MS
        return await self._move(reference, WorkspaceState.DELETED, life_ms=life_ms)

    async def find(self, reference: str) -> Workspace:
        """One, by slug or id. Raises `NotFound`."""
        workspace = await self._records.find_by_slug(reference)
        if workspace is None and reference in await self._records.all():
            workspace = WorkspaceId(reference)
        found = await self._records.get(workspace) if workspace else None
        if found is None:
            raise no_workspace(reference)
        return found

    async def _move(self, reference: str, state: WorkspaceState, *, life_ms: int | None = None) -> WorkspaceReport:
        found = await self.find(reference)
        await self._records.move(found.id, state, life_ms=life_ms)
        return await self.get(found.id)

    async def _report(self, workspace: Workspace) -> WorkspaceReport:
        unread, unshipped = (
            await self._pressure.unread(workspace.id),
            await self._pressure.measure_unshipped(workspace.id),
        )
        events, size = await self._log_size(workspace.id)
        sizes = Sizes(
            counts=await self._pressure.counts(workspace.id),
            messages_waiting=unread.count,
            events_unshipped=unshipped.count,
            log_events=events,
            log_bytes=size,
        )
        problems = problems_of_what_waits(await self._pressure.now_ms(), backlog=unshipped, messages=unread)
        return WorkspaceReport(workspace=workspace, sizes=sizes, problems=tuple(problems))

    async def _log_size(self, workspace: WorkspaceId) -> tuple[int | None, int | None]:
        """Events and bytes; None when the store is away, or does not say in time."""
        if self._logs is None:
            return 0, 0
        with contextlib.suppress(RelayError, TimeoutError):
            async with asyncio.timeout(_LOGS_S):
                size = await self._logs.size(workspace)
                return size.rows, size.bytes
        return None, None
