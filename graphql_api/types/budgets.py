"""Budgets: what agents may spend, and what is spent of it."""

from __future__ import annotations

from typing import Self

import strawberry
from strawberry import ID

from broker.domain.plans import budgets as domain
from broker.domain.plans import pauses
from broker.domain.plans.budgets import BudgetScope, BudgetState, Period, Unit
from graphql_api.pagination import Place
from graphql_api.types.scalars import DateTime

MAX_PAUSES = 100


@strawberry.type(
    description="What agents may spend before somebody has to say that they may go on. A turn begins only where every"
    " budget that its agent is paid from has room. Amounts are in its unit."
)
class Budget:
    """One, as it stands."""

    key: ID = strawberry.field(description="Its key.")
    scope: BudgetScope = strawberry.field(description="Whose spending counts.")
    of_key: ID | None = strawberry.field(description="The session, agent or member; null for the workspace.")
    name: str = strawberry.field(description="The session's, `session/agent` or the member's; empty for the workspace.")
    session_key: ID | None = strawberry.field(description="The session that it is of, or that its agent is in.")
    unit: Unit = strawberry.field(description="What is spent.")
    period: Period = strawberry.field(description="For how long it is; then it begins anew.")
    run_key: ID | None = strawberry.field(
        description="The run of a workflow that has spent this of a budget for runs; null for what each may spend."
    )
    state: BudgetState = strawberry.field(description="Whether turns begin that it pays for.")
    limit: float = strawberry.field(description="With what somebody has allowed beyond it for this period.")
    spent: float = strawberry.field(description="In this period.")
    left: float = strawberry.field(description="What is left; 0 when it is over.")
    held: float = strawberry.field(description="Set aside for turns that run.")
    running: int = strawberry.field(description="Turns that it pays for now.")
    interrupts: bool = strawberry.field(description="Whether running turns are ended when it is spent.")
    is_estimated: bool = strawberry.field(description="Whether dollars of it are estimated by prices for models.")
    approval_key: ID | None = strawberry.field(description="The approval that asks whether more may be spent.")
    set_by: str = strawberry.field(description="Who has set it: a person, or the agent that spawned its agent.")

    @classmethod
    def of(cls, budget: domain.Budget) -> Self:
        """As the domain knows it."""
        place = budget.place
        return cls(
            key=ID(str(place)),
            scope=place.scope,
            of_key=ID(place.of) if place.of else None,
            name=budget.name,
            session_key=None if budget.session is None else ID(budget.session),
            unit=place.unit,
            period=place.period,
            run_key=None if place.run is None else ID(place.run),
            state=budget.state,
            limit=budget.limit,
            spent=budget.spent,
            left=budget.left,
            held=budget.held,
            running=budget.running,
            interrupts=budget.interrupts,
            is_estimated=budget.is_estimated,
            approval_key=None if budget.asks is None else ID(budget.asks),
            set_by=budget.by,
        )


@strawberry.type(description="From then on no turn began that a budget pays for, or a limit of the plan was reached.")
class Pause:
    """What stopped what."""

    at: DateTime = strawberry.field(description="Since when.")
    until: DateTime | None = strawberry.field(
        description="When it is over at the latest; null when somebody has to raise the budget, or to release agents."
    )
    is_over: bool | None = strawberry.field(
        description="Whether it is over; null for a limit of what lives at a time, which comes and goes."
    )
    text: str = strawberry.field(description="What is spent or reached, in words.")
    budget_key: ID | None = strawberry.field(description="The budget; null for a limit of the plan.")
    limit: str | None = strawberry.field(description="The limit: `agents`, `messages_per_day`; null for a budget.")
    session_key: ID | None = strawberry.field(description="The session in which that was noticed.")
    agent_key: ID | None = strawberry.field(description="The agent whose turn has spent the rest.")
    agent_name: str = strawberry.field(description="Its name; may be empty.")

    @classmethod
    def of(cls, pause: pauses.Pause, *, is_over: bool | None) -> Self:
        """As the domain knows it."""
        return cls(
            at=DateTime(pause.at_ms),
            until=None if pause.until_ms is None else DateTime(pause.until_ms),
            is_over=is_over,
            text=pause.text,
            budget_key=None if pause.budget is None else ID(str(pause.budget)),
            limit=pause.limit,
            session_key=None if pause.session is None else ID(pause.session),
            agent_key=None if pause.agent is None else ID(pause.agent),
            agent_name=pause.agent_name,
        )


def budget_place(budget: domain.Budget) -> Place:
    """As they are listed."""
    return Place(0, str(budget.place))
