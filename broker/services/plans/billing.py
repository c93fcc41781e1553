"""What people do about their workspace's subscription."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from broker.domain.errors import BadRequest, Conflict, NotConfigured, NotFound
from broker.domain.ids import WorkspaceId
from broker.domain.people.access import Permission, Principal
from broker.domain.plans.billing import Invoice, Phase, Standing, Subscription, standing
from broker.domain.plans.plans import BUILT_IN, Plan, PlanTable
from broker.services.permissions import requires
from broker.services.plans.subscriptions import SubscriptionKeeper
from broker.services.ports import BillingRecord, BillingRecords, PaymentProvider, WorkspaceRecords


@dataclass(frozen=True, slots=True, kw_only=True)
class BillingState:
    """What a workspace sees of it."""

    configured: bool
    """Whether plans are paid for here; else who runs the broker sets them."""
    plan: Plan
    standing: Standing
    subscription: Subscription | None = None
    seats: int = 1
    """People, now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """What came of choosing a plan."""

    state: BillingState
    url: str | None = None
    """Where a person goes to pay; None: it is done."""


class Billing:
    """Use cases around subscriptions. `provider`: None where plans are not paid for here."""

    def __init__(
        self,
        records: BillingRecords,
        workspaces: WorkspaceRecords,
        *,
        keeper: SubscriptionKeeper,
        provider: PaymentProvider | None,
        table: PlanTable = BUILT_IN,
    ) -> None:
        self._records = records
        self._workspaces = workspaces
        self._keeper = keeper
        self._provider = provider
        self._table = table

    @requires(Permission.METER)
    async def state(self, principal: Principal) -> BillingState:
        """As the copy has it. Raises `NotPermitted`."""
        return await self._state(principal.workspace)

    @requires(Permission.BILL)
    async def choose(self, principal: Principal, plan: Plan) -> Chosen:
        """Go to another plan: from the first one on by a page of Stripe's, then at once; Free, with the period's end.

        Raises `NotPermitted`, `NotConfigured`, `Conflict` (ALREADY_ON_PLAN, PAYMENT_OVERDUE), `Unavailable`.
        """
        provider, workspace = self._require_provider(), principal.workspace
        customer = await self._customer(workspace)
        await self._keeper.refresh(workspace)
        known = await self._live(workspace)
        if plan is Plan.FREE:
            return await self._to_free(workspace, known)
        terms = self._table[plan]
        if not terms.price_cents:
            raise BadRequest(f"the plan {plan} has no price: ask who runs this broker for it")
        seats = await self._keeper.seats(workspace) if terms.per_seat else 1
        if known is None:
            url = await provider.checkout(customer, terms, workspace=workspace, seats=seats)
            return Chosen(state=await self._state(workspace), url=url)
        if known.plan is plan and known.cancels_at_ms is None:
            raise Conflict(f"the workspace is on {plan} already", code="ALREADY_ON_PLAN")
        if known.unpaid_since_ms is not None:
            raise Conflict("pay what is open first: `relaycast billing portal`", code="PAYMENT_OVERDUE")
        await provider.change(known, terms, seats=seats)
        return Chosen(state=await self._again(workspace))

    @requires(Permission.BILL)
    async def cancel(self, principal: Principal) -> BillingState:
        """End the subscription with its period. Raises `NotPermitted`, `NotConfigured`, `NotFound`, `Unavailable`."""
        await self._require_provider().cancel(await self._present(principal.workspace), at_once=False)
        return await self._again(principal.workspace)

    @requires(Permission.BILL)
    async def keep(self, principal: Principal) -> BillingState:
        """Take a cancellation back. Raises `NotPermitted`, `NotConfigured`, `NotFound`, `Unavailable`."""
        await self._require_provider().keep(await self._present(principal.workspace))
        return await self._again(principal.workspace)

    @requires(Permission.BILL)
    async def portal(self, principal: Principal) -> str:
        """Stripe's page for cards and what is open. Raises `NotPermitted`, `NotConfigured`, `Unavailable`."""
        return await self._require_provider().portal(await self._customer(principal.workspace))

    @requires(Permission.BILL)
    async def invoices(self, principal: Principal) -> Sequence[Invoice]:
        """The latest. Raises `NotPermitted`, `NotConfigured`, `Unavailable`."""
        provider = self._require_provider()
        record = await self._records.get(principal.workspace)
        return await provider.invoices(record.customer) if record else ()

    async def _to_free(self, workspace: WorkspaceId, known: Subscription | None) -> Chosen:
        if known is None:
            raise Conflict("the workspace has no subscription", code="ALREADY_ON_PLAN")
        await self._require_provider().cancel(known, at_once=False)
        return Chosen(state=await self._again(workspace))

    async def _again(self, workspace: WorkspaceId) -> BillingState:
        await self._keeper.refresh(workspace)
        return await self._state(workspace)

    async def _state(self, workspace: WorkspaceId) -> BillingState:
        record, found = await self._records.get(workspace), await self._workspaces.get(workspace)
        return BillingState(
            configured=self._provider is not None,
            plan=found.plan if found else Plan.FREE,
            standing=await self._standing(record),
            subscription=record.subscription if record else None,
            seats=await self._keeper.seats(workspace),
        )

    async def _standing(self, record: BillingRecord | None) -> Standing:
        if record is None or self._provider is None:
            return Standing(phase=Phase.NONE)
        return standing(record.subscription, now_ms=await self._keeper.now_ms())

    async def _customer(self, workspace: WorkspaceId) -> str:
        """The workspace's, made at its first use."""
        if record := await self._records.get(workspace):
            return await self._records.link(workspace, record.customer)
        found = await self._workspaces.get(workspace)
        made = await self._require_provider().make_customer(workspace, found.name if found else workspace)
        return await self._records.link(workspace, made)

    async def _live(self, workspace: WorkspaceId) -> Subscription | None:
        record = await self._records.get(workspace)
        return record.subscription if record and record.subscription and record.subscription.is_live else None

    async def _present(self, workspace: WorkspaceId) -> Subscription:
        self._require_provider()
        found = await self._live(workspace)
        if found is None:
            raise NotFound("the workspace has no subscription", code="NO_SUBSCRIPTION")
        return found

    def _require_provider(self) -> PaymentProvider:
        if self._provider is None:
            raise NotConfigured(
                "plans are not paid for here: who runs this broker sets them (`relaycast workspace plan`)",
                code="BILLING_NOT_CONFIGURED",
            )
        return self._provider
