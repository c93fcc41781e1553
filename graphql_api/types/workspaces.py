"""The workspace, and who looks at it."""

from __future__ import annotations

from typing import Self

import strawberry
from strawberry import ID

from broker import __version__
from broker.domain import workspaces as domain
from broker.domain.access import Principal
from broker.domain.plans import LIMITS
from graphql_api.context import Info
from graphql_api.types.enums import Permission, Plan, TokenKind
from graphql_api.types.fields import resolved
from graphql_api.types.node import Node


@strawberry.type(description="What a plan allows; null means as much as you like.")
class PlanLimits:
    """The figures of a plan."""

    agents: int | None = strawberry.field(description="Agents that live at the same time.")
    messages_per_day: int | None = strawberry.field(description="Messages of one UTC day.")
    log_days: int = strawberry.field(description="For how many days logs are kept, unless the workspace keeps less.")

    @classmethod
    def of(cls, plan: Plan) -> Self:
        """The limits of that plan."""
        limits = LIMITS[plan]
        return cls(
            agents=limits.agents or None, messages_per_day=limits.messages_per_day or None, log_days=limits.log_days
        )


@strawberry.type(
    description="The tenant that everything belongs to: what is seen through a token is all of one workspace."
)
class Workspace(Node):
    """The caller's workspace."""

    name: str = strawberry.field(description="For people.")
    plan: Plan = strawberry.field(description="What it pays for.")

    @classmethod
    def of(cls, workspace: domain.Workspace) -> Self:
        """As the domain knows it."""
        return cls(key=ID(workspace.id), name=workspace.name, plan=workspace.plan)

    @resolved("What its plan allows.")
    def limits(self) -> PlanLimits:
        """By plan."""
        return PlanLimits.of(self.plan)

    @resolved("The version of the broker that answers.")
    def version(self) -> str:
        """For clients that live longer than a deployment."""
        return __version__


@strawberry.type(description="Who asks.")
class Viewer:
    """The caller behind the request's token."""

    kind: TokenKind = strawberry.field(description="What the token stands for.")
    name: str = strawberry.field(description="The token's name, or the agent's.")
    permissions: list[Permission] = strawberry.field(description="All that the caller may do.")
    session_key: ID | None = strawberry.field(description="The only session the caller sees; null when it sees all.")

    @classmethod
    def of(cls, principal: Principal) -> Self:
        """As it authenticated."""
        return cls(
            kind=principal.kind,
            name=principal.name,
            permissions=sorted(principal.permissions),
            session_key=None if principal.session is None else ID(principal.session),
        )

    @resolved("The workspace the caller belongs to.")
    async def workspace(self, info: Info) -> Workspace:
        """The caller's own."""
        return await own_workspace(info)


async def own_workspace(info: Info) -> Workspace:
    """The caller's own."""
    return Workspace.of(await info.context.services.access.workspace(info.context.principal))
