"""Spawning, releasing and interrupting agents."""

from __future__ import annotations

from typing import Annotated

import strawberry
from strawberry import ID

from broker.domain.agents.agents import Agent as KnownAgent
from broker.domain.errors import BadRequest
from broker.domain.ids import AgentId
from broker.services.agents.spawner import DEFAULT_WAIT_S, MAX_WAIT_S, SpawnRequest
from graphql_api.context import Info
from graphql_api.mutations.fields import GIVEN, Repeatable, mutation, once, short, short_or_none
from graphql_api.mutations.sessions import SESSION
from graphql_api.node_ids import key_of
from graphql_api.refusals import Refused
from graphql_api.types.agents import Agent
from graphql_api.types.sessions import session_named

_MOST_LABELS = 20
_LONGEST_PATH = 4096
AGENT = "The agent: its id or key."


@strawberry.input(description="An agent to be started.")
class SpawnAgentInput(Repeatable):
    """An agent to be started."""

    session: ID = strawberry.field(description=SESSION)
    name: str = strawberry.field(description="A letter, then letters, digits, `_`, `.` and `-`, 64 at most.")
    cli: str = strawberry.field(description="The agent program, as its machine calls it: `claude`, `codex`, …")
    task: str | None = strawberry.field(default=None, description="Its first message.")
    machine: str | None = strawberry.field(
        default=None,
        description="Only on this machine, by name or key. Without it and without labels the only machine there is,"
        " else the only one that joined the session; where that leaves a choice, it is refused (MACHINE_NOT_CHOSEN)."
        " An agent means its own.",
    )
    labels: list[str] = strawberry.field(default_factory=list, description="Only on a machine with all these labels.")
    cwd: str | None = strawberry.field(default=None, description="The folder to work in.")
    model: str | None = strawberry.field(default=None, description="The model to use, as the program calls it.")
    wait: bool = strawberry.field(default=False, description="Whether to answer only when it takes messages.")
    timeout_seconds: float = strawberry.field(
        default=DEFAULT_WAIT_S, description=f"How long to wait for that, {MAX_WAIT_S:g} at most."
    )

    def request(self) -> SpawnRequest:
        """What the service is asked for. Raises `BadRequest`."""
        if len(self.labels) > _MOST_LABELS:
            raise BadRequest(f"labels: {_MOST_LABELS} at most")
        return SpawnRequest(
            name=short("name", self.name),
            cli=short("cli", self.cli),
            task=self.task,
            machine=short_or_none("machine", self.machine),
            labels=[short("labels", label) for label in self.labels],
            cwd=short_or_none("cwd", self.cwd, most=_LONGEST_PATH),
            model=short_or_none("model", self.model),
            idempotency_key=self.retry_id,
        )


@strawberry.type(description="The agent is starting, or ready where that was waited for.")
class AgentSpawned:
    """The agent."""

    agent: Agent = strawberry.field(description="The agent.")


SpawnAgentResult = Annotated[
    AgentSpawned | Refused, strawberry.union("SpawnAgentResult", description="The agent, or why there is none.")
]


@strawberry.input(description="An agent to be ended.")
class ReleaseAgentInput(Repeatable):
    """An agent to be ended."""

    agent: ID = strawberry.field(description=AGENT)
    wait: bool = strawberry.field(
        default=False, description="Whether to answer only when its processes are gone, or after 30 seconds."
    )


@strawberry.type(description="The agent was told to end, or has ended.")
class AgentReleased:
    """The agent."""

    agent: Agent = strawberry.field(description="The agent as it is now.")


ReleaseAgentResult = Annotated[
    AgentReleased | Refused, strawberry.union("ReleaseAgentResult", description="The agent, or why it goes on.")
]


@strawberry.input(description="An agent whose turn is to be stopped.")
class InterruptAgentInput(Repeatable):
    """An agent whose turn is to be stopped."""

    agent: ID = strawberry.field(description=AGENT)


@strawberry.type(description="The agent's turn is being stopped, if one was running.")
class AgentInterrupted:
    """The agent."""

    agent: Agent = strawberry.field(description="The agent as it is now.")
    was_running: bool = strawberry.field(description="Whether a turn was running.")


InterruptAgentResult = Annotated[
    AgentInterrupted | Refused, strawberry.union("InterruptAgentResult", description="The agent, or why not.")
]


@strawberry.input(description="An ended agent to be brought back.")
class ResumeAgentInput(Repeatable):
    """An ended agent to be brought back."""

    agent: ID = strawberry.field(description=AGENT)
    wait: bool = strawberry.field(default=False, description="Whether to answer only when it takes messages.")


@strawberry.type(description="The agent is starting again, or was there all the time.")
class AgentResumed:
    """The agent."""

    agent: Agent = strawberry.field(description="The agent as it is now.")


ResumeAgentResult = Annotated[
    AgentResumed | Refused, strawberry.union("ResumeAgentResult", description="The agent, or why it stays away.")
]


@strawberry.input(description="An agent that failed, and that needs nobody any more.")
class DismissAgentInput(Repeatable):
    """An agent to be dismissed."""

    agent: ID = strawberry.field(description=AGENT)


@strawberry.type(description="The agent is no longer listed among those that live. It can still be brought back.")
class AgentDismissed:
    """The agent."""

    agent: Agent = strawberry.field(description="The agent as it is now.")


DismissAgentResult = Annotated[
    AgentDismissed | Refused, strawberry.union("DismissAgentResult", description="The agent, or why it stays listed.")
]


@strawberry.type
class AgentMutations:
    """Mutations of agents."""

    @mutation("Start an agent on a machine that can run it.")
    async def spawn_agent(self, info: Info, input: Annotated[SpawnAgentInput, GIVEN]) -> SpawnAgentResult:
        """A repeat answers with the agent of the first one."""
        principal, spawner = info.context.principal, info.context.services.spawner
        if not 0 < input.timeout_seconds <= MAX_WAIT_S:
            raise BadRequest(f"timeoutSeconds: above 0, {MAX_WAIT_S:g} at most")
        agent = await spawner.spawn(principal, await session_named(info, input.session), input.request())
        if input.wait:
            agent = await spawner.wait_ready(principal, agent, timeout_s=input.timeout_seconds)
        return AgentSpawned(agent=Agent.of(agent))

    @mutation("End an agent. An agent may end those it spawned.")
    async def release_agent(self, info: Info, input: Annotated[ReleaseAgentInput, GIVEN]) -> ReleaseAgentResult:
        """One that has ended is answered with."""
        principal, spawner = info.context.principal, info.context.services.spawner
        agent = await spawner.release_agent(principal, await _agent(info, input.agent))
        if input.wait:
            agent = await spawner.wait_released(principal, agent)
        return AgentReleased(agent=Agent.of(agent))

    @mutation("Bring an ended agent back on its own machine, with its conversation. An agent may do so with its own.")
    async def resume_agent(self, info: Info, input: Annotated[ResumeAgentInput, GIVEN]) -> ResumeAgentResult:
        """A repeat brings it back no second time."""
        principal, spawner = info.context.principal, info.context.services.spawner
        agent = await _agent(info, input.agent)

        async def resume() -> str:
            return (await spawner.resume_agent(principal, agent)).id

        found = await _agent(info, (await once(info, input, resume)).text)
        return AgentResumed(agent=Agent.of(await spawner.wait_ready(principal, found) if input.wait else found))

    @mutation("Take an agent that failed from what needs a person. An agent may do so with those it spawned.")
    async def dismiss_agent(self, info: Info, input: Annotated[DismissAgentInput, GIVEN]) -> DismissAgentResult:
        """Twice is once."""
        principal, spawner = info.context.principal, info.context.services.spawner
        agent = await spawner.dismiss_agent(principal, await _agent(info, input.agent))
        return AgentDismissed(agent=Agent.of(agent))

    @mutation("Stop an agent's running turn. An agent may do so with those it spawned.")
    async def interrupt_agent(self, info: Info, input: Annotated[InterruptAgentInput, GIVEN]) -> InterruptAgentResult:
        """A repeat stops no later turn."""
        agent = await _agent(info, input.agent)

        async def interrupt() -> str:
            running = await info.context.services.spawner.interrupt_agent(info.context.principal, agent)
            return "running" if running else "idle"

        was = await once(info, input, interrupt)
        return AgentInterrupted(agent=Agent.of(await _agent(info, agent.id)), was_running=was.text == "running")


async def _agent(info: Info, reference: str) -> KnownAgent:
    key = AgentId(key_of("Agent", reference))
    return await info.context.services.sessions.agent_by_id(info.context.principal, key)
