"""Fields that are computed, described where they stand."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

import strawberry

from broker.domain.people.access import Permission
from graphql_api.context import Info

_Resolver = TypeVar("_Resolver", bound=Callable[..., Any])


def resolve(description: str) -> Callable[[_Resolver], _Resolver]:
    """Make a method a field of the schema. To the type checker it stays the method it is."""
    decorate: Callable[[_Resolver], _Resolver] = strawberry.field(description=description)
    return decorate


def follow(description: str, *, requires: Permission) -> Callable[[_Resolver], _Resolver]:
    """Make a method a subscription. It returns what is followed when the caller may, and raises when not."""
    decorate: Callable[[_Resolver], _Resolver] = strawberry.subscription(description=description)
    return lambda resolver: decorate(_check(resolver, requires))


def _check(resolver: Any, permission: Permission) -> Any:
    @functools.wraps(resolver)
    async def checked(self: object, info: Info, **arguments: Any) -> Any:
        info.context.principal.require(permission)
        return await resolver(self, info, **arguments)

    return checked
