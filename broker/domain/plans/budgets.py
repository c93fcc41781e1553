"""Budgets: how much agents may spend, of what and for how long, before somebody has to say that they may go on.

A turn begins only where every budget that its agent is paid from has room; what it spends is known behind it. So an
overrun is at most one turn of each agent that was running. Nothing is killed: messages wait until there is room.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from broker.domain.errors import BadRequest

MAX_BUDGETS = 200
"""Of one workspace."""
MOST = 10**12


class BudgetScope(StrEnum):
    """Whose spending counts."""

    WORKSPACE = "workspace"
    SESSION = "session"
    AGENT = "agent"
    TREE = "tree"
    """An agent and all that it spawned, and those, and so on: a child's spending comes out of its parent's budget."""


class Unit(StrEnum):
    """What is spent."""

    USD = "usd"
    """As vendors report it: those that report none add nothing."""
    TOKENS = "tokens"
    """Into models and out of them."""
    TURNS = "turns"
    MINUTES = "minutes"
    """Of turns, by the clock."""


class Period(StrEnum):
    """For how long a budget is; then it begins anew."""

    DAY = "day"
    MONTH = "month"
    TOTAL = "total"


PER_UNIT = {Unit.USD: 1_000_000, Unit.TOKENS: 1, Unit.TURNS: 1, Unit.MINUTES: 60_000}
"""What is counted is whole numbers: millionths of a dollar, milliseconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetPlace:
    """What a budget is for; its key. `of`: the id of a session or an agent, '' for the workspace."""

    scope: BudgetScope
    of: str = ""
    unit: Unit
    period: Period

    def __str__(self) -> str:
        where = self.scope if self.scope is BudgetScope.WORKSPACE else f"{self.scope}:{self.of}"
        return f"{where} {self.unit} {self.period}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """One, as it stands."""

    place: BudgetPlace
    name: str
    """Of the session or the agent, for people."""
    limit: float
    """In its unit."""
    spent: float
    """In this period."""
    by: str

    @property
    def left(self) -> float:
        """What is left; 0 when it is over."""
        return max(0.0, self.limit - self.spent)

    @property
    def is_spent(self) -> bool:
        """Whether no turn begins because of it."""
        return self.spent >= self.limit


def parse_place(text: str) -> BudgetPlace:
    """Read what `str` of one gives. Raises `ValueError`."""
    where, unit, period = text.split(" ")
    scope, _, of = where.partition(":")
    return BudgetPlace(scope=BudgetScope(scope), of=of, unit=Unit(unit), period=Period(period))


def counted(unit: Unit, amount: float) -> int:
    """An amount as it is counted. Raises `BadRequest`."""
    number = round(amount * PER_UNIT[unit])
    if not 0 < number <= MOST:
        raise BadRequest(f"a budget is more than 0 and at most {MOST // PER_UNIT[unit]:,} {unit}")
    return number
