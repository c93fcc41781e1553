"""How budgets stand, as it changes."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

from broker.domain.people.access import Principal
from graphql_api.context import ApiServices
from graphql_api.types.budgets import Budget


async def follow_budgets(principal: Principal, services: ApiServices) -> AsyncGenerator[list[Budget], None]:
    """All of them now, and all of them again whenever one is another."""
    async with aclosing(services.budgets.follow(principal)) as told:
        async for budgets in told:
            yield [Budget.of(each) for each in budgets]
