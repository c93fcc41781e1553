"""Codes that link a machine."""

from __future__ import annotations

from typing import Self

import strawberry
from strawberry import ID

from broker.domain.people.enrolment import OpenCode
from graphql_api.types.scalars import DateTime


@strawberry.type(description="A code that links one machine, once. The code itself was shown when it was made.")
class MachineCode:
    """One that may still be used."""

    key: ID = strawberry.field(description="Its key.")
    name: str = strawberry.field(description="Who links with it, as lists of tokens and the audit trail have it.")
    expires_at: DateTime = strawberry.field(description="When it ends by itself.")

    @classmethod
    def of(cls, code: OpenCode) -> Self:
        """As the list has it."""
        return cls(key=ID(code.id), name=code.name, expires_at=DateTime(code.expires_at_ms))
