"""Budgets: how much agents may spend, of what and for how long, before somebody has to say that they may go on.

A turn begins only where every budget that its agent is paid from has room, and sets aside in each what turns have taken
there on average; what it really spent is settled behind it. So an overrun is at most one turn of each agent that was
running. Nothing is killed: messages wait until there is room, and running turns end only where a budget says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from broker.domain.errors import BadRequest
from broker.domain.ids import ApprovalId, SessionId, WorkflowRunId
from broker.domain.timings import TIMINGS

MOST = 10**12


class BudgetScope(StrEnum):
    """Whose spending counts."""

    WORKSPACE = "workspace"
    SESSION = "session"
    AGENT = "agent"
    TREE = "tree"
    """An agent and all that it spawned, and those, and so on: a child's spending comes out of its parent's budget."""
    PERSON = "person"
    """A member: all agents that they spawned, or that agents of theirs did."""


OF_NO_SESSION = frozenset({BudgetScope.WORKSPACE, BudgetScope.PERSON})


class Unit(StrEnum):
    """What is spent."""

    USD = "usd"
    """As vendors report it, or by the operator's prices for models where one reports none."""
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
    RUN = "run"
    """Each run of a workflow, with what its agents spawn and the runs that it calls, may spend so much."""


class BudgetState(StrEnum):
    """Whether turns begin that a budget pays for."""

    OPEN = "open"
    NEAR = "near"
    """Most of it is spent."""
    HELD = "held"
    """Turns that run have set aside what is left: others wait until one has ended."""
    SPENT = "spent"
    """None begins until somebody lets more be spent, or the period is over."""


PER_UNIT = {Unit.USD: 1_000_000, Unit.TOKENS: 1, Unit.TURNS: 1, Unit.MINUTES: 60_000}
"""What is counted is whole numbers: millionths of a dollar, milliseconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetPlace:
    """What a budget is for; its key. `of`: the id of a session, an agent or a member, '' for the workspace."""

    scope: BudgetScope
    of: str = ""
    unit: Unit
    period: Period
    run: WorkflowRunId | None = None
    """Which run has spent of a budget that is for each; None for that one, of which nothing is spent."""

    def __str__(self) -> str:
        run = f":{self.run}" if self.run else ""
        return f"{self.payer} {self.unit} {self.period}{run}"

    @property
    def payer(self) -> str:
        """What it is for, without what may be spent."""
        return self.scope if self.scope is BudgetScope.WORKSPACE else f"{self.scope}:{self.of}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """One, as it stands."""

    place: BudgetPlace
    name: str
    """Of the session or the agent, for people."""
    limit: float
    """In its unit; with what somebody has allowed beyond it for this period."""
    spent: float
    """In this period."""
    by: str
    held: float = 0.0
    """Set aside for the turns that run."""
    running: int = 0
    """Turns that it pays for now."""
    interrupts: bool = False
    """Whether running turns are ended when it is spent; else they go on, and their end is waited for."""
    is_estimated: bool = False
    """Whether dollars of it are estimated by prices for models."""
    asks: ApprovalId | None = None
    """The question whether more may be spent."""
    session: SessionId | None = None
    """That it is of, or that its agent is in; None for those of no session, and where it was not written down."""

    @property
    def left(self) -> float:
        """What is left; 0 when it is over."""
        return max(0.0, self.limit - self.spent)

    @property
    def is_spent(self) -> bool:
        """Whether no turn begins because of it."""
        return self.spent >= self.limit

    @property
    def state(self) -> BudgetState:
        """Whether turns begin that it pays for."""
        if self.is_spent:
            return BudgetState.SPENT
        if self.spent + self.held >= self.limit:
            return BudgetState.HELD
        is_near = self.spent * 100 >= self.limit * TIMINGS.plan_warning_percent
        return BudgetState.NEAR if is_near else BudgetState.OPEN

    @property
    def is_of_no_session(self) -> bool:
        """Whether it says nothing of any session: who pays for a workspace may see it who sees none."""
        return self.place.scope in OF_NO_SESSION


@dataclass(frozen=True, slots=True, kw_only=True)
class Gift:
    """What an agent lets another one spend that it spawns, with all that that one spawns: out of its own budget."""

    unit: Unit
    amount: float


def parse_place(text: str) -> BudgetPlace:
    """Read what `str` of one gives. Raises `ValueError`."""
    where, unit, when = text.split(" ")
    scope, _, of = where.partition(":")
    period, _, run = when.partition(":")
    return BudgetPlace(
        scope=BudgetScope(scope),
        of=of,
        unit=Unit(unit),
        period=Period(period),
        run=WorkflowRunId(run) if run else None,
    )


def count_amount(unit: Unit, amount: float) -> int:
    """An amount as it is counted. Raises `BadRequest`."""
    number = round(amount * PER_UNIT[unit])
    if not 0 < number <= MOST:
        raise BadRequest(f"a budget is more than 0 and at most {MOST // PER_UNIT[unit]:,} {unit}")
    return number


def check_period(scope: BudgetScope, period: Period) -> None:
    """That it can begin anew so. Raises `BadRequest`."""
    if scope is BudgetScope.AGENT and period is Period.RUN:
        raise BadRequest("an agent is in one run of a workflow at most: give it a budget in total")


def check_interrupt(unit: Unit, *, interrupt: bool | None) -> None:
    """That running turns can be ended by a budget of that unit. Raises `BadRequest`."""
    if interrupt and unit is Unit.TURNS:
        raise BadRequest("a budget of turns is spent between turns: there is none to interrupt")
