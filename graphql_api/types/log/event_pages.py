"""Pages of a session's log.

Their cursors are places in the log itself, the same as everywhere: a page can be gone on from over any transport.
"""

from __future__ import annotations

from typing import Annotated, Any, Self

import orjson
import strawberry

from broker.domain.agents.sessions import Session
from broker.domain.errors import BadRequest
from broker.domain.logs.event_filter import ALL_EVENTS
from broker.domain.logs.event_filter import EventFilter as Wanted
from broker.domain.logs.events import Cursor
from broker.services.logs.reader import LogSpan
from graphql_api.context import Info
from graphql_api.pagination import MAX_FIRST, PageInfo, check_first, within
from graphql_api.types.log.event_filter import EventFilter
from graphql_api.types.log.events import Event, event_type
from graphql_api.types.log.told import make
from graphql_api.types.scalars import BEGINNING

FirstEvents = Annotated[
    int | None, strawberry.argument(description=f"Read forwards: how many at most, from 1 to {MAX_FIRST}.")
]
LastEvents = Annotated[
    int | None,
    strawberry.argument(
        description=f"Read backwards: how many at most, from 1 to {MAX_FIRST}; the last 100 when nothing is said."
    ),
]
AfterEvent = Annotated[
    Cursor | None, strawberry.argument(description="Read forwards: begin behind this place; `0` is ahead of all.")
]
BeforeEvent = Annotated[
    Cursor | None, strawberry.argument(description="Read backwards: end ahead of this place; null is behind all.")
]
OnlyEvents = Annotated[EventFilter | None, strawberry.argument(description="Which events are wanted.")]


@strawberry.type(description="An event and its place.")
class EventEdge:
    """One event."""

    cursor: Cursor = strawberry.field(description="The event's place.")
    node: Event = strawberry.field(description="The event.")


@strawberry.type(
    description="A page of a session's log, in the log's order, without the streaming fragments that later events"
    " repeat whole. It may be shorter than asked for, even empty: only its `pageInfo` says whether there is more."
)
class EventConnection:
    """One page."""

    edges: list[EventEdge] = strawberry.field(description="The events with their places.")
    nodes: list[Event] = strawberry.field(description="The events.")
    page_info: PageInfo = strawberry.field(
        description="Where the page stands. Its cursors are good even for an empty page."
    )
    reset: bool = strawberry.field(
        description="Whether the place that was asked for is in another log, or what followed it is gone."
    )
    head: Cursor = strawberry.field(description="The newest event's place when the page was read.")

    @classmethod
    def of(cls, span: LogSpan) -> Self:
        """As the log was read."""
        edges = [_edge(orjson.loads(text)) for text in span.events]
        start = span.before or (edges[0].cursor if edges else None)
        return cls(
            edges=edges,
            nodes=[edge.node for edge in edges],
            page_info=PageInfo(
                has_next_page=span.after.offset < span.head.offset,
                has_previous_page=span.before is not None,
                start_cursor=None if start is None else str(start),
                end_cursor=str(span.after),
            ),
            reset=span.reset,
            head=span.head,
        )


def _edge(event: dict[str, Any]) -> EventEdge:
    return EventEdge(cursor=Cursor(event["epoch"], event["offset"]), node=make(event, event_type))


async def read_page(
    info: Info,
    session: Session,
    *,
    first: int | None,
    after: Cursor | None,
    last: int | None,
    before: Cursor | None,
    only: Wanted = ALL_EVENTS,
) -> EventConnection:
    """Events in one direction from a place. Raises `BadRequest` when both directions are asked for."""
    forwards, backwards = (first, after) != (None, None), (last, before) != (None, None)
    if forwards and backwards:
        raise BadRequest("first and after read forwards, last and before read backwards: one direction at a time")
    reader, principal = info.context.services.log_reader, info.context.principal
    if forwards:
        limit = check_first(MAX_FIRST if first is None else first)
        place = None if after == BEGINNING else after
        return EventConnection.of(await reader.after(principal, session, after=place, limit=limit, only=only))
    limit = within("last", MAX_FIRST if last is None else last, least=1, most=MAX_FIRST)
    return EventConnection.of(await reader.before(principal, session, before=before, limit=limit, only=only))
