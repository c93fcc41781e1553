"""Where every subscription begins.

Each field checks what the caller may see before it returns its items: asked again with another caller, it refuses an
operation that is no longer permitted.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Annotated, cast

import strawberry
from strawberry import ID

from broker.domain.access import Permission
from broker.domain.event_filter import ALL_EVENTS
from broker.domain.events import Cursor
from graphql_api.context import Info
from graphql_api.node_ids import key_of
from graphql_api.subscriptions.session_events import SessionEvents
from graphql_api.types.event_filter import EventFilter
from graphql_api.types.events import SessionItem
from graphql_api.types.fields import followed
from graphql_api.types.scalars import BEGINNING

_SessionId = Annotated[ID, strawberry.argument(description="The session's id or key.")]


@strawberry.type(description="What can be followed live.")
class Subscription:
    """The root of subscriptions."""

    @followed(
        "The events of a session, each once and in order, without gap over reconnects: subscribe again after the cursor"
        " of the last one. `CaughtUp` comes once, `Reset` where history is gone."
    )
    async def session_events(
        self,
        info: Info,
        session: _SessionId,
        after: Annotated[
            Cursor | None,
            strawberry.argument(description="Where to begin; only new events without it, from the first with `0`."),
        ] = None,
        filter: Annotated[  # noqa: A002  (the schema's name)
            EventFilter | None, strawberry.argument(description="Which events are wanted.")
        ] = None,
    ) -> AsyncGenerator[SessionItem, None]:
        """Follow one session."""
        principal, services = info.context.principal, info.context.services
        principal.require(Permission.READ)
        found = await services.sessions.get(principal, key_of("Session", session))
        head = Cursor(found.epoch, found.offset)
        reader = services.feeds.reader(
            principal.workspace,
            found.id,
            head=head,
            after=head if after is None else None if after == BEGINNING else after,
        )
        items = SessionEvents(reader, ALL_EVENTS if filter is None else filter.read())
        return cast(AsyncGenerator[SessionItem, None], items)  # the executor asks for no more than to iterate it
