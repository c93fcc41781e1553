"""Budgets are set, raised and removed."""

from __future__ import annotations

from typing import Annotated

import strawberry
from strawberry import ID

from broker.domain.plans.budgets import Period, Unit
from graphql_api.context import Info
from graphql_api.mutations.fields import GIVEN, Repeatable, mutation, once
from graphql_api.refusals import Refused
from graphql_api.types.budgets import Budget

_AMOUNT = "In its unit: dollars, tokens, turns, minutes."


@strawberry.input
class _Place(Repeatable):
    """Which budget."""

    scope: str = strawberry.field(
        description="Whose: `workspace`, `session:NAME`, `agent:SESSION/NAME`, `tree:SESSION/NAME` (with all that it"
        " spawned) or `person:NAME`."
    )
    unit: Unit = strawberry.field(description="What is spent.")
    period: Period = strawberry.field(default=Period.TOTAL, description="For how long it is.")


@strawberry.input(description="What may be spent.")
class SetBudgetInput(_Place):
    """What may be spent."""

    amount: float = strawberry.field(description=_AMOUNT)
    interrupt: bool | None = strawberry.field(
        default=None, description="Whether running turns are ended when it is spent; null leaves that as it is."
    )


@strawberry.input(description="How much more may be spent.")
class RaiseBudgetInput(_Place):
    """How much more may be spent."""

    amount: float = strawberry.field(description=_AMOUNT)


@strawberry.input(description="Which budget is to be gone.")
class RemoveBudgetInput(_Place):
    """Which budget is to be gone."""


@strawberry.type(description="So much may be spent, by this or by an earlier request; what waited for it goes on.")
class BudgetSet:
    """The budget."""

    budget: Budget | None = strawberry.field(
        description="As it stands; null when a repeat finds that it was removed since."
    )


@strawberry.type(description="There is no such budget any more; what waited for it goes on.")
class BudgetRemoved:
    """Which."""

    scope: str = strawberry.field(description="Whose it was, as it was named.")


SetBudgetResult = Annotated[
    BudgetSet | Refused, strawberry.union("SetBudgetResult", description="The budget, or why there is none.")
]
RaiseBudgetResult = Annotated[
    BudgetSet | Refused, strawberry.union("RaiseBudgetResult", description="The budget, or why it was not raised.")
]
RemoveBudgetResult = Annotated[
    BudgetRemoved | Refused, strawberry.union("RemoveBudgetResult", description="That it is gone, or why not.")
]


@strawberry.type
class BudgetMutations:
    """Mutations of budgets."""

    @mutation("Set what may be spent; what was spent in this period stays.")
    async def set_budget(self, info: Info, input: Annotated[SetBudgetInput, GIVEN]) -> SetBudgetResult:
        """The same again changes nothing."""
        made = await info.context.services.budgets.set(
            info.context.principal,
            input.scope,
            unit=input.unit,
            period=input.period,
            amount=input.amount,
            interrupt=input.interrupt,
        )
        return BudgetSet(budget=Budget.of(made))

    @mutation("Let more be spent.")
    async def raise_budget(self, info: Info, input: Annotated[RaiseBudgetInput, GIVEN]) -> RaiseBudgetResult:
        """Once for each retry id."""
        budgets, principal = info.context.services.budgets, info.context.principal

        async def raise_() -> str:
            raised = await budgets.set(
                principal, input.scope, unit=input.unit, period=input.period, amount=input.amount, more=True
            )
            return str(raised.place)

        key = (await once(info, input, raise_)).text
        found = [each for each in await budgets.all(principal) if str(each.place) == key]
        return BudgetSet(budget=Budget.of(found[0]) if found else None)

    @mutation("Remove a budget: as much may be spent as anybody likes.")
    async def remove_budget(self, info: Info, input: Annotated[RemoveBudgetInput, GIVEN]) -> RemoveBudgetResult:
        """Once for each retry id."""
        budgets, principal = info.context.services.budgets, info.context.principal

        async def remove() -> str:
            await budgets.remove(principal, input.scope, unit=input.unit, period=input.period)
            return input.scope

        return BudgetRemoved(scope=ID((await once(info, input, remove)).text))
