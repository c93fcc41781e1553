"""Keeps what is here and what Stripe has equal: copies of subscriptions, seats, usage. No caller acts here.

Whatever is done is asked anew and can be done twice: a webhook that comes again, late or before an older one only makes
us ask; of two answers the one that was asked for later stays; usage is put aside under a name before it is sent.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from broker.domain.errors import NotConfigured, NotFound
from broker.domain.ids import WorkspaceId
from broker.domain.people.workspaces import WorkspaceState
from broker.domain.plans.billing import (
    LIVE,
    OVERDUE,
    REPORTED_DAYS,
    SURE_MS,
    PaymentNews,
    Phase,
    Standing,
    Subscription,
    UsagePart,
    follow,
    is_about_subscriptions,
    standing,
)
from broker.domain.plans.plans import BUILT_IN, Meter, PlanTable
from broker.domain.timings import TIMINGS
from broker.services.ports import BillingRecords, MemberRecords, PaymentProvider, WorkspaceRecords


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageDifference:
    """A day of which Stripe knows another sum than was reported."""

    day: date
    meter: Meter
    told: int
    known: int


class SubscriptionKeeper:
    """What workers and webhooks do. `now_ms`: in place of the store's clock."""

    def __init__(
        self,
        records: BillingRecords,
        members: MemberRecords,
        workspaces: WorkspaceRecords,
        *,
        provider: PaymentProvider | None,
        table: PlanTable = BUILT_IN,
        now_ms: Callable[[], Awaitable[int]] | None = None,
    ) -> None:
        self._records = records
        self._members = members
        self._workspaces = workspaces
        self._provider = provider
        self._table = table
        self.now_ms = now_ms or records.now_ms

    async def take_webhook(self, payload: bytes, signature: str | None) -> PaymentNews:
        """Something happened at Stripe. Raises `NotConfigured`, `BadRequest` (BAD_SIGNATURE), `Unavailable`."""
        if self._provider is None:
            raise NotConfigured("plans are not paid for here", code="BILLING_NOT_CONFIGURED")
        news = self._provider.read_webhook(payload, signature)
        if is_about_subscriptions(news) and news.customer is not None:
            workspace = await self._records.workspace_of(news.customer)
            if workspace is not None:
                await self.refresh(workspace)
        return news

    async def tend(self, workspace: WorkspaceId) -> None:
        """Report usage, bring seats in line, and do what is due. Raises `Unavailable`."""
        record = await self._records.get(workspace)
        if self._provider is None or record is None:
            return
        await self.report(workspace)
        if await self._is_deleted(workspace):
            await self._end(workspace, record.subscription)
            return
        now_ms = await self.now_ms()
        stands = standing(record.subscription, now_ms=now_ms)
        is_old = now_ms - record.asked_at_ms >= TIMINGS.billing_checked_s * 1000
        if is_old or stands.phase is not record.phase or _is_to_be_ended(stands, record.subscription):
            await self.refresh(workspace)
        await self._bring_seats_in_line(workspace)

    async def refresh(self, workspace: WorkspaceId) -> None:
        """Ask Stripe, and keep what it says with what follows from it. Raises `Unavailable`."""
        record = await self._records.get(workspace)
        if self._provider is None or record is None:
            return
        ticket = await self._records.take_ticket(workspace)
        fresh = follow(record.subscription, await self._provider.subscription(record.customer))
        stands = standing(fresh, now_ms=await self.now_ms())
        await self._records.save(workspace, fresh, stands, ticket=ticket)
        if fresh is not None and _is_to_be_ended(stands, fresh):
            await self._provider.cancel(fresh, at_once=True)

    async def seats(self, workspace: WorkspaceId) -> int:
        """People of a workspace that are paid for: one at least."""
        return max(1, await self._members.count(workspace))

    async def report(self, workspace: WorkspaceId) -> int:
        """Tell Stripe of what was used since it was told last; how many parts that were. Raises `Unavailable`."""
        record = await self._records.get(workspace)
        if self._provider is None or record is None:
            return 0
        now_ms = await self._records.now_ms()
        parts = await self._records.claim(workspace, _days(record.since_ms, now_ms))
        for part in parts:
            await self._send(workspace, record.customer, part, now_ms=now_ms)
        return len(parts)

    async def differences(self, workspace: WorkspaceId) -> list[UsageDifference]:
        """Where Stripe knows another sum of a day than it was told. Raises `NotFound`, `Unavailable`."""
        record = await self._records.get(workspace)
        if self._provider is None or record is None:
            raise NotFound("the workspace never had to do with Stripe", code="NO_SUBSCRIPTION")
        days = _days(record.since_ms, await self._records.now_ms())
        told = await self._records.read_reported(workspace, days)
        found = []
        for (day, meter), units in sorted(told.items()):
            known = await self._provider.count_reported(record.customer, meter, day)
            if known != units:
                found.append(UsageDifference(day=day, meter=meter, told=units, known=known))
        return found

    async def _is_deleted(self, workspace: WorkspaceId) -> bool:
        found = await self._workspaces.get(workspace)
        return found is None or found.state in {WorkspaceState.DELETED, WorkspaceState.ENDING}

    async def _end(self, workspace: WorkspaceId, subscription: Subscription | None) -> None:
        """Nobody pays for what they have deleted; whoever restores it subscribes again."""
        if self._provider is not None and subscription is not None and subscription.is_live:
            await self._provider.cancel(subscription, at_once=True)
            await self.refresh(workspace)

    async def _send(self, workspace: WorkspaceId, customer: str, part: UsagePart, *, now_ms: int) -> None:
        assert self._provider is not None
        if now_ms - part.claimed_ms < SURE_MS or (
            await self._provider.count_reported(customer, part.meter, part.day) < part.last - part.base
        ):
            await self._provider.report(workspace, customer, part)
        await self._records.settle(workspace, part)

    async def _bring_seats_in_line(self, workspace: WorkspaceId) -> None:
        assert self._provider is not None
        record = await self._records.get(workspace)
        known = record.subscription if record else None
        if known is None or known.status not in LIVE or not self._table[known.plan].per_seat:
            return
        seats = await self.seats(workspace)
        if seats != known.seats:
            await self._provider.set_seats(known, seats)
            await self.refresh(workspace)


def _is_to_be_ended(stands: Standing, subscription: Subscription | None) -> bool:
    """Whether nobody has paid for all that time, and no more is to be billed."""
    return stands.phase is Phase.ENDED and subscription is not None and subscription.status in OVERDUE


def _days(since_ms: int, now_ms: int) -> list[date]:
    today = datetime.fromtimestamp(now_ms / 1000, UTC).date()
    began = datetime.fromtimestamp(since_ms / 1000, UTC).date()
    first = max(began, today - timedelta(days=REPORTED_DAYS))
    return [first + timedelta(days=number) for number in range((today - first).days + 1)]
