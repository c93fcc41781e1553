"""The workspaces of an installation, and who administers it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from broker.domain.ids import WorkspaceId
from broker.domain.operations.administrators import Administrator
from broker.domain.people.workspaces import Workspace, WorkspaceState
from broker.domain.plans.plans import Plan


class WorkspaceRecords(Protocol):
    """What is known of each workspace. Each step can be done again, and a process may die between any two."""

    async def create(self, workspace: WorkspaceId, *, name: str, plan: Plan, slug: str | None = None) -> Workspace:
        """Register one; the same again changes nothing. None: a slug like its name.

        Raises `Conflict` (SLUG_TAKEN) when it was to have a slug that is another's, and is then not there.
        """

    async def get(self, workspace: WorkspaceId) -> Workspace | None:
        """One by id."""

    async def find_by_slug(self, slug: str) -> WorkspaceId | None:
        """Whose a slug is or was."""

    async def all(self) -> list[WorkspaceId]:
        """Every one whose data is not gone, in the order of their ids."""

    async def begin_ending(self, workspace: WorkspaceId) -> None:
        """From now on no worker does anything there but remove it. Raises `Conflict` for one that is not over."""

    async def rename(self, workspace: WorkspaceId, *, name: str | None, slug: str | None) -> None:
        """Give it another name or slug. Raises `NotFound`, `Conflict` (SLUG_TAKEN)."""

    async def set_plan(self, workspace: WorkspaceId, plan: Plan) -> None:
        """Give it another plan."""

    async def move(self, workspace: WorkspaceId, state: WorkspaceState, *, life_ms: int | None = None) -> None:
        """Bring it into another state, at once and everywhere; `life_ms`: until it ends. Raises `NotFound`, `Conflict`.

        The same again changes nothing, but that it may end sooner.
        """

    async def now_ms(self) -> int:
        """The clock by which they end."""

    async def sweep(self, workspace: WorkspaceId) -> None:
        """Delete all that the store has of one that is ending, its tokens too, but that it is."""

    async def forget(self, workspace: WorkspaceId) -> None:
        """It is gone: nothing is known of it any more, and its slugs are free."""


class AdministratorRecords(Protocol):
    """Who administers the installation, by the SHA-256 of their keys."""

    async def administrator(self, sha256: str) -> Administrator | None:
        """Whose key that is."""

    async def administrators(self) -> Sequence[Administrator]:
        """All of them."""

    async def put_in_place(self, administrator: Administrator, *, sha256: str) -> None:
        """Make a key good, in the place of the one that the same had before."""
