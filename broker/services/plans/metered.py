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
from broker.domain.plans.request_rate import RequestRate


@dataclass(slots=True, kw_only=True)
class MeteredRequest:
    """One request."""

    rate: RequestRate
    limit: RateLimit | None = None
    """What its caller has left; None before anybody was recognised. It is paid for once."""

    def pay(self, *, wait_s: float, left: int, whole_s: float) -> None:
        """Note what is left. Raises `RateLimited` where it has to wait for its turn."""
        rate = self.rate
        self.limit = RateLimit(
            policy="requests",
            quota=rate.burst,
            window_s=math.ceil(rate.burst / rate.per_s),
            remaining=left,
            reset_s=whole_s,
        )
        if wait_s > 0:
            raise RateLimited(
                f"this token asks too fast: {rate.per_s} requests a second, {rate.burst} at once; try again in"
                f" {wait_s:.1f} s",
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
