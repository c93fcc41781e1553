"""What needs a person, and every change of that."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

from strawberry import ID

from broker.domain.people.access import Principal
from broker.services.needs.needs import NeedsKnown
from graphql_api.context import ApiServices
from graphql_api.types.approvals import Approval
from graphql_api.types.needs import Need, NeedsChanged, NeedsItem, NeedsSnapshot


async def follow_needs(principal: Principal, services: ApiServices) -> AsyncGenerator[NeedsItem, None]:
    """A snapshot and what follows it, as far as the caller sees it."""
    async with aclosing(services.needs.follow(principal)) as told:
        async for item in told:
            if isinstance(item, NeedsKnown):
                yield NeedsSnapshot(needs=[Need.of(each) for each in item.needs])
            else:
                yield NeedsChanged(
                    changed=[Need.of(each) for each in item.changed],
                    over=[ID(each) for each in item.over],
                    settled=[Approval.of(each) for each in item.settled],
                )
