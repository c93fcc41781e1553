"""Views of the dashboard that a workspace shares."""

from __future__ import annotations

from typing import Self

import strawberry
from strawberry import ID

from broker.domain.views import views
from graphql_api.types.scalars import DateTime


@strawberry.type(description="What an address of the dashboard asks for, under a name.")
class SavedView:
    """One view of a page."""

    key: ID = strawberry.field(description="Page and name.")
    page: views.ViewPage = strawberry.field(description="The page that it is a view of.")
    name: str = strawberry.field(description="Its name, unique for its page.")
    address: str = strawberry.field(description="What follows the `?` of the page's address.")
    by: str = strawberry.field(description="Who saved it last.")
    at: DateTime = strawberry.field(description="When.")

    @classmethod
    def of(cls, view: views.View) -> Self:
        """As the domain knows it."""
        return cls(
            key=ID(f"{view.page}/{view.name}"),
            page=view.page,
            name=view.name,
            address=view.address,
            by=view.by,
            at=DateTime(view.at_ms),
        )
