"""Rate limits of tokens, over all processes."""

from __future__ import annotations

import math

from broker.domain.errors import RateLimit, RateLimited
from broker.domain.people.access import Principal
from broker.domain.plans.api_limits import ApiLimits
from broker.domain.plans.plans import BUILT_IN, PlanTable
from broker.services.permissions import open_to_all
from broker.services.ports import Allowances


class Allowance:
    """Lets callers through, or tells them when to come back."""

    def __init__(self, allowances: Allowances, limits: ApiLimits, plans: PlanTable = BUILT_IN) -> None:
        self._allowances = allowances
        self._limits = limits
        self._plans = plans

    @open_to_all("everybody is counted")
    async def take(self, principal: Principal, *, cost: int) -> RateLimit:
        """Pay for an operation; what is left. Raises `RateLimited`; nothing is taken then."""
        return await self._take(principal, self._limits.points(cost), "this operation")

    @open_to_all("everybody is counted")
    async def take_for_text(self, principal: Principal, *, characters: int) -> None:
        """Pay for reading a document that is not known. Raises `RateLimited`; nothing is taken then."""
        points = self._limits.reading_points(characters)
        if points:
            await self._take(principal, points, "reading this document")

    @open_to_all("everybody is counted")
    async def take_for_refusal(self, principal: Principal, *, characters: int) -> None:
        """Pay for a document that turned out to be none, where reading it was too short to cost anything."""
        if not self._limits.reading_points(characters):
            await self._take(principal, 1, "a refused document")

    async def _take(self, principal: Principal, points: int, what: str) -> RateLimit:
        limits = self._limits
        per_s = min(self._plans.limits(principal.plan).api_points_per_s or limits.rate_per_s, limits.rate_per_s)
        taken = await self._allowances.take(
            principal.workspace,
            principal.token_id,
            points,
            per_s=per_s,
            burst=limits.rate_burst,
        )
        limit = RateLimit(
            policy="points",
            quota=limits.rate_burst,
            window_s=math.ceil(limits.rate_burst / per_s),
            remaining=taken.left,
            reset_s=taken.whole_s,
        )
        if taken.wait_s > 0:
            raise RateLimited(
                f"this token asks too fast: {per_s} points a second, {limits.rate_burst} at once; "
                f"{what} takes {points}. Try again in {taken.wait_s:.1f} s",
                retry_after_s=taken.wait_s,
                limit=limit,
            )
        return limit
