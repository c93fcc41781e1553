"""Which agents are in which channels, as far as this terminal has heard. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from connect.sdk.facts import AgentSpawning, ChannelJoined, ChannelLeft, Fact
from connect.sdk.types import Channel


class Channels:
    """Members by channel. An agent that has ended stays: it is in its channels again when it is brought back."""

    def __init__(self) -> None:
        self._members: dict[str, set[str]] = {}

    def learn(self, channels: Iterable[Channel]) -> None:
        """Take over the broker's own list."""
        self._members = {each.name: set(each.members) for each in channels}

    def on(self, name: str | None, fact: Fact) -> None:
        """Follow one event; `name` is the agent it is about."""
        match fact:
            case ChannelJoined() if name:
                self._members.setdefault(fact.channel, set()).add(name)
            case ChannelLeft():
                self._members.get(fact.channel, set()).discard(name or "")
            case AgentSpawning():  # another agent, that has the name now
                for members in self._members.values():
                    members.discard(fact.name)
            case _:
                pass

    def names(self) -> list[str]:
        """The channels that have members."""
        return sorted(name for name, members in self._members.items() if members)

    def members(self, channel: str) -> list[str]:
        """Who is in it."""
        return sorted(self._members.get(channel, ()))

    def of(self, name: str) -> list[str]:
        """The channels an agent is in."""
        return sorted(channel for channel, members in self._members.items() if name in members)
