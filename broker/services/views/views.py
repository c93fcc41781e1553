"""Views that a workspace shares: everybody who sees the whole workspace sees them, whoever works in it changes them."""

from __future__ import annotations

from collections.abc import Sequence

from broker.domain.errors import NotPermitted
from broker.domain.people.access import Permission, Principal
from broker.domain.people.token_kinds import TokenKind
from broker.domain.views.views import View, ViewPage, view_address, view_name
from broker.services.permissions import requires
from broker.services.ports.views import ViewRecords


class Views:
    """Reads and changes saved views."""

    def __init__(self, records: ViewRecords) -> None:
        self._records = records

    @requires(Permission.READ_WORKSPACE)
    async def list(self, principal: Principal, page: ViewPage) -> Sequence[View]:
        """Of a page, by name."""
        found = await self._records.views(principal.workspace, page)
        return sorted(found, key=lambda view: (view.name.lower(), view.name))

    @requires(Permission.SEND, Permission.READ_WORKSPACE)
    async def save(self, principal: Principal, *, page: ViewPage, name: str, address: str) -> Sequence[View]:
        """Keep a view, in place of one of that name; all there are then. Raises `BadRequest`, `Conflict`."""
        _require_no_agent(principal)
        kept, where = view_name(name), view_address(address)
        await self._records.save(principal.workspace, page=page, name=kept, address=where, by=principal.name)
        return await self.list(principal, page)

    @requires(Permission.SEND, Permission.READ_WORKSPACE)
    async def remove(self, principal: Principal, *, page: ViewPage, name: str) -> Sequence[View]:
        """Forget a view; all there are then."""
        _require_no_agent(principal)
        await self._records.remove(principal.workspace, page=page, name=name)
        return await self.list(principal, page)


def _require_no_agent(principal: Principal) -> None:
    if principal.kind is TokenKind.AGENT:
        raise NotPermitted("an agent neither saves views nor removes them")
