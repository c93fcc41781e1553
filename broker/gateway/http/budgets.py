"""The HTTP API for budgets."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from broker.domain.people.access import Principal
from broker.domain.plans.budgets import Budget, Period, Unit
from broker.domain.plans.pauses import Pause
from broker.gateway.serving.answers import Answer, Body, guard, measure, read_body
from broker.gateway.serving.credentials import credential
from broker.gateway.serving.repeating import once
from broker.services.container import Services


class _Place(Body):
    scope: str = Field(max_length=300)
    unit: Unit
    period: Period = Period.TOTAL


class _Budget(_Place):
    amount: float
    interrupt: bool | None = None


class BudgetsApi:
    """Each endpoint authenticates, calls one service and answers with its result."""

    def __init__(self, services: Services) -> None:
        self._s = services

    def routes(self) -> list[BaseRoute]:
        """All of them."""
        table: list[tuple[str, str, Any]] = [
            ("GET", "/v1/budgets", self.all),
            ("PUT", "/v1/budgets", self.set),
            ("POST", "/v1/budgets/raise", once(self._s, self.raise_)),
            ("DELETE", "/v1/budgets", self.remove),
            ("GET", "/v1/pauses", self.pauses),
            ("GET", "/v1/sessions/{session}/pauses", self.pauses_in),
            ("GET", "/v1/sessions/{session}/agents/{name}/pauses", self.pauses_over),
        ]
        return [Route(path, measure(path, guard(endpoint)), methods=[method]) for method, path, endpoint in table]

    async def _caller(self, request: Request) -> Principal:
        return await self._s.access.authenticate(credential(request))

    async def all(self, request: Request) -> Response:
        """Those of the workspace, as they stand."""
        found = await self._s.budgets.all(await self._caller(request))
        return Answer({"budgets": [show_budget(each) for each in found]})

    async def set(self, request: Request) -> Response:
        """Set one; what was spent in its period stays."""
        return await self._set(request, more=False)

    async def raise_(self, request: Request) -> Response:
        """Let so much more be spent; what waited for it goes on."""
        return await self._set(request, more=True)

    async def _set(self, request: Request, *, more: bool) -> Response:
        principal = await self._caller(request)
        body = await read_body(request, _Budget)
        budget = await self._s.budgets.set(
            principal,
            body.scope,
            unit=body.unit,
            period=body.period,
            amount=body.amount,
            more=more,
            interrupt=body.interrupt,
        )
        return Answer(show_budget(budget))

    async def remove(self, request: Request) -> Response:
        """Remove one; what waited for it goes on."""
        principal = await self._caller(request)
        body = await read_body(request, _Place)
        await self._s.budgets.remove(principal, body.scope, unit=body.unit, period=body.period)
        return Answer({"removed": True})

    async def pauses(self, request: Request) -> Response:
        """What budgets and limits have made wait, as far as the caller sees where."""
        return _show_pauses(await self._s.budgets.pauses(await self._caller(request)))

    async def pauses_in(self, request: Request) -> Response:
        """The same of one session."""
        principal = await self._caller(request)
        session = await self._s.sessions.get(principal, request.path_params["session"])
        return _show_pauses(await self._s.budgets.pauses_in(principal, session))

    async def pauses_over(self, request: Request) -> Response:
        """The same of one agent."""
        principal = await self._caller(request)
        session = await self._s.sessions.get(principal, request.path_params["session"])
        agent = await self._s.sessions.agent(principal, session, request.path_params["name"])
        return _show_pauses(await self._s.budgets.pauses_over(principal, agent))


def _show_pauses(found: Iterable[tuple[Pause, bool | None]]) -> Answer:
    return Answer({"pauses": [{**asdict(each), "budget": _name(each), "is_over": over} for each, over in found]})


def _name(pause: Pause) -> str | None:
    return None if pause.budget is None else str(pause.budget)


def show_budget(budget: Budget) -> dict[str, object]:
    """For programs and for models."""
    return {
        "scope": budget.place.scope,
        "of": budget.place.of or None,
        "name": budget.name,
        "unit": budget.place.unit,
        "period": budget.place.period,
        "run": budget.place.run,
        "state": budget.state,
        "limit": budget.limit,
        "spent": budget.spent,
        "left": budget.left,
        "held": budget.held,
        "running": budget.running,
        "is_spent": budget.is_spent,
        "interrupts": budget.interrupts,
        "is_estimated": budget.is_estimated,
        "approval": budget.asks,
        "set_by": budget.by,
    }
