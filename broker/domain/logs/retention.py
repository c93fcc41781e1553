"""How long a log is kept."""

from __future__ import annotations

from dataclasses import dataclass

from broker.domain.errors import BadRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """A workspace's retention: its plan's, or a shorter one of its own."""

    plan_days: int
    own_days: int | None

    @property
    def days(self) -> int:
        """What counts. A wish survives a change of plan, but never goes beyond the plan."""
        return self.plan_days if self.own_days is None else min(self.own_days, self.plan_days)

    @property
    def is_of_plan(self) -> bool:
        """Whether the plan alone decides it. A smaller plan shortens the life of nothing that was written before."""
        return self.own_days is None or self.own_days > self.plan_days

    def checked(self, days: int | None) -> int | None:
        """A wish that the plan allows. Raises `BadRequest`."""
        if days is not None and not 1 <= days <= self.plan_days:
            raise BadRequest(f"days: 1 to {self.plan_days}, which is what the plan keeps, or null for all of it")
        return days


@dataclass(frozen=True, slots=True, kw_only=True)
class Dated:
    """By which retention the log store's rows were dated, and when."""

    days: int
    at_ms: int
    sure: bool
    """Whether they were dated again when nothing inserted under the days before could still be on its way."""
