"""Fields that are read from the JSON of a session's log.

One reader per field serves both the resolvers and the fast path, so that the two cannot differ. What the broker says
about itself is trusted in its shape; what stands in an agent's frame comes from a proxy of any version, so readers of a
field that may not be null always have something to say.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import strawberry

from graphql_api.types.log.reading import Json, Read

TypeOf = Callable[[Json], "type[FromLog]"]


@strawberry.type
class FromLog:
    """A GraphQL object whose fields are read from `source`."""

    source: strawberry.Private[Json]


@dataclass(frozen=True, slots=True)
class Told:
    """How a field is read; found again in the metadata of its definition."""

    read: Read
    type_of: TypeOf | None = None
    """For a field of objects: the type of each."""


_KEY = "told"


def tell(description: str, read: Read, *, of: TypeOf | None = None) -> Any:
    """A field of a `FromLog` type; `of` says the type of the objects that `read` finds, of one or of a list."""
    return strawberry.field(
        resolver=_resolver(read, of), description=description, metadata={_KEY: Told(read=read, type_of=of)}
    )


def find_field(definition: Any) -> Told | None:
    """How a field of the schema is read, when it is read from the log."""
    metadata = getattr(definition, "metadata", None) or {}
    found: Told | None = metadata.get(_KEY)
    return found


def make(source: Json, of: TypeOf) -> Any:
    """The GraphQL object for one object of the log."""
    return of(source)(source=source)


def _resolver(read: Read, of: TypeOf | None) -> Callable[[Any], Any]:
    def plain(root: Any) -> Any:
        return read(root.source)

    def objects(root: Any) -> Any:
        assert of is not None
        found = read(root.source)
        if isinstance(found, list):
            return [make(each, of) for each in found]
        return None if found is None else make(found, of)

    return plain if of is None else objects
