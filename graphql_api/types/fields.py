"""Fields that are computed, described where they stand."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

import strawberry

from broker.domain.people.access import Permission, Principal
from graphql_api.context import Info

_Resolver = TypeVar("_Resolver", bound=Callable[..., Any])


def resolve(description: str) -> Callable[[_Resolver], _Resolver]:
    """Make a method a field of the schema. To the type checker it stays the method it is."""
    decorate: Callable[[_Resolver], _Resolver] = strawberry.field(description=description)
    return decorate


def follow(description: str, *, requires: Permission | Callable[[Principal], None]) -> Callable[[_Resolver], _Resolver]:
    """Make a method a subscription. It returns what is followed when the caller may, and raises when not.

    `requires`: a permission, or what raises unless the caller has one of several.
    """
    decorate: Callable[[_Resolver], _Resolver] = strawberry.subscription(description=description)
    return lambda resolver: decorate(_check(resolver, requires))


def _check(resolver: Any, requires: Permission | Callable[[Principal], None]) -> Any:
    @functools.wraps(resolver)
    async def checked(self: object, info: Info, **arguments: Any) -> Any:
        if isinstance(requires, Permission):
            info.context.principal.require(requires)
        else:
            requires(info.context.principal)
        return await resolver(self, info, **arguments)

    return checked
