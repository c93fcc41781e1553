"""The double refuses what Stripe refuses, so that what passes here is not a mistake there."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import orjson
import pytest
import stripe

import tests.fixtures.stripe_double as stripe_double_folder
from broker.adapters.outbound.client import GuardedClient
from broker.adapters.stripe.transport import GuardedTransport
from broker.domain.outbound.addresses import AddressPolicy
from tests.fixtures.stripe_double.ledger import cents, month_later
from tests.fixtures.stripe_double.server import KEY, StripeDouble, stripe_double
from tests.fixtures.stripe_double.shapes import shaped

START = 1_769_817_600  # 2026-01-31T00:00:00Z


@pytest.fixture
async def double() -> AsyncIterator[StripeDouble]:
    async with stripe_double(now=START) as running:
        yield running


def library(double: StripeDouble, *, key: str = KEY, opened: str = "127.0.0.0/8") -> stripe.StripeClient:
    transport = GuardedTransport(GuardedClient(AddressPolicy([opened])))
    return stripe.StripeClient(key, base_addresses={"api": double.url}, http_client=transport)


@pytest.mark.parametrize(
    ("params", "param"),
    [
        ({"nickname": "x"}, "nickname"),
        ({"metadata": {"a": "b"}, "address": {"planet": "Mars"}}, "address[planet]"),
        ({"balance": "much"}, "balance"),
    ],
)
async def test_a_parameter_that_the_librarys_types_have_not_is_refused(
    double: StripeDouble, params: Any, param: str
) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await library(double).v1.customers.create_async(params)
    assert (refused.value.http_status, refused.value.param) == (400, param)


async def test_a_parameter_that_is_wanted_is_missed(double: StripeDouble) -> None:
    params: Any = {"unit_amount": 5}
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await library(double).v1.prices.create_async(params)
    assert (refused.value.param, refused.value.code) == ("currency", "parameter_missing")


async def test_an_object_has_all_that_its_type_has(double: StripeDouble) -> None:
    made = await library(double).v1.customers.create_async({"name": "Acme"})
    hints = {name for name in stripe.Customer.__annotations__ if name not in {"OBJECT_NAME", "deleted"}}
    assert hints - set(made.to_dict()) <= {"sources", "subscriptions", "tax", "cash_balance", "test_clock", "tax_ids"}
    assert (made.name, made.created, made.object) == ("Acme", START, "customer")


async def test_a_wrong_key_is_refused(double: StripeDouble) -> None:
    with pytest.raises(stripe.AuthenticationError):
        await library(double, key="sk_test_other").v1.customers.create_async({})


async def test_the_library_connects_to_opened_networks_only(double: StripeDouble) -> None:
    with pytest.raises(stripe.APIConnectionError, match="in a network that this broker does not call"):
        await library(double, opened="10.0.0.0/8").v1.customers.create_async({})
    assert double.calls == []


async def test_a_request_that_is_repeated_under_its_key_is_carried_out_once(double: StripeDouble) -> None:
    client = library(double)
    first = await client.v1.customers.create_async({"name": "A"}, {"idempotency_key": "k"})
    again = await client.v1.customers.create_async({"name": "A"}, {"idempotency_key": "k"})
    assert (first.id, len(double.ledger.all("customer"))) == (again.id, 1)
    with pytest.raises(stripe.InvalidRequestError, match="same parameters"):
        await client.v1.customers.create_async({"name": "B"}, {"idempotency_key": "k"})


async def test_months_end_on_their_last_day_and_cents_are_rounded_half_up() -> None:
    ends = [START]
    for _ in range(2):
        ends.append(month_later(ends[-1], anchor=START))
    assert [(each - START) // 86_400 for each in ends] == [0, 28, 59]
    from decimal import Decimal  # noqa: PLC0415 - for this line

    assert [cents(Decimal(each)) for each in ("0.5", "1.4", "-0.5")] == [1, 1, -1]


_FOLDER = Path(stripe_double_folder.__file__).parent
PUBLISHED: dict[str, dict[str, str]] = orjson.loads((_FOLDER / "published.json").read_bytes())
"""What members of which kind objects have in `openapi/fixtures3.json` of github.com/stripe/openapi, at f6c2a48f."""
OBJECTS: dict[str, type] = {
    "customer": stripe.Customer,
    "product": stripe.Product,
    "price": stripe.Price,
    "subscription": stripe.Subscription,
    "subscription_item": stripe.SubscriptionItem,
    "checkout.session": stripe.checkout.Session,
    "billing_portal.session": stripe.billing_portal.Session,
    "billing.meter": stripe.billing.Meter,
    "billing.meter_event": stripe.billing.MeterEvent,
    "billing.meter_event_summary": stripe.billing.MeterEventSummary,
    "invoice": stripe.Invoice,
    "line_item": stripe.InvoiceLineItem,
    "credit_note": stripe.CreditNote,
    "refund": stripe.Refund,
    "event": stripe.Event,
}
NO_LONGER = {("invoice", "subscription")}
"""The library's version of the API says it in `parent`."""
KINDS = {bool: "bool", int: "number", float: "number", str: "text", list: "list", dict: "object"}


@pytest.mark.parametrize("kind", PUBLISHED)
def test_an_object_has_what_stripe_publishes_of_it(kind: str) -> None:
    made = shaped(OBJECTS[kind])
    assert {(kind, name) for name in PUBLISHED[kind].keys() - made.keys()} <= NO_LONGER
    for name, published in PUBLISHED[kind].items():
        value = made.get(name)
        if value is not None and published != "null":
            kinds = {KINDS[type(value)], published}
            assert len(kinds) == 1 or kinds <= {"text", "object"}, name  # an id may stand for what it is of
