"""How many of today's messages are used, as it changes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import UTC, datetime

from broker.domain.people.access import Principal
from broker.domain.plans.usage import MessagesToday as Today
from graphql_api.context import ApiServices
from graphql_api.types.usage import MessagesToday

_PACE_S = 1.0
"""Between two items at least."""


async def follow_usage(principal: Principal, services: ApiServices) -> AsyncGenerator[MessagesToday, None]:
    """Now, at each change, and when the day ends."""
    last: Today | None = None
    async with aclosing(services.activity.follow_counted(principal)) as happenings:
        coming = asyncio.ensure_future(anext(happenings))
        try:
            while True:
                await asyncio.wait({coming}, timeout=None if last is None else _until(last.resets_at))
                if coming.done():
                    coming.result()
                    coming = asyncio.ensure_future(anext(happenings))
                today = await services.meter.messages_today(principal)
                if today != last:
                    last = today
                    yield MessagesToday.of(today)
                    await asyncio.sleep(_PACE_S)
        finally:
            coming.cancel()
            await asyncio.gather(coming, return_exceptions=True)


def _until(instant: datetime) -> float:
    return max(0.05, (instant - datetime.now(UTC)).total_seconds())
