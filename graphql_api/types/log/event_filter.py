"""Which events of a log a reader wants."""

from __future__ import annotations

import strawberry

from broker.domain.logs import event_filter as domain


@strawberry.input(description="Which events are wanted; all when nothing is said.")
class EventFilter:
    """Members that are left out admit everything."""

    agents: list[str] | None = strawberry.field(default=None, description="Only those about agents of these names.")
    kinds: list[str] | None = strawberry.field(
        default=None, description="Only these kinds, exact (`turn.ended`) or a whole family (`agent.*`)."
    )
    fragments: bool = strawberry.field(
        default=True, description="Whether pieces of text that a later event repeats whole are wanted too."
    )

    def read(self) -> domain.EventFilter:
        """As the domain knows it."""
        return domain.event_filter(agents=self.agents or (), kinds=self.kinds or (), fragments=self.fragments)


def read_filter(given: EventFilter | None) -> domain.EventFilter:
    """What a filter that may be left out says."""
    return domain.ALL_EVENTS if given is None else given.read()
