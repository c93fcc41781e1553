"""Groups of people, and to whom private sessions are open."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

from broker.domain.ids import GroupId, MemberId, SessionId, WorkspaceId
from broker.domain.people.pages import Page
from broker.domain.people.privacy import Group, SessionAccess


class GroupRecords(Protocol):
    """A workspace's groups. Each change is one atomic decision, and in the audit trail."""

    async def some(self, workspace: WorkspaceId, groups: Iterable[GroupId]) -> Mapping[GroupId, Group]:
        """Those of them that are there."""

    async def find_by_name(self, workspace: WorkspaceId, name: str) -> Group | None:
        """One by name, whatever its case."""

    async def search(self, workspace: WorkspaceId, text: str, *, after: str | None, limit: int) -> Page[Group]:
        """Some of those whose name has a part, by name."""

    async def people(self, workspace: WorkspaceId, group: GroupId) -> frozenset[MemberId]:
        """Who is in one."""

    async def add(self, workspace: WorkspaceId, group: GroupId, *, name: str) -> None:
        """Make one. Raises `Conflict` (NAME_TAKEN, TOO_MANY_GROUPS)."""

    async def rename(self, workspace: WorkspaceId, group: GroupId, *, name: str) -> None:
        """Give one another name. Raises `NotFound`, `Conflict` (NAME_TAKEN)."""

    async def remove(self, workspace: WorkspaceId, group: GroupId) -> None:
        """Remove one: what was open to it is so no longer. Raises `NotFound`."""

    async def change(self, workspace: WorkspaceId, group: GroupId, member: MemberId, *, joins: bool) -> None:
        """Put a member in, or take them out. Raises `NotFound`."""

    async def access(self, workspace: WorkspaceId, session: SessionId) -> SessionAccess | None:
        """To whom a session is open; None: to the workspace."""

    async def set_access(self, workspace: WorkspaceId, session: SessionId, access: SessionAccess | None) -> None:
        """Say to whom. Raises `NotFound`."""
