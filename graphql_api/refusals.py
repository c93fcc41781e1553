"""Expected refusals as results of a mutation: typed, so that a program can tell them apart without reading texts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Self

import strawberry

from broker.domain import errors
from broker.domain.errors import RelayError
from broker.telemetry import count_refusal
from graphql_api.types.scalars import DateTime


@strawberry.interface(description="A mutation that was not carried out. Nothing was changed.")
class Refusal:
    """Why."""

    code: str = strawberry.field(description="A stable word for programs, such as `NAME_TAKEN`.")
    message: str = strawberry.field(description="For people: what is wrong and what to do next.")
    retryable: bool = strawberry.field(description="Whether the same can succeed later.")

    @classmethod
    def of(cls, error: RelayError) -> Self:
        """What the service said."""
        return cls(code=error.code, message=error.message, retryable=error.retryable)


@strawberry.type(description="The input is wrong.")
class InvalidInput(Refusal):
    """The input is wrong."""


@strawberry.type(description="The caller may not do this.")
class NotPermitted(Refusal):
    """The caller may not do this."""


@strawberry.type(description="There is no such thing in the caller's workspace.")
class NotFoundRefusal(Refusal):
    """There is no such thing."""


@strawberry.type(description="Things are not as they have to be: somebody was first, or what is needed is not there.")
class ConflictRefusal(Refusal):
    """Things are not as they have to be."""


@strawberry.type(description="The plan allows no more of something, or has it not: the code is `PLAN_LIMIT`.")
class QuotaExceeded(Refusal):
    """The plan's limit is reached."""

    what: str = strawberry.field(description="Of what, such as `agents`, `messages_per_day` or `hooks`.")
    limit: int | None = strawberry.field(description="What the plan allows; null when it has it not at all.")
    plan_with_more: str | None = strawberry.field(description="The plan that has more of it; null when none has.")
    link: str | None = strawberry.field(description="Where a person changes the plan; null when who runs it does.")
    resets_at: DateTime | None = strawberry.field(description="When there is room again; null when not by itself.")

    @classmethod
    def of(cls, error: RelayError) -> Self:
        """With the figures of the plan."""
        about = error.details
        limit, resets_at_ms = about.get("limit"), about.get("resets_at_ms")
        return cls(
            code=error.code,
            message=error.message,
            retryable=error.retryable,
            what=str(about.get("what", "")),
            limit=limit if isinstance(limit, int) else None,
            plan_with_more=_text(about.get("plan_with_more")),
            link=_text(about.get("link")),
            resets_at=DateTime(resets_at_ms) if isinstance(resets_at_ms, int) else None,
        )


@strawberry.type(description="Not now: the same can succeed in a moment.")
class TryLater(Refusal):
    """Not now."""

    retry_after_seconds: float = strawberry.field(description="How long to wait at least.")

    @classmethod
    def of(cls, error: RelayError) -> Self:
        """With how long to wait."""
        return cls(
            code=error.code, message=error.message, retryable=True, retry_after_seconds=error.retry_after_s or 1.0
        )


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


Refused = InvalidInput | NotPermitted | NotFoundRefusal | ConflictRefusal | QuotaExceeded | TryLater

_count_refusal: dict[type[RelayError], Callable[[RelayError], Refused]] = {
    errors.BadRequest: InvalidInput.of,
    errors.NotPermitted: NotPermitted.of,
    errors.NotFound: NotFoundRefusal.of,
    errors.Conflict: ConflictRefusal.of,
    errors.NoPlacement: ConflictRefusal.of,
    errors.SpawnFailed: ConflictRefusal.of,
    errors.NotConfigured: ConflictRefusal.of,
    errors.OutboundRefused: ConflictRefusal.of,
    errors.OutboundFailed: ConflictRefusal.of,
    errors.IdentityProviderFailed: ConflictRefusal.of,
    errors.PlanLimitReached: QuotaExceeded.of,
    errors.Unavailable: TryLater.of,
}


def refusal(error: RelayError) -> Refused:
    """The typed refusal for an error of a service; one that is no answer to a mutation is raised again."""
    for kind, make in _count_refusal.items():
        if isinstance(error, kind):
            count_refusal(error)
            return make(error)
    raise error
