"""Relay connections over lists, with cursors that stay good while the list changes.

A cursor is the place of an item in the list's order, not its number: what is added or removed elsewhere moves nothing.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Annotated, Generic, Self, TypeVar

import orjson
import strawberry

from broker.domain.errors import BadRequest

MAX_FIRST = 100
_Item = TypeVar("_Item")
_Shown = TypeVar("_Shown")

First = Annotated[int, strawberry.argument(description=f"How many at most, from 1 to {MAX_FIRST}.")]
After = Annotated[
    str | None, strawberry.argument(description="Go on behind this place, an `endCursor`; null begins with the first.")
]


@strawberry.type(description="Where a page stands in its list.")
class PageInfo:
    """Of one page."""

    has_next_page: bool = strawberry.field(description="Whether there is more behind this page.")
    has_previous_page: bool = strawberry.field(description="Whether there is more ahead of this page.")
    start_cursor: str | None = strawberry.field(description="The place of the page's first item; null without any.")
    end_cursor: str | None = strawberry.field(description="The place of the page's last item; null without any.")


@strawberry.type(description="An item of a list and its place.")
class Edge(Generic[_Shown]):
    """One item."""

    cursor: str = strawberry.field(description="The item's place.")
    node: _Shown = strawberry.field(description="The item.")


@strawberry.type(description="A page of a list.")
class Connection(Generic[_Shown]):
    """One page."""

    edges: list[Edge[_Shown]] = strawberry.field(description="The items with their places.")
    nodes: list[_Shown] = strawberry.field(description="The items.")
    page_info: PageInfo = strawberry.field(description="Where the page stands.")
    total_count: int | None = strawberry.field(description="How many there are in all; null where counting is dear.")

    @classmethod
    def of(
        cls, edges: list[Edge[_Shown]], *, more: bool, earlier: bool = False, total: int | None = None
    ) -> Connection[_Shown]:
        """The page of these items."""
        return Connection(
            edges=edges,
            nodes=[edge.node for edge in edges],
            page_info=PageInfo(
                has_next_page=more,
                has_previous_page=earlier,
                start_cursor=edges[0].cursor if edges else None,
                end_cursor=edges[-1].cursor if edges else None,
            ),
            total_count=total,
        )


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A place in an order: by rank, and by key where ranks are equal. Smaller ranks come first."""

    rank: int
    key: str

    def __str__(self) -> str:
        return base64.urlsafe_b64encode(orjson.dumps([self.rank, self.key])).decode()

    @classmethod
    def read(cls, text: str) -> Self:
        """A place from a cursor. Raises `BadRequest` (INVALID_CURSOR)."""
        try:
            match orjson.loads(base64.urlsafe_b64decode(text)):
                case [int(rank), str(key)]:
                    return cls(rank, key)
        except (binascii.Error, ValueError):
            pass
        raise BadRequest(f"{text[:80]!r} is not a cursor of this list: take one from pageInfo", code="INVALID_CURSOR")


def page_of(
    items: Iterable[_Item],
    show: Callable[[_Item], _Shown],
    *,
    place: Callable[[_Item], Place],
    first: int,
    after: str | None,
) -> Connection[_Shown]:
    """A page of a whole list, in the order of its places. Raises `BadRequest`."""
    behind = None if after is None else Place.read(after)
    ordered = sorted(((place(item), item) for item in items), key=lambda each: each[0])
    rest = [each for each in ordered if behind is None or each[0] > behind]
    shown = rest[: check_first(first)]
    return Connection.of(
        [Edge(cursor=str(at), node=show(item)) for at, item in shown],
        more=len(rest) > len(shown),
        earlier=len(rest) < len(ordered),
        total=len(ordered),
    )


def check_first(first: int) -> int:
    """`first`, when it is a size a page may have. Raises `BadRequest`."""
    return within("first", first, least=1, most=MAX_FIRST)


def within(name: str, number: int, *, least: int, most: int) -> int:
    """An argument, when it is in its range. Raises `BadRequest`."""
    if not least <= number <= most:
        raise BadRequest(f"{name}: a whole number from {least} to {most}")
    return number
