"""What all mutations share: one input, an id for safe retries, refusals as results."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Any, ParamSpec, TypeVar

import strawberry

from broker.domain.errors import BadRequest, RelayError
from broker.services.requests import Outcome, check_key
from graphql_api.context import Info
from graphql_api.refusals import Refused, refusal
from graphql_api.types.fields import resolve

_Given = ParamSpec("_Given")
_Result = TypeVar("_Result")
_SHORT = 200

RETRY_ID = (
    "An id of the caller's own choice, 1 to 200 characters. The same mutation with the same id is carried out once,"
    " and answers the same when it comes again within a day."
)
GIVEN = strawberry.argument(description="What is wanted.")


@strawberry.input
class Repeatable:
    """Members that every input has."""

    client_mutation_id: str | None = strawberry.field(default=None, description=RETRY_ID)

    @property
    def retry_id(self) -> str | None:
        """Checked. Raises `BadRequest`."""
        return None if self.client_mutation_id is None else check_key(self.client_mutation_id)


def mutation(
    description: str,
) -> Callable[[Callable[_Given, Awaitable[_Result]]], Callable[_Given, Awaitable[_Result | Refused]]]:
    """Make a method a mutation, whose expected errors are results."""

    def decorate(resolver: Callable[_Given, Awaitable[_Result]]) -> Callable[_Given, Awaitable[_Result | Refused]]:
        @functools.wraps(resolver)
        async def refusing(*args: _Given.args, **kwargs: _Given.kwargs) -> _Result | Refused:
            try:
                return await resolver(*args, **kwargs)
            except RelayError as error:
                return refusal(error)

        return resolve(description)(refusing)

    return decorate


async def once(info: Info, given: Repeatable, act: Callable[[], Awaitable[str]]) -> Outcome:
    """Carry a mutation out, or tell what it came to when it was carried out before."""
    wanted: dict[str, Any] = {**asdict(given), "client_mutation_id": None}
    return await info.context.services.requests.once(
        info.context.principal,
        given.client_mutation_id,
        about=(type(given).__name__, *sorted(wanted.items())),
        act=act,
    )


def short(name: str, text: str, *, most: int = _SHORT) -> str:
    """A text that is neither empty nor long. Raises `BadRequest`."""
    if not 1 <= len(text) <= most:
        raise BadRequest(f"{name}: 1 to {most} characters")
    return text


def short_or_none(name: str, text: str | None, *, most: int = _SHORT) -> str | None:
    """The same, where it may be left out."""
    return None if text is None else short(name, text, most=most)
