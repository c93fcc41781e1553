"""How fast one token may ask, over all processes."""

from __future__ import annotations

from broker.domain.access import Principal
from broker.domain.api_limits import ApiLimits
from broker.domain.errors import RateLimited
from broker.services.ports import Allowances


class Allowance:
    """Lets callers through, or tells them when to come back."""

    def __init__(self, allowances: Allowances, limits: ApiLimits) -> None:
        self._allowances = allowances
        self._limits = limits

    async def take(self, principal: Principal, *, cost: int) -> None:
        """Pay for an operation. Raises `RateLimited`; nothing is taken then."""
        limits = self._limits
        wait_s = await self._allowances.take(
            principal.workspace,
            principal.token_id,
            limits.points(cost),
            per_s=limits.rate_per_s,
            burst=limits.rate_burst,
        )
        if wait_s > 0:
            raise RateLimited(
                f"this token asks too fast: {limits.rate_per_s} points a second, {limits.rate_burst} at once; "
                f"this operation takes {limits.points(cost)}. Try again in {wait_s:.1f} s",
                retry_after_s=wait_s,
            )
