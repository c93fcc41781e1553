"""The HTTP API for a workspace's subscription, and the endpoint of Stripe's webhooks."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from broker.domain.people.access import Principal
from broker.domain.plans.plans import Plan
from broker.gateway.serving.answers import Answer, Body, guard, measure, read_body, read_bytes
from broker.gateway.serving.credentials import credential
from broker.services.container import Services
from broker.services.plans.billing import BillingState

_MOST_WEBHOOK_BYTES = 512 * 1024


class _Choice(Body):
    plan: Plan


class BillingApi:
    """Each endpoint authenticates, calls one service and answers with its result."""

    def __init__(self, services: Services) -> None:
        self._s = services

    def routes(self) -> list[BaseRoute]:
        """All of them."""
        table: list[tuple[str, str, Any]] = [
            ("GET", "/v1/billing", self.get),
            ("PUT", "/v1/billing/plan", self.choose),
            ("POST", "/v1/billing/cancel", self.cancel),
            ("POST", "/v1/billing/keep", self.keep),
            ("POST", "/v1/billing/portal", self.portal),
            ("GET", "/v1/billing/invoices", self.invoices),
            ("POST", "/v1/billing/webhook", self.webhook),
        ]
        return [Route(path, measure(path, guard(endpoint)), methods=[method]) for method, path, endpoint in table]

    async def _caller(self, request: Request) -> Principal:
        return await self._s.access.authenticate(credential(request))

    async def get(self, request: Request) -> Response:
        """Where the workspace stands with its payments."""
        return Answer(show_billing(await self._s.billing.state(await self._caller(request))))

    async def choose(self, request: Request) -> Response:
        """Go to another plan; the answer's `url` is where a person pays, null when it is done."""
        principal = await self._caller(request)
        body = await read_body(request, _Choice)
        chosen = await self._s.billing.choose(principal, body.plan)
        return Answer({**show_billing(chosen.state), "url": chosen.url})

    async def cancel(self, request: Request) -> Response:
        """End the subscription with its period."""
        return Answer(show_billing(await self._s.billing.cancel(await self._caller(request))))

    async def keep(self, request: Request) -> Response:
        """Take a cancellation back."""
        return Answer(show_billing(await self._s.billing.keep(await self._caller(request))))

    async def portal(self, request: Request) -> Response:
        """Where cards are changed and open invoices paid."""
        return Answer({"url": await self._s.billing.portal(await self._caller(request))})

    async def invoices(self, request: Request) -> Response:
        """The latest ones."""
        found = await self._s.billing.invoices(await self._caller(request))
        return Answer({"invoices": [asdict(each) for each in found]})

    async def webhook(self, request: Request) -> Response:
        """What Stripe tells; the signature is its credential. An error makes it tell again."""
        payload = await read_bytes(request, most=_MOST_WEBHOOK_BYTES)
        news = await self._s.subscriptions.take_webhook(payload, request.headers.get("stripe-signature"))
        return Answer({"received": news.id})


def show_billing(state: BillingState) -> dict[str, object]:
    """For programs."""
    known = state.subscription
    return {
        "configured": state.configured,
        "plan": state.plan,
        "phase": state.standing.phase,
        "until_ms": state.standing.until_ms,
        "read_only": state.standing.is_read_only,
        "people": state.seats,
        "subscription": None
        if known is None
        else {
            "status": known.status,
            "plan": known.plan,
            "seats": known.seats,
            "period_start_ms": known.period_start_ms,
            "period_end_ms": known.period_end_ms,
            "trial_ends_ms": known.trial_ends_ms,
            "cancels_at_ms": known.cancels_at_ms,
            "unpaid_since_ms": known.unpaid_since_ms,
        },
    }
