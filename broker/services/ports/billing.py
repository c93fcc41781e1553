"""Who takes the money, and what is kept here of that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from broker.domain.ids import WorkspaceId
from broker.domain.plans.billing import Invoice, PaymentNews, Phase, Standing, Subscription, UsagePart
from broker.domain.plans.plans import Meter, Terms


class PaymentProvider(Protocol):
    """Stripe. Its methods raise `Unavailable` when it does not answer, and `PaymentRefused` for what it refuses."""

    async def make_customer(self, workspace: WorkspaceId, name: str) -> str:
        """A customer's id; the same for the same workspace, when asked again within a day."""

    async def checkout(self, customer: str, terms: Terms, *, workspace: WorkspaceId, seats: int) -> str:
        """A page of theirs, on which a person subscribes to a plan."""

    async def portal(self, customer: str) -> str:
        """A page of theirs, on which a person changes cards and pays what is open."""

    async def subscription(self, customer: str) -> Subscription | None:
        """The customer's, as it is now: one that is live, else the latest."""

    async def change(self, subscription: Subscription, terms: Terms, *, seats: int) -> None:
        """Put it on another plan from now on; what was paid ahead is set off."""

    async def set_seats(self, subscription: Subscription, seats: int) -> None:
        """Bill so many from now on, for the rest of the period in proportion."""

    async def cancel(self, subscription: Subscription, *, at_once: bool) -> None:
        """End it with its period, or now."""

    async def keep(self, subscription: Subscription) -> None:
        """Let one that was cancelled for the end of its period go on."""

    async def invoices(self, customer: str) -> Sequence[Invoice]:
        """The latest, newest first."""

    async def report(self, workspace: WorkspaceId, customer: str, part: UsagePart) -> None:
        """Tell of units that were used. The same part again adds nothing, for a day at least."""

    async def count_reported(self, customer: str, meter: Meter, day: date) -> int:
        """How many units of that UTC day it knows."""

    def read_webhook(self, payload: bytes, signature: str | None) -> PaymentNews:
        """What it tells of. Raises `BadRequest` (BAD_SIGNATURE) for what it has not signed, or long ago."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BillingRecord:
    """What is kept of a workspace that has a customer."""

    customer: str
    since_ms: int
    """From when on its usage is reported."""
    subscription: Subscription | None
    phase: Phase
    """As it was when the copy was made."""
    asked_at_ms: int
    """When the copy was made; 0: never."""


class BillingRecords(Protocol):
    """What is kept here."""

    async def get(self, workspace: WorkspaceId) -> BillingRecord | None:
        """None for one that never had to do with Stripe."""

    async def link(self, workspace: WorkspaceId, customer: str) -> str:
        """Make it that customer's, unless it has one: the one that counts."""

    async def workspace_of(self, customer: str) -> WorkspaceId | None:
        """Whose a customer is."""

    async def take_ticket(self, workspace: WorkspaceId) -> int:
        """To be taken before Stripe is asked: what was asked later is not overwritten by what was asked before."""

    async def save(
        self, workspace: WorkspaceId, subscription: Subscription | None, standing: Standing, *, ticket: int
    ) -> bool:
        """Keep the copy and what follows from it, in one step; whether it was the latest."""

    async def claim(self, workspace: WorkspaceId, days: Sequence[date]) -> Sequence[UsagePart]:
        """Put aside what is to be reported of some days: the same again until it is settled."""

    async def settle(self, workspace: WorkspaceId, part: UsagePart) -> None:
        """It was reported."""

    async def read_reported(self, workspace: WorkspaceId, days: Sequence[date]) -> Mapping[tuple[date, Meter], int]:
        """What was reported and settled, without what was used before there was a customer; not those that are 0."""

    async def now_ms(self) -> int:
        """The store's clock."""
