"""Fields that are computed, described where they stand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import strawberry

_Resolver = TypeVar("_Resolver", bound=Callable[..., Any])


def resolved(description: str) -> Callable[[_Resolver], _Resolver]:
    """Make a method a field of the schema. To the type checker it stays the method it is."""
    decorate: Callable[[_Resolver], _Resolver] = strawberry.field(description=description)
    return decorate


def followed(description: str) -> Callable[[_Resolver], _Resolver]:
    """Make a method a subscription. It returns what is followed when the caller may, and raises when not."""
    decorate: Callable[[_Resolver], _Resolver] = strawberry.subscription(description=description)
    return decorate
