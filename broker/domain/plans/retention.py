"""How long a log is kept."""

from __future__ import annotations

from dataclasses import dataclass

from broker.domain.errors import BadRequest
from broker.domain.timings import TIMINGS

_DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Shortened:
    """A plan that keeps logs for fewer days than the one before it, and since when it holds.

    What was written until then keeps its expiry, or the announced days, whichever is later.
    """

    at_ms: int
    days_before: int

    @property
    def announced_until_ms(self) -> int:
        """Nothing that was there expires before this."""
        return self.at_ms + TIMINGS.log_announced_days * _DAY_MS

    @property
    def last_expires_ms(self) -> int:
        """By then all that was there has expired."""
        return max(self.announced_until_ms, self.at_ms + self.days_before * _DAY_MS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """A workspace's retention: its plan's, or a shorter one of its own."""

    plan_days: int
    own_days: int | None
    shortened: Shortened | None = None
    """Since the plan keeps logs for fewer days than the one before."""

    @property
    def days(self) -> int:
        """What counts. A wish survives a change of plan, but never goes beyond the plan."""
        return self.plan_days if self.own_days is None else min(self.own_days, self.plan_days)

    @property
    def is_of_plan(self) -> bool:
        """Whether the plan alone decides it. A smaller plan shortens the life of nothing that was written before."""
        return self.own_days is None or self.own_days > self.plan_days

    @property
    def kept_until_ms(self) -> int:
        """Until when everything is kept that was there when the plan became smaller; 0 where nothing was promised."""
        return self.shortened.announced_until_ms if self.shortened and self.is_of_plan else 0

    def check(self, days: int | None) -> int | None:
        """A wish that the plan allows. Raises `BadRequest`."""
        if days is not None and not 1 <= days <= self.plan_days:
            raise BadRequest(f"days: 1 to {self.plan_days}, which is what the plan keeps, or null for all of it")
        return days


@dataclass(frozen=True, slots=True, kw_only=True)
class Dated:
    """By which retention the log store's rows were dated, and when."""

    days: int
    at_ms: int
    kept_until_ms: int = 0
    """Before which nothing of them expires, as it was promised."""
    sure: bool
    """Whether they were dated again when nothing inserted under the days before could still be on its way."""
