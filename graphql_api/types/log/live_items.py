"""What subscriptions tell beside the events of a log."""

from __future__ import annotations

from typing import Annotated

import strawberry
from strawberry import ID

from broker.domain.ids import SessionId
from graphql_api.context import Info
from graphql_api.types.agents import Agent
from graphql_api.types.approvals import Approval
from graphql_api.types.fields import resolve
from graphql_api.types.log.events import Event, Reset
from graphql_api.types.sessions import Session, session_of


@strawberry.type(description="All agents that are followed. It comes first, and whenever changes may have been missed.")
class AgentsSnapshot:
    """All agents."""

    agents: list[Agent] = strawberry.field(
        description="In spawn order: of a session the ended ones too; of a workspace those that live, and those that"
        " failed and were not dismissed."
    )


@strawberry.type(description="An agent is new, or is no longer what it was.")
class AgentChanged:
    """One agent."""

    agent: Agent = strawberry.field(description="As it is now.")


@strawberry.type(description="All that waits for an answer. It comes first, and whenever changes may have been missed.")
class ApprovalsSnapshot:
    """All that waits."""

    approvals: list[Approval] = strawberry.field(description="The longest waiting first.")


@strawberry.type(description="An approval was asked for, or waits no longer.")
class ApprovalChanged:
    """One approval."""

    approval: Approval = strawberry.field(description="As it is now.")


@strawberry.type(description="Something happened in a session of the workspace.")
class ActivityEvent:
    """One event."""

    session_key: ID = strawberry.field(description="The session it happened in.")
    event: Event = strawberry.field(description="What happened.")

    @resolve("That session.")
    async def session(self, info: Info) -> Session:
        """As it is now."""
        return await session_of(info, SessionId(self.session_key))


AgentsItem = Annotated[
    AgentsSnapshot | AgentChanged, strawberry.union("AgentsItem", description="Agents, or a change of one.")
]
ApprovalsItem = Annotated[
    ApprovalsSnapshot | ApprovalChanged,
    strawberry.union("ApprovalsItem", description="What waits for an answer, or a change of it."),
]
ActivityItem = Annotated[
    ActivityEvent | Reset,
    strawberry.union("ActivityItem", description="An event, or word that some may have been missed."),
]
