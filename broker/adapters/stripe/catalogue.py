"""Products, prices and meters at Stripe, made out of the table of plans where they are not there.

A price at Stripe never changes, so each is known by a key that says all of it: other figures are another price, and
whoever subscribed before stays on theirs. What a price is for is in its metadata.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from typing import Any

import stripe

from broker.domain.plans.plans import Meter, Metered, Terms

CURRENCY = "usd"
PLAN, METER = "relaycast_plan", "relaycast_meter"
"""In the metadata of prices."""


def event_name(meter: Meter) -> str:
    """What usage of it is reported as."""
    return f"relaycast_{meter}"


class Catalogue:
    """Looks prices up, once for each process, and makes those that are missing."""

    def __init__(self, client: stripe.StripeClient) -> None:
        self._v1 = client.v1
        self._prices: dict[str, str] = {}
        self._meters: dict[Meter, str] = {}
        self._making = asyncio.Lock()

    async def price(self, terms: Terms) -> str:
        """What the plan itself is billed by."""
        key = f"relaycast_{terms.plan}_{terms.price_cents}_{'seat' if terms.per_seat else 'flat'}"
        async with self._making:
            if key not in self._prices:
                self._prices[key] = await self._find(key) or await self._make_price(key, terms)
            return self._prices[key]

    async def usage_prices(self, terms: Terms) -> list[str]:
        """What its usage is billed by."""
        return [await self._usage_price(meter, metered) for meter, metered in _list_billed(terms)]

    async def meter(self, meter: Meter) -> str:
        """The id of a meter, which is made at its first use."""
        async with self._making:
            return await self._meter(meter)

    async def _usage_price(self, meter: Meter, metered: Metered) -> str:
        key = f"relaycast_{meter}_{metered.included}_{metered.per}_{metered.cents}"
        async with self._making:
            if key not in self._prices:
                self._prices[key] = await self._find(key) or await self._make_usage_price(key, meter, metered)
            return self._prices[key]

    async def _find(self, key: str) -> str | None:
        found = await self._v1.prices.list_async({"lookup_keys": [key], "active": True, "limit": 1})
        return found.data[0].id if found.data else None

    async def _make_price(self, key: str, terms: Terms) -> str:
        product = await self._product(f"relaycast_{terms.plan}", f"Relaycast {terms.title}")
        return await self._create(
            key,
            {
                "product": product,
                "unit_amount": terms.price_cents,
                "recurring": {"interval": "month"},
                "metadata": {PLAN: str(terms.plan)},
            },
        )

    async def _make_usage_price(self, key: str, meter: Meter, metered: Metered) -> str:
        product = await self._product(f"relaycast_{meter}", f"Relaycast {meter.replace('_', ' ')}")
        unit = metered.unit_cents
        assert unit is not None  # as `require_billable` has seen
        scheme: dict[str, Any] = {"unit_amount_decimal": unit}
        if metered.included:
            tiers = [{"up_to": metered.included, "unit_amount": 0}, {"up_to": "inf", "unit_amount_decimal": unit}]
            scheme = {"billing_scheme": "tiered", "tiers_mode": "graduated", "tiers": tiers}
        recurring = {"interval": "month", "usage_type": "metered", "meter": await self._meter(meter)}
        return await self._create(
            key, {"product": product, "recurring": recurring, "metadata": {METER: str(meter)}, **scheme}
        )

    async def _create(self, key: str, about: dict[str, Any]) -> str:
        params: Any = {"currency": CURRENCY, "lookup_key": key, **about}
        try:
            made = await self._v1.prices.create_async(params, {"idempotency_key": key})
        except stripe.InvalidRequestError:  # another process was first
            found = await self._find(key)
            if found is None:
                raise
            return found
        return made.id

    async def _product(self, id_: str, name: str) -> str:
        with contextlib.suppress(stripe.InvalidRequestError):  # it is there
            await self._v1.products.create_async({"id": id_, "name": name})
        return id_

    async def _meter(self, meter: Meter) -> str:
        if meter not in self._meters:
            found = await self._v1.billing.meters.list_async({"status": "active", "limit": 100})
            for each in found.data:
                if each.event_name == event_name(meter):
                    self._meters[meter] = each.id
                    break
            else:
                self._meters[meter] = await self._make_meter(meter)
        return self._meters[meter]

    async def _make_meter(self, meter: Meter) -> str:
        made = await self._v1.billing.meters.create_async(
            {
                "display_name": f"Relaycast {meter.replace('_', ' ')}",
                "event_name": event_name(meter),
                "default_aggregation": {"formula": "sum"},
                "customer_mapping": {"type": "by_id", "event_payload_key": "stripe_customer_id"},
                "value_settings": {"event_payload_key": "value"},
            },
            {"idempotency_key": event_name(meter)},
        )
        return made.id


def _list_billed(terms: Terms) -> Iterator[tuple[Meter, Metered]]:
    return ((meter, metered) for meter, metered in terms.meters.items() if metered.cents)
