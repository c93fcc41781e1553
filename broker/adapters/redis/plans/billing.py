"""What is kept of workspaces' subscriptions, and how much of their usage was reported."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import orjson

from broker.adapters.redis import keys
from broker.adapters.redis.client import TextRedis
from broker.adapters.redis.scripts import Scripts
from broker.domain.ids import WorkspaceId
from broker.domain.logs.meters import COUNTERS
from broker.domain.plans.billing import Phase, Standing, Subscription, SubscriptionStatus, UsagePart
from broker.domain.plans.plans import Meter, Plan
from broker.services.ports import BillingRecord

_METERS = orjson.dumps([(meter, counted, per) for meter, (counted, per) in COUNTERS.items()])
_CUSTOMERS = keys.key(keys.INSTALLATION_TAG, "customers")


class RedisBilling:
    """Implements `BillingRecords`."""

    def __init__(self, redis: TextRedis, scripts: Scripts) -> None:
        self._redis = redis
        self._scripts = scripts

    async def get(self, workspace: WorkspaceId) -> BillingRecord | None:
        """None for one that never had to do with Stripe."""
        customer, since, copy, at_ms, phase = await self._redis.hmget(
            keys.key(workspace, "billing"), "customer", "since", "copy", "at_ms", "phase"
        )
        if customer is None:
            return None
        return BillingRecord(
            customer=customer,
            since_ms=int(since or 0),
            subscription=_subscription(orjson.loads(copy)) if copy else None,
            phase=Phase(phase or Phase.NONE),
            asked_at_ms=int(at_ms or 0),
        )

    async def link(self, workspace: WorkspaceId, customer: str) -> str:
        """Make it that customer's, unless it has one. Who dies between the two writes does both again."""
        counts = str(await self._scripts.run("link_customer", workspace, customer=customer, meters=_METERS))
        await self._redis.hset(_CUSTOMERS, counts, workspace)
        return counts

    async def workspace_of(self, customer: str) -> WorkspaceId | None:
        """Whose a customer is."""
        found = await self._redis.hget(_CUSTOMERS, customer)
        return WorkspaceId(found) if found else None

    async def take_ticket(self, workspace: WorkspaceId) -> int:
        """To be taken before Stripe is asked."""
        return int(await self._scripts.run("take_billing_ticket", workspace))

    async def save(
        self, workspace: WorkspaceId, subscription: Subscription | None, standing: Standing, *, ticket: int
    ) -> bool:
        """Keep the copy and what follows from it; whether it was the latest."""
        return bool(
            await self._scripts.run(
                "save_billing",
                workspace,
                ticket=ticket,
                copy=orjson.dumps(subscription) if subscription else "",
                plan=standing.plan or "",
                read_only="1" if standing.is_read_only else "",
                phase=standing.phase,
                decides="1" if standing.is_of_subscription else "",
                log_days=orjson.dumps(self._scripts.plans.log_days),
            )
        )

    async def claim(self, workspace: WorkspaceId, days: Sequence[date]) -> Sequence[UsagePart]:
        """Put aside what is to be reported of some days."""
        rows = await self._scripts.run(
            "claim_usage", workspace, meters=_METERS, days=[each.isoformat() for each in days]
        )
        return [
            UsagePart(
                day=date.fromisoformat(day),
                meter=Meter(meter),
                first=part["first"],
                last=part["last"],
                claimed_ms=part["at_ms"],
                base=int(base),
            )
            for day, meter, base, text in rows
            for part in [orjson.loads(text)]
        ]

    async def settle(self, workspace: WorkspaceId, part: UsagePart) -> None:
        """It was reported."""
        await self._scripts.run("settle_usage", workspace, day=part.day.isoformat(), meter=part.meter, last=part.last)

    async def read_reported(self, workspace: WorkspaceId, days: Sequence[date]) -> Mapping[tuple[date, Meter], int]:
        """What was reported and settled."""
        pipe = self._redis.pipeline(transaction=False)
        for day in days:
            pipe.hmget(
                keys.key(workspace, "usage_sent", day.isoformat()), *COUNTERS, *(f"{each}:base" for each in COUNTERS)
            )
        rows = await pipe.execute() if days else []
        return {
            (day, meter): int(number) - int(base or 0)
            for day, row in zip(days, rows, strict=True)
            for meter, number, base in zip(COUNTERS, row[: len(COUNTERS)], row[len(COUNTERS) :], strict=True)
            if int(number or 0) > int(base or 0)
        }

    async def now_ms(self) -> int:
        """The store's clock."""
        seconds, microseconds = await self._redis.time()
        return seconds * 1000 + microseconds // 1000


def _subscription(row: dict[str, Any]) -> Subscription:
    known = {**row, "status": SubscriptionStatus(row["status"]), "plan": Plan(row["plan"])}
    return Subscription(**known)
