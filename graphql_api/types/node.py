"""What every thing with an id of its own has."""

from __future__ import annotations

import strawberry
from strawberry import ID

from graphql_api.node_ids import global_id
from graphql_api.types.fields import resolve


@strawberry.interface(description="Anything that can be asked for again by its id.")
class Node:
    """The id is made of the type's name and the key."""

    key: ID = strawberry.field(description="The id as it stands in URLs, the HTTP API and the log.")

    @resolve("Its id among all things of all types.")
    def id(self) -> ID:
        """The global id."""
        return global_id(type(self).__name__, self.key)
