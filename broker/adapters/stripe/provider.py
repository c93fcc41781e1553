"""Stripe behind the port of who takes the money: its shapes in, our facts out. No card ever comes here."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import stripe

from broker.adapters.outbound.client import GuardedClient
from broker.adapters.stripe.catalogue import PLAN, Catalogue, event_name
from broker.adapters.stripe.transport import GuardedTransport
from broker.domain.errors import BadRequest, Conflict, Unavailable
from broker.domain.ids import WorkspaceId
from broker.domain.plans.billing import OVERDUE, Invoice, PaymentNews, Subscription, SubscriptionStatus, UsagePart
from broker.domain.plans.plans import Meter, Plan, Terms

_INVOICES = 24
_RETRIES = 2
_ALREADY = "duplicate_meter_event"
"""What Stripe calls a part that it has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StripeAccount:
    """Whose account it is, and how it is used."""

    key: str = field(repr=False)
    webhook_secret: str = field(repr=False)
    url: str = "https://api.stripe.com"
    trial_days: int = 0
    tax: bool = False
    """Whether Stripe computes tax."""


class StripeProvider:
    """Implements `PaymentProvider`. `page`: where people come back to."""

    def __init__(self, account: StripeAccount, client: GuardedClient, *, page: str) -> None:
        self._account = account
        self._page = page
        self._stripe = stripe.StripeClient(
            account.key,
            base_addresses={"api": account.url.rstrip("/")},
            http_client=GuardedTransport(client),
            max_network_retries=_RETRIES,
        )
        self._v1 = self._stripe.v1
        self._catalogue = Catalogue(self._stripe)

    async def make_customer(self, workspace: WorkspaceId, name: str) -> str:
        """A customer's id."""
        with _in_our_words():
            made = await self._v1.customers.create_async(
                {"name": name, "metadata": {"workspace": workspace}},
                {"idempotency_key": f"relaycast-customer-{workspace}"},
            )
        return made.id

    async def checkout(self, customer: str, terms: Terms, *, workspace: WorkspaceId, seats: int) -> str:
        """A page of theirs, on which a person subscribes to a plan."""
        with _in_our_words():
            items: list[Any] = [{"price": await self._catalogue.price(terms), "quantity": seats}]
            items += [{"price": each} for each in await self._catalogue.usage_prices(terms)]
            about: dict[str, Any] = {"metadata": {"workspace": workspace}}
            if self._account.trial_days:
                about["trial_period_days"] = self._account.trial_days
            params: Any = {
                "mode": "subscription",
                "customer": customer,
                "client_reference_id": workspace,
                "line_items": items,
                "subscription_data": about,
                "success_url": f"{self._page}?subscribed=1",
                "cancel_url": self._page,
            }
            if self._account.tax:
                params |= {"automatic_tax": {"enabled": True}, "customer_update": {"address": "auto"}}
            # One that was left open in another tab must not lead to a second subscription.
            left = await self._v1.checkout.sessions.list_async({"customer": customer, "status": "open", "limit": 100})
            for each in left.data:
                await self._v1.checkout.sessions.expire_async(each.id)
            session = await self._v1.checkout.sessions.create_async(params)
        assert session.url is not None
        return session.url

    async def portal(self, customer: str) -> str:
        """A page of theirs, on which a person changes cards and pays what is open."""
        with _in_our_words():
            session = await self._v1.billing_portal.sessions.create_async(
                {"customer": customer, "return_url": self._page}
            )
        return session.url

    async def subscription(self, customer: str) -> Subscription | None:
        """The customer's, as it is now."""
        with _in_our_words():
            found = await self._v1.subscriptions.list_async(
                {"customer": customer, "status": "all", "limit": 100, "expand": ["data.latest_invoice"]}
            )
        known = [each for each in map(_subscription, found.data) if each is not None]
        return next((each for each in known if each.is_live), known[0] if known else None)

    async def change(self, subscription: Subscription, terms: Terms, *, seats: int) -> None:
        """Put it on another plan from now on."""
        with _in_our_words():
            wanted = await self._catalogue.usage_prices(terms)
            found = await self._v1.subscription_items.list_async({"subscription": subscription.id, "limit": 100})
            items: list[Any] = [
                {"id": subscription.item, "price": await self._catalogue.price(terms), "quantity": seats}
            ]
            there = {each.price.id: each.id for each in found.data if each.id != subscription.item}
            items += [{"id": id_, "deleted": True} for price, id_ in there.items() if price not in wanted]
            items += [{"price": price} for price in wanted if price not in there]
            await self._v1.subscriptions.update_async(
                subscription.id,
                {"items": items, "proration_behavior": "create_prorations", "cancel_at_period_end": False},
            )

    async def set_seats(self, subscription: Subscription, seats: int) -> None:
        """Bill so many from now on."""
        with _in_our_words():
            await self._v1.subscription_items.update_async(
                subscription.item, {"quantity": seats, "proration_behavior": "create_prorations"}
            )

    async def cancel(self, subscription: Subscription, *, at_once: bool) -> None:
        """End it with its period, or now."""
        with _in_our_words():
            if at_once:
                await self._v1.subscriptions.cancel_async(subscription.id)
            else:
                await self._v1.subscriptions.update_async(subscription.id, {"cancel_at_period_end": True})

    async def keep(self, subscription: Subscription) -> None:
        """Let one that was cancelled for the end of its period go on."""
        with _in_our_words():
            await self._v1.subscriptions.update_async(subscription.id, {"cancel_at_period_end": False})

    async def invoices(self, customer: str) -> Sequence[Invoice]:
        """The latest, newest first."""
        with _in_our_words():
            found = await self._v1.invoices.list_async({"customer": customer, "limit": _INVOICES})
        return [_invoice(each) for each in found.data]

    async def report(self, workspace: WorkspaceId, customer: str, part: UsagePart) -> None:
        """Tell of units that were used."""
        with _in_our_words():
            await self._catalogue.meter(part.meter)
            try:
                await self._v1.billing.meter_events.create_async(
                    {
                        "event_name": event_name(part.meter),
                        "identifier": part.identifier(workspace),
                        "timestamp": part.at_s,
                        "payload": {"stripe_customer_id": customer, "value": str(part.units)},
                    }
                )
            except stripe.InvalidRequestError as error:
                if error.code != _ALREADY and "already exists with identifier" not in (error.user_message or ""):
                    raise

    async def count_reported(self, customer: str, meter: Meter, day: date) -> int:
        """How many units of that UTC day it knows."""
        begins = datetime.combine(day, datetime.min.time(), UTC)
        with _in_our_words():
            found = await self._v1.billing.meters.event_summaries.list_async(
                await self._catalogue.meter(meter),
                {
                    "customer": customer,
                    "start_time": int(begins.timestamp()),
                    "end_time": int((begins + timedelta(days=1)).timestamp()),
                },
            )
        return round(sum(each.aggregated_value for each in found.data))

    def read_webhook(self, payload: bytes, signature: str | None) -> PaymentNews:
        """What it tells of."""
        try:
            event = self._stripe.construct_event(payload, signature, self._account.webhook_secret)
        except (stripe.SignatureVerificationError, ValueError):
            raise BadRequest("this was not signed by Stripe, or too long ago", code="BAD_SIGNATURE") from None
        about: dict[str, Any] = stripe.StripeObject.to_dict(event.data.object)
        customer = about.get("id") if about.get("object") == "customer" else about.get("customer")
        if isinstance(customer, dict):
            customer = customer.get("id")
        return PaymentNews(id=event.id, type=event.type, customer=customer if isinstance(customer, str) else None)


def _subscription(found: stripe.Subscription) -> Subscription | None:
    """The copy; None for one that is not about our plans."""
    items = found["items"].data  # `found.items` is a dict's own method
    plans = {each.price.metadata.to_dict().get(PLAN): each for each in items}
    plan = next((each for each in Plan if each in plans), None)
    if plan is None:
        return None
    base = plans[plan]
    status = SubscriptionStatus(found.status)
    invoice = found.latest_invoice
    billed_ms = invoice.created * 1000 if isinstance(invoice, stripe.Invoice) else None
    cancels_at = found.cancel_at or (base.current_period_end if found.cancel_at_period_end else None)
    return Subscription(
        id=found.id,
        status=status,
        plan=plan,
        seats=base.quantity or 1,
        item=base.id,
        period_start_ms=base.current_period_start * 1000,
        period_end_ms=base.current_period_end * 1000,
        trial_ends_ms=found.trial_end * 1000 if found.trial_end else None,
        cancels_at_ms=cancels_at * 1000 if cancels_at else None,
        unpaid_since_ms=billed_ms if status in OVERDUE else None,
    )


def _invoice(found: stripe.Invoice) -> Invoice:
    return Invoice(
        id=found.id or "",
        number=found.number,
        status=found.status or "",
        created_ms=found.created * 1000,
        total_cents=found.total,
        paid_cents=found.amount_paid,
        refunded_cents=found.post_payment_credit_notes_amount,
        url=found.hosted_invoice_url,
    )


@contextlib.contextmanager
def _in_our_words() -> Iterator[None]:
    """Say what the library says in our own words. Keys are never part of it."""
    try:
        yield
    except (stripe.APIConnectionError, stripe.RateLimitError, stripe.APIError) as error:
        raise Unavailable(
            f"Stripe does not answer: {error.user_message or type(error).__name__}", code="BILLING_UNAVAILABLE"
        ) from error
    except (stripe.AuthenticationError, stripe.PermissionError) as error:
        raise Unavailable("Stripe does not accept this broker's key", code="BILLING_UNAVAILABLE") from error
    except stripe.StripeError as error:
        raise Conflict(f"Stripe refuses: {error.user_message or error.code}", code="PAYMENT_REFUSED") from error
