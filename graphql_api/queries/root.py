"""Where every query begins."""

from __future__ import annotations

from typing import Annotated

import strawberry

from broker.domain.errors import NotFound
from graphql_api.context import Info
from graphql_api.types.fields import resolved
from graphql_api.types.sessions import Session
from graphql_api.types.workspaces import Viewer, Workspace, own_workspace


@strawberry.type(description="What can be asked.")
class Query:
    """The root of queries."""

    @resolved("Who asks, and what they may do.")
    def viewer(self, info: Info) -> Viewer:
        """The caller."""
        return Viewer.of(info.context.principal)

    @resolved("The workspace of whoever asks.")
    async def workspace(self, info: Info) -> Workspace:
        """The caller's own."""
        return await own_workspace(info)

    @resolved("One session; null when there is none that the caller may see.")
    async def session(
        self, info: Info, key: Annotated[str, strawberry.argument(description="The session's key or its name.")]
    ) -> Session | None:
        """By key or name."""
        services = info.context.services
        try:
            return Session.of(await services.sessions.look_up(info.context.principal, key), services)
        except NotFound:
            return None
