"""Applying and pausing a workspace's hooks."""

from __future__ import annotations

from typing import Annotated

import strawberry

from graphql_api.context import Info
from graphql_api.mutations.fields import GIVEN, Repeatable, mutation
from graphql_api.refusals import Refused
from graphql_api.types.hooks import Hooks


@strawberry.input(description="Hooks that are to hold, in place of all that there are.")
class ApplyHooksInput(Repeatable):
    """Hooks that are to hold."""

    text: str = strawberry.field(description="The whole hooks file; empty for none.")
    version: int | None = strawberry.field(
        default=None, description="Of the hooks that are replaced: refused when others hold by now."
    )


@strawberry.input(description="Whether hooks begin.")
class PauseHooksInput(Repeatable):
    """Whether hooks begin."""

    paused: bool = strawberry.field(
        description="True lets none begin; what happens meanwhile sets nothing off. False lets them go on."
    )


@strawberry.type(description="The hooks have changed, or were so already.")
class HooksChanged:
    """The hooks that hold."""

    hooks: Hooks = strawberry.field(description="As they are now.")


HooksResult = Annotated[
    HooksChanged | Refused, strawberry.union("HooksResult", description="The hooks, or why they are as they were.")
]


@strawberry.type
class HookMutations:
    """Mutations of hooks."""

    @mutation("Replace the workspace's hooks, from the next event on. A refusal says every problem with its place.")
    async def apply_hooks(self, info: Info, input: Annotated[ApplyHooksInput, GIVEN]) -> HooksResult:
        """A file with a problem is not taken at all."""
        hooks, principal = info.context.services.hooks, info.context.principal
        if not input.text:
            await hooks.clear(principal)
            return HooksChanged(hooks=Hooks(shown=await hooks.show(principal)))
        return HooksChanged(hooks=Hooks(shown=await hooks.apply(principal, input.text, version=input.version)))

    @mutation("Let none of the workspace's hooks begin, or let them go on.")
    async def pause_hooks(self, info: Info, input: Annotated[PauseHooksInput, GIVEN]) -> HooksResult:
        """Twice is once."""
        hooks, principal = info.context.services.hooks, info.context.principal
        return HooksChanged(hooks=Hooks(shown=await hooks.pause(principal, paused=input.paused)))
