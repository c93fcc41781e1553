"""What happens in all sessions that the caller sees, but frames and receipts."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

from strawberry import ID

from broker.domain.people.access import Principal
from broker.services.live.feeds import Logged
from broker.services.ports import Happened
from graphql_api.context import ApiServices
from graphql_api.types.log.events import Reset, event_type
from graphql_api.types.log.live_items import ActivityEvent, ActivityItem


async def follow_activity(principal: Principal, services: ApiServices) -> AsyncGenerator[ActivityItem, None]:
    """`Reset` first, and whenever some may have been missed."""
    async with aclosing(services.activity.follow(principal)) as happenings:
        async for item in happenings:
            if isinstance(item, Happened):
                event = Logged(item.event).json
                yield ActivityEvent(session_key=ID(item.session), event=event_type(event)(source=event))
            else:
                yield Reset(source={})
