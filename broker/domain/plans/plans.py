"""What each plan allows. A limit of 0 means none."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Plan(StrEnum):
    """The three plans."""

    FREE = "free"
    PRO = "pro"
    TEAM = "team"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The figures of a plan."""

    agents: int
    messages_per_day: int
    log_days: int


LIMITS: dict[Plan, Limits] = {
    Plan.FREE: Limits(agents=1, messages_per_day=100, log_days=7),
    Plan.PRO: Limits(agents=10, messages_per_day=0, log_days=90),
    Plan.TEAM: Limits(agents=0, messages_per_day=0, log_days=365),
}
