"""Sessions."""

from __future__ import annotations

from typing import Self

import strawberry
from strawberry import ID

from broker.domain import sessions as domain
from broker.domain.events import Cursor
from graphql_api.context import ApiServices
from graphql_api.types.node import Node
from graphql_api.types.scalars import DateTime


@strawberry.type(description="A shared room of agents and people, with one log.")
class Session(Node):
    """One session."""

    known: strawberry.Private[domain.Session]
    name: str = strawberry.field(description="Its name, unique in the workspace.")
    url: str = strawberry.field(description="Where people see it.")
    created_at: DateTime = strawberry.field(description="When it was made.")
    head: Cursor = strawberry.field(description="The place of the newest event of its log.")
    searchable: bool = strawberry.field(description="Whether its log is kept where it can be searched.")
    searchable_to: Cursor | None = strawberry.field(description="Up to where its log can be searched.")

    @classmethod
    def of(cls, session: domain.Session, services: ApiServices) -> Self:
        """As the domain knows it."""
        return cls(
            known=session,
            key=ID(session.id),
            name=session.name,
            url=f"{services.public_url}/session/{session.id}",
            created_at=DateTime(session.created_at_ms),
            head=Cursor(session.epoch, session.offset),
            searchable=session.searchable is not None,
            searchable_to=None if session.searchable is None else Cursor(session.epoch, session.searchable),
        )
