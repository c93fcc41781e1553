"""Views of the dashboard that people keep under names."""

from __future__ import annotations

from typing import Protocol

from broker.domain.ids import WorkspaceId
from broker.domain.views.views import View, ViewPage


class ViewRecords(Protocol):
    """The saved views of each workspace."""

    async def views(self, workspace: WorkspaceId, page: ViewPage) -> list[View]:
        """All of a page."""

    async def save(self, workspace: WorkspaceId, *, page: ViewPage, name: str, address: str, by: str) -> None:
        """Keep a view, in place of one of that name. Raises `Conflict` (TOO_MANY_VIEWS)."""

    async def remove(self, workspace: WorkspaceId, *, page: ViewPage, name: str) -> None:
        """Forget a view; one that is not there is forgotten already."""
