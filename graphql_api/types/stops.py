"""Stops of sessions, machines and the workspace."""

from __future__ import annotations

from typing import Self

import strawberry
from strawberry import ID

from broker.domain.agents import stops as domain
from graphql_api.types.enums import StopHow, StopScope
from graphql_api.types.scalars import DateTime


@strawberry.type(
    description="Nothing is started and no turn begins in a session, on a machine or in the workspace until it is"
    " resumed. Messages are accepted and wait; their lifetimes go on counting."
)
class Stop:
    """One stop."""

    key: ID = strawberry.field(description="Its key.")
    scope: StopScope = strawberry.field(description="How far it reaches.")
    of_key: ID | None = strawberry.field(description="The session or the machine; null for the workspace.")
    name: str = strawberry.field(description="The session's or the machine's name; empty for the workspace.")
    how: StopHow = strawberry.field(description="What becomes of the agents.")
    by: str = strawberry.field(description="Who stopped it.")
    note: str = strawberry.field(description="Why, in their words; may be empty.")
    at: DateTime = strawberry.field(description="When.")
    agents: int = strawberry.field(description="How many agents were paused or released so far.")
    interrupted: int = strawberry.field(description="How many of those that were paused were in a turn.")
    finished: bool = strawberry.field(description="Whether every agent was met. No turn begins from the first moment.")

    @classmethod
    def of(cls, stop: domain.Stop) -> Self:
        """As the domain knows it."""
        return cls(
            key=ID(stop.id),
            scope=stop.place.scope,
            of_key=None if stop.place.id is None else ID(stop.place.id),
            name=stop.name,
            how=stop.how,
            by=stop.by,
            note=stop.note,
            at=DateTime(stop.at_ms),
            agents=stop.agents,
            interrupted=stop.interrupted,
            finished=stop.finished,
        )

    @classmethod
    def of_any(cls, stop: domain.Stop | None) -> Self | None:
        """The same, where there may be none."""
        return None if stop is None else cls.of(stop)
