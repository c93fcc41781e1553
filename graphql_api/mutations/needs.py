"""What somebody says of what needs a person."""

from __future__ import annotations

from typing import Annotated

import strawberry
from strawberry import ID

from graphql_api.context import Info
from graphql_api.mutations.fields import GIVEN, Repeatable, mutation
from graphql_api.refusals import Refused


@strawberry.input(description="Failures that somebody has seen.")
class DismissFailuresInput(Repeatable):
    """Which."""

    keys: list[ID] = strawberry.field(description="Of what needs a person; 200 at most.")


@strawberry.type(description="They are off the list, for everybody, by this or by an earlier request.")
class FailuresDismissed:
    """Which."""

    dismissed: int = strawberry.field(description="How many of them were still on it.")


DismissFailuresResult = Annotated[
    FailuresDismissed | Refused,
    strawberry.union("DismissFailuresResult", description="That they are off the list, or why not."),
]


@strawberry.type
class NeedMutations:
    """Mutations of what needs a person."""

    @mutation(
        "Take failures that somebody has seen off the list of what needs a person, for everybody. What fails again"
        " comes back."
    )
    async def dismiss_failures(
        self, info: Info, input: Annotated[DismissFailuresInput, GIVEN]
    ) -> DismissFailuresResult:
        """The same again changes nothing."""
        needs, principal = info.context.services.needs, info.context.principal
        return FailuresDismissed(dismissed=await needs.dismiss(principal, [str(each) for each in input.keys]))
