"""Agents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Self

import strawberry
from strawberry import ID

from broker.domain.agents import agents as domain
from graphql_api.context import Info
from graphql_api.types.fields import resolved
from graphql_api.types.node import Node
from graphql_api.types.scalars import DateTime

if TYPE_CHECKING:
    from graphql_api.types.sessions import Session


@strawberry.type(description="A named participant of a session: one process of an agent program on some machine.")
class Agent(Node):
    """One agent."""

    known: strawberry.Private[domain.Agent]
    name: str = strawberry.field(description="Its name, unique among the live agents of its session.")
    cli: str = strawberry.field(description="The agent program: `claude`, `codex`, `gemini`, or a configured name.")
    state: domain.AgentState = strawberry.field(description="What it is doing.")
    paused: bool = strawberry.field(
        description="Whether its session, its machine or the workspace is stopped: no turn of it begins."
    )
    reason: str | None = strawberry.field(description="Why it failed or was released.")
    session_key: ID = strawberry.field(description="The session it is in.")
    machine: str = strawberry.field(description="The name of the machine it runs on.")
    proxy_key: ID = strawberry.field(description="The machine's proxy.")
    version: str | None = strawberry.field(description="The agent program's version, once it has started.")
    model: str | None = strawberry.field(description="The model it uses, as far as is known.")
    transport: str | None = strawberry.field(description="How its frames travel: `stdio`, `unix` or `sdk-url`.")
    cwd: str | None = strawberry.field(description="The folder it works in.")
    generation: int = strawberry.field(description="Counts its processes: a restart or resume makes the next one.")
    spawner: str | None = strawberry.field(description="The name of the agent or token that spawned it.")
    spawner_key: ID | None = strawberry.field(description="The agent that spawned it; null when it was none.")
    turn: str | None = strawberry.field(description="The turn that is running.")
    waiting_approvals: int = strawberry.field(description="How many permission requests of it wait for an answer.")
    spawned_at: DateTime = strawberry.field(description="When it was ordered.")
    since: DateTime = strawberry.field(description="When it entered its state.")
    ended: bool = strawberry.field(description="Whether it is gone for good.")
    inbox_acked: int = strawberry.field(description="All messages up to this inbox number are settled.")

    @classmethod
    def of(cls, agent: domain.Agent) -> Self:
        """As the domain knows it."""
        return cls(
            known=agent,
            key=ID(agent.id),
            name=agent.name,
            cli=agent.cli,
            state=agent.state,
            paused=agent.paused,
            reason=agent.reason,
            session_key=ID(agent.session_id),
            machine=agent.machine,
            proxy_key=ID(agent.proxy),
            version=agent.version,
            model=agent.model,
            transport=agent.transport,
            cwd=agent.cwd,
            generation=agent.generation,
            spawner=agent.spawner,
            spawner_key=None if agent.spawner_id is None else ID(agent.spawner_id),
            turn=agent.turn_id,
            waiting_approvals=agent.waiting_approvals,
            spawned_at=DateTime(agent.spawned_at_ms),
            since=DateTime(agent.since_ms),
            ended=agent.state.ended,
            inbox_acked=agent.inbox_acked,
        )

    @resolved("The session it is in.")
    async def session(self, info: Info) -> Annotated[Session, strawberry.lazy("graphql_api.types.sessions")]:
        """Loaded once for all agents of an answer."""
        from graphql_api.types.sessions import session_of

        return await session_of(info, self.known.session_id)
