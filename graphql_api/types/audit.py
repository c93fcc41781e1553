"""Records of the audit trail: who did what, when and from where."""

from __future__ import annotations

from typing import Self

import strawberry
from strawberry import ID

from broker.domain.audit.records import AuditRecord as Record
from broker.domain.audit.records import Caller
from graphql_api.types.scalars import DateTime


@strawberry.type(description="Who did it. Ids stay when the person or token is gone; names do not.")
class AuditCaller:
    """Of one record."""

    kind: str = strawberry.field(
        description="A kind of token; `installation` for who runs the broker, `broker` for itself."
    )
    name: str | None = strawberry.field(description="Of the member, else of the token, where it is still there.")
    token_key: ID | None = strawberry.field(description="The key of the token or sign-in; null for the broker itself.")
    member_key: ID | None = strawberry.field(description="The member who acted or stands behind what acted.")
    agent_key: ID | None = strawberry.field(description="The agent that acted.")
    service_key: ID | None = strawberry.field(description="The service account that acted.")
    address: str | None = strawberry.field(description="Where the request came from; null for the broker itself.")
    request: str | None = strawberry.field(description="The id of the request, as the logs of the broker have it.")

    @classmethod
    def of(cls, by: Caller, name: str | None) -> Self:
        """As it was recorded, with the name of now."""
        return cls(
            kind=by.kind,
            name=name,
            token_key=_id(by.token),
            member_key=_id(by.member),
            agent_key=_id(by.agent),
            service_key=_id(by.service),
            address=by.address,
            request=by.request,
        )


@strawberry.type(description="An act that changed something, or one that was refused for lack of permission.")
class AuditRecord:
    """One record."""

    number: int = strawberry.field(description="Records of a workspace are numbered from 1, without holes.")
    at: DateTime = strawberry.field(description="When.")
    act: str = strawberry.field(description="What was done: `member.role_changed`.")
    on: str | None = strawberry.field(description="What it was done to: `member <key>`.")
    before: str | None = strawberry.field(description="What was there before; null where that says nothing.")
    after: str | None = strawberry.field(description="What is there since; null where that says nothing.")
    by: AuditCaller = strawberry.field(description="Who did it.")

    @classmethod
    def of(cls, record: Record, name: str | None) -> Self:
        """As it was recorded."""
        return cls(
            number=record.number,
            at=DateTime(record.at_ms),
            act=record.act,
            on=record.on,
            before=record.before,
            after=record.after,
            by=AuditCaller.of(record.by, name),
        )


def _id(text: str | None) -> ID | None:
    return None if text is None else ID(text)
