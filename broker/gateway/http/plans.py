"""The HTTP API for a workspace's plan."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from broker.domain.plans.shown import plain_terms
from broker.gateway.serving.answers import Answer, guard, measure
from broker.gateway.serving.credentials import credential
from broker.gateway.serving.periods import period
from broker.services.container import Services
from broker.services.plans.standing import PlanStanding


class PlansApi:
    """Each endpoint authenticates, calls one service and answers with its result."""

    def __init__(self, services: Services) -> None:
        self._s = services

    def routes(self) -> list[BaseRoute]:
        """All of them."""
        table: list[tuple[str, str, Any]] = [
            ("GET", "/v1/plan", self.get),
            ("GET", "/v1/meters", self.meters),
            ("GET", "/v1/meters/reconciliation", self.reconcile),
        ]
        return [Route(path, measure(path, guard(endpoint)), methods=[method]) for method, path, endpoint in table]

    async def get(self, request: Request) -> Response:
        """What the caller's workspace may, what it uses of that and what this month costs, and all plans there are."""
        principal = await self._s.access.authenticate(credential(request))
        # The one is asked of the store, the other of the log store.
        standing, month = await asyncio.gather(self._s.plans.standing(principal), self._s.meter.month(principal))
        plans = [plain_terms(terms) for terms in self._s.plans.table.terms.values()]
        return Answer({**_show(standing), "plans": plans, "month": month})

    async def meters(self, request: Request) -> Response:
        """What was counted, by day: `?from=&to=`, by default the last 30 days."""
        principal = await self._s.access.authenticate(credential(request))
        since, until = period(request)
        days = await self._s.metering.days(principal, since=since, until=until)
        return Answer({"from": since, "to": until, "days": days})

    async def reconcile(self, request: Request) -> Response:
        """The same counted again from the log, and where the two differ."""
        principal = await self._s.access.authenticate(credential(request))
        since, until = period(request)
        found = await self._s.metering.reconcile(principal, since=since, until=until)
        return Answer({"from": since, "to": until, **asdict(found)})


def _show(standing: PlanStanding) -> dict[str, object]:
    limits = [{**asdict(each), "over": each.over} for each in standing.limits]
    log_days = standing.terms.limits.log_days
    return {
        **plain_terms(standing.terms),
        "limits": limits,
        "beyond": [asdict(each) for each in standing.beyond],
        "log_days": log_days,
        "link": standing.link or None,
    }
