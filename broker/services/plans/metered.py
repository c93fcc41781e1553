"""The request that the running task serves, which its caller pays for where their token is read.

A service is told no request, and the one script that reads a caller is far below the edge: so the edge notes the rate
here, the script takes one of what is left in the step that it runs in any case, and the edge says what that came to.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from broker.domain.errors import RateLimit, RateLimited
from broker.domain.plans.request_rate import Payer, RequestRate

_POLICIES = {
    Payer.TOKEN: ("requests", "this token asks"),
    Payer.ACCOUNT: ("account-requests", "the tokens of this account together ask"),
    Payer.WORKSPACE: ("workspace-requests", "the tokens of this workspace together ask"),
}


@dataclass(slots=True, kw_only=True)
class MeteredRequest:
    """One request."""

    rate: RequestRate
    limit: RateLimit | None = None
    """The one it is nearest to; None before a caller was recognised. It is paid for once."""

    def pay(self, payer: Payer, *, wait_s: float, left: int, whole_s: float) -> None:
        """Note what is left to the one that has least. Raises `RateLimited` where it has to wait for its turn."""
        policy, who = _POLICIES[payer]
        per_s, burst = (self.rate.times(payer) * each for each in (self.rate.per_s, self.rate.burst))
        self.limit = RateLimit(
            policy=policy,
            quota=burst,
            window_s=math.ceil(burst / per_s),
            remaining=left,
            reset_s=whole_s,
        )
        if wait_s > 0:
            raise RateLimited(
                f"{who} too fast: {per_s} requests a second, {burst} at once; try again in {wait_s:.1f} s",
                retry_after_s=wait_s,
                limit=self.limit,
            )


_REQUEST: ContextVar[MeteredRequest | None] = ContextVar("metered request", default=None)


@contextmanager
def metered(rate: RequestRate) -> Iterator[MeteredRequest]:
    """What runs within serves one request."""
    request = MeteredRequest(rate=rate)
    token = _REQUEST.set(request)
    try:
        yield request
    finally:
        _REQUEST.reset(token)


def unpaid() -> MeteredRequest | None:
    """The request that is served, as long as nobody has paid for it; None for what is no such request."""
    request = _REQUEST.get()
    return request if request is not None and request.limit is None and request.rate.per_s else None
