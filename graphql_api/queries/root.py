"""The root type of queries."""

from __future__ import annotations

from typing import Annotated

import strawberry
from strawberry import ID

from broker.domain.errors import NotFound
from broker.services.workflows.runs import MAX_LISTED
from graphql_api.context import Info
from graphql_api.pagination import After, Connection, First, page_of
from graphql_api.queries.nodes import node_of
from graphql_api.types.fields import resolved
from graphql_api.types.node import Node
from graphql_api.types.sessions import Session
from graphql_api.types.workflows import WorkflowRun, newest_run, run_of
from graphql_api.types.workspaces import Viewer, Workspace, own_workspace

NodeId = Annotated[ID, strawberry.argument(description="What a field called `id` said.")]


@strawberry.type(description="What can be asked.")
class Query:
    """The root of queries."""

    @resolved("Any thing by its id; null when it is gone, or nothing that the caller may see.")
    async def node(self, info: Info, id: NodeId) -> Node | None:  # noqa: A002 - Relay's name
        """By global id."""
        return await node_of(info, id)

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

    @resolved("Runs of workflows, as far as the caller sees them, the newest first: the latest 1000.")
    async def workflow_runs(self, info: Info, *, first: First = 20, after: After = None) -> Connection[WorkflowRun]:
        """Newest first."""
        found = await info.context.services.workflows.list(info.context.principal, limit=MAX_LISTED)
        return page_of(found, WorkflowRun.of, place=newest_run, first=first, after=after)

    @resolved("One run of a workflow; null when there is none that the caller may see.")
    async def workflow_run(
        self, info: Info, key: Annotated[str, strawberry.argument(description="The run's key.")]
    ) -> WorkflowRun | None:
        """By its key."""
        return await run_of(info, key)
