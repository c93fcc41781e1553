"""A session's log as it grows, for tests to wait on."""

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from types import TracebackType
from typing import Self

from broker.domain.ids import ApprovalId, MessageId
from connect.sdk import AgentRelay
from connect.sdk.types import Approval, Event
from tests.agents.script import JsonObject

_PRINTED = 600
"""Characters of an event: whole prompts and tool lists would hide the rest."""


class EventLog:
    """Collects a session's events from the first on; `events` is in the log's order."""

    def __init__(self, relay: AgentRelay) -> None:
        self._relay = relay
        self._arrived = asyncio.Condition()
        self._following: asyncio.Task[None]
        self.events: list[Event] = []

    async def __aenter__(self) -> Self:
        self._following = asyncio.create_task(self._follow())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._following.cancel()
        await asyncio.gather(self._following, return_exceptions=True)
        self._print()

    async def until(self, matches: Callable[[Event], bool], *, count: int = 1) -> Event:
        """Wait until `count` events match, and return the last of those."""
        async with self._arrived:
            await self._arrived.wait_for(lambda: len(self.matching(matches)) >= count or self._following.done())
        if self._following.done():
            self._following.result()
        return self.matching(matches)[count - 1]

    async def asked(self, agent: str, *, count: int = 1) -> Approval:
        """Wait for an agent's `count`-th request for permission."""
        event = await self.until(lambda event: event.kind == "approval.requested" and event.name == agent, count=count)
        return Approval.model_validate(event.data)

    async def resolved(self, approval: ApprovalId) -> JsonObject:
        """Wait for the end of a request for permission."""
        event = await self.until(lambda event: event.kind == "approval.resolved" and event.data["id"] == approval)
        return event.data

    async def receipt(self, message: MessageId, state: str) -> None:
        """Wait until a message has made a step."""
        await self.until(
            lambda event: (
                event.kind == "message.receipt" and (event.data["message"], event.data["state"]) == (message, state)
            )
        )

    async def answered(self, message: MessageId) -> str:
        """Wait until the turn of a message has ended, and return the agent's closing words."""
        await self.receipt(message, "answered")
        return str((await self._relay.trace(message)).deliveries[0].answer)

    async def turns_started(self, agent: str, count: int) -> None:
        """Wait until an agent has begun `count` turns."""
        await self.until(lambda event: (event.name, event.kind) == (agent, "turn.started"), count=count)

    async def turns_ended(self, agent: str, count: int) -> list[JsonObject]:
        """Wait until an agent has ended `count` turns, and return what is logged of each."""
        await self.until(lambda event: (event.name, event.kind) == (agent, "turn.ended"), count=count)
        return self.of(agent, "turn.ended")

    async def state(self, agent: str, state: str, *, count: int = 1) -> None:
        """Wait until an agent has entered a state for the `count`-th time."""
        await self.until(
            lambda event: event.kind == "agent.state" and event.name == agent and event.data["state"] == state,
            count=count,
        )

    async def ready(self, agent: str, *, count: int = 1) -> JsonObject:
        """Wait until an agent is ready for the `count`-th time."""
        return (await self.until(lambda event: event.kind == "agent.ready" and event.name == agent, count=count)).data

    def of(self, agent: str, kind: str) -> list[JsonObject]:
        """What is logged about an agent."""
        return [event.data for event in self.matching(lambda event: (event.name, event.kind) == (agent, kind))]

    def receipts(self, message: MessageId) -> list[str]:
        """The steps of a message, in the order they were logged."""
        return [
            event.data["state"]
            for event in self.matching(lambda event: event.kind == "message.receipt")
            if event.data["message"] == message
        ]

    def matching(self, matches: Callable[[Event], bool]) -> list[Event]:
        """Those events so far that match."""
        return [event for event in self.events if matches(event)]

    async def _follow(self) -> None:
        async with aclosing(self._relay.events("0")) as events:
            async for event in events:
                assert isinstance(event, Event), "the log is long enough for a test"
                async with self._arrived:
                    self.events.append(event)
                    self._arrived.notify_all()

    def _print(self) -> None:
        """Shown by pytest when the test fails."""
        for event in self.events:
            if not event.data.get("transient"):
                print(event.offset, event.at_ms % 1_000_000, event.kind, event.name, str(event.data)[:_PRINTED])
