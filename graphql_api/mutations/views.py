"""Saving and removing views of the dashboard."""

from __future__ import annotations

from typing import Annotated

import strawberry

from broker.domain.views.views import ViewPage
from graphql_api.context import Info
from graphql_api.mutations.fields import GIVEN, Repeatable, mutation
from graphql_api.refusals import Refused
from graphql_api.types.views import SavedView


@strawberry.input(description="A view to be kept, in place of one of that name.")
class SaveViewInput(Repeatable):
    """A view to be kept."""

    page: ViewPage = strawberry.field(description="The page that it is a view of.")
    name: str = strawberry.field(description="1 to 60 printable characters.")
    address: str = strawberry.field(description="What follows the `?` of the page's address, 2000 characters at most.")


@strawberry.input(description="A view to be forgotten.")
class RemoveViewInput(Repeatable):
    """A view to be forgotten."""

    page: ViewPage = strawberry.field(description="The page that it is a view of.")
    name: str = strawberry.field(description="Its name.")


@strawberry.type(description="The views of a page have changed, or were so already.")
class ViewsChanged:
    """The views of a page."""

    views: list[SavedView] = strawberry.field(description="All there are now, by name.")


ViewsResult = Annotated[
    ViewsChanged | Refused, strawberry.union("ViewsResult", description="The views, or why they are as they were.")
]


@strawberry.type
class ViewMutations:
    """Mutations of views."""

    @mutation("Keep a view of a page for everybody in the workspace.")
    async def save_view(self, info: Info, input: Annotated[SaveViewInput, GIVEN]) -> ViewsResult:
        """Twice is once."""
        views, principal = info.context.services.views, info.context.principal
        found = await views.save(principal, page=input.page, name=input.name, address=input.address)
        return ViewsChanged(views=[SavedView.of(each) for each in found])

    @mutation("Forget a view of a page.")
    async def remove_view(self, info: Info, input: Annotated[RemoveViewInput, GIVEN]) -> ViewsResult:
        """Twice is once."""
        views, principal = info.context.services.views, info.context.principal
        found = await views.remove(principal, page=input.page, name=input.name)
        return ViewsChanged(views=[SavedView.of(each) for each in found])
