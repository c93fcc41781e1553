"""Agents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Self

import strawberry
from strawberry import ID

from broker.domain.agents import agents as domain
from broker.domain.plans.budgets import PER_UNIT, Unit
from graphql_api.context import Info
from graphql_api.types.budgets import MAX_PAUSES, Pause
from graphql_api.types.fields import resolve
from graphql_api.types.node import Node
from graphql_api.types.scalars import BigInt, DateTime

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
    started_by: str | None = strawberry.field(
        description="The person or program that spawned it, or its spawner, and so on; null where that is not known."
    )
    turn: str | None = strawberry.field(description="The turn that is running.")
    waiting_approvals: int = strawberry.field(description="How many permission requests of it wait for an answer.")
    spawned_at: DateTime = strawberry.field(description="When it was ordered.")
    since: DateTime = strawberry.field(description="When it entered its state.")
    ended: bool = strawberry.field(description="Whether it is gone for good.")
    away_since: DateTime | None = strawberry.field(
        description="Since when its machine is away; null while that is connected, and once the agent has ended."
    )
    branch: str | None = strawberry.field(description="Of the git worktree that was made for it; null without one.")
    detail: str | None = strawberry.field(description="Its last words, or what a person should know about `reason`.")
    task: str | None = strawberry.field(description="The first line of the message that was handed to it last.")
    doing: str | None = strawberry.field(description="The use of a tool that it is in, in words.")
    said: str | None = strawberry.field(description="The last line it said.")
    seen_at: DateTime | None = strawberry.field(
        description="When its process last showed a sign of life, to some seconds; null when it has shown none."
    )
    tokens: BigInt | None = strawberry.field(
        description="Tokens it has spent, read and written; null when its program reports none."
    )
    cost_usd: float | None = strawberry.field(description="What it has cost; null when its program reports none.")
    dismissed: bool = strawberry.field(
        description="Whether somebody has seen that it failed, and wants to hear no more of it."
    )
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
            started_by=agent.behind.name if agent.behind else None,
            turn=agent.turn_id,
            waiting_approvals=agent.waiting_approvals,
            spawned_at=DateTime(agent.spawned_at_ms),
            since=DateTime(agent.since_ms),
            ended=agent.state.ended,
            away_since=_instant(agent.away_since_ms),
            branch=agent.branch,
            detail=agent.detail,
            task=agent.task,
            doing=agent.doing,
            said=agent.said,
            seen_at=_instant(agent.seen_ms),
            tokens=None if agent.tokens is None else BigInt(agent.tokens),
            cost_usd=None if agent.micro_usd is None else agent.micro_usd / PER_UNIT[Unit.USD],
            dismissed=agent.dismissed,
            inbox_acked=agent.inbox_acked,
        )

    @resolve("The session it is in.")
    async def session(self, info: Info) -> Annotated[Session, strawberry.lazy("graphql_api.types.sessions")]:
        """Loaded once for all agents of an answer."""
        from graphql_api.types.sessions import session_of

        return await session_of(info, self.known.session_id)

    @resolve(
        "What budgets and limits of the plan have made it wait, the latest first: those whose rest it has spent, and"
        " those that it is paid from and others have spent; 100 at most. What was noticed elsewhere is for who sees the"
        " workspace."
    )
    async def pauses(self, info: Info) -> list[Pause]:
        """What has stopped it."""
        found = await info.context.services.budgets.pauses_over(info.context.principal, self.known)
        return [Pause.of(each, is_over=is_over) for each, is_over in found[:MAX_PAUSES]]


def _instant(at_ms: int | None) -> DateTime | None:
    return None if at_ms is None else DateTime(at_ms)
