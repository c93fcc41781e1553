"""Who is in the session, as far as its events tell: names, kinds and states. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

from broker.domain.agents.agents import AgentState
from broker.domain.agents.vendors import title_of
from connect.sdk.facts import AgentFailed, AgentReady, AgentReleased, AgentSpawning, AgentStateChanged, Fact
from connect.sdk.types import Agent


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What is known of one agent."""

    name: str
    cli: str
    state: AgentState
    spawner: str | None = None


class Roster:
    """The agents by name. An ended one stays known until its name is taken again."""

    def __init__(self) -> None:
        self._seen: dict[str, Seen] = {}

    def learn(self, agents: Iterable[Agent]) -> None:
        """Take over the broker's own list; of agents that had the same name one after the other, the living one."""
        for agent in sorted(agents, key=lambda agent: (not agent.state.ended, agent.spawned_at_ms)):
            self._seen[agent.name] = Seen(name=agent.name, cli=agent.cli, state=agent.state, spawner=agent.spawner)

    def on(self, name: str | None, fact: Fact) -> None:
        """Follow one event; `name` is the agent it is about."""
        if isinstance(fact, AgentSpawning):
            self._seen[fact.name] = Seen(name=fact.name, cli=fact.cli, state=AgentState.STARTING, spawner=fact.spawner)
        known = self._seen.get(name or "")
        state = _state_after(fact)
        if known and state:
            self._seen[known.name] = replace(known, state=state)

    def living(self) -> list[str]:
        """The names of the agents that are there, in the order they came."""
        return [seen.name for seen in self._seen.values() if not seen.state.ended]

    def is_living(self, name: str) -> bool:
        """Whether an agent of that name is there."""
        return name in self._seen and not self._seen[name].state.ended

    def is_known(self, name: str) -> bool:
        """Whether an agent of that name is or was there."""
        return name in self._seen

    def spawner_of(self, name: str) -> str | None:
        """The agent that spawned it; None when a person or a program did."""
        spawner = self._seen[name].spawner if name in self._seen else None
        return spawner if spawner in self._seen else None

    def state_of(self, name: str) -> AgentState | None:
        """What it does, as far as events tell; None for somebody unknown."""
        return self._seen[name].state if name in self._seen else None

    def cli_of(self, name: str) -> str:
        """The word its program is called by; '' for somebody unknown."""
        return self._seen[name].cli if name in self._seen else ""

    def descends(self, name: str, ancestors: Collection[str]) -> bool:
        """Whether it is one of `ancestors`, or was spawned by one, or by an agent that was."""
        seen: set[str] = set()
        each: str | None = name
        while each is not None and each not in seen:
            if each in ancestors:
                return True
            seen.add(each)
            each = self.spawner_of(each)
        return False

    def title(self, name: str) -> str:
        """`Lead (Claude)`, or the bare name of somebody unknown."""
        seen = self._seen.get(name)
        return f"{name} ({title_of(seen.cli)})" if seen else name


def _state_after(fact: Fact) -> AgentState | None:
    match fact:
        case AgentStateChanged():
            return fact.state
        case AgentReady():
            return AgentState.IDLE
        case AgentFailed():
            return AgentState.FAILED
        case AgentReleased():
            return AgentState.RELEASED
        case _:
            return None
