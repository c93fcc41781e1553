"""Pages of people and groups: in the order they came, or by name where a part of the name is looked for."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from broker.domain.errors import BadRequest

MAX_PEOPLE_PAGE = 100
"""Of one page."""
LONGEST_SEARCH = 100
_Item = TypeVar("_Item")
_Id = TypeVar("_Id", bound=str)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[_Item]):
    """Some of a list."""

    found: tuple[_Item, ...]
    places: tuple[str, ...]
    """Of each of them: where a page behind it goes on."""
    next: str | None
    """Where the next page goes on; None behind the last."""
    total: int
    """How many there are in all, of those that were looked for."""


def find_by_name(
    names: Mapping[str, _Id], search: str, *, among: frozenset[str] | None = None
) -> list[tuple[str, _Id]]:
    """Those whose name, the key of `names` in lower case, has a part, by name. `among`: only those."""
    part = search.casefold()
    return sorted((name, key) for name, key in names.items() if part in name and (among is None or key in among))


def cut_page(found: Sequence[tuple[str, _Id]], *, after: str | None, limit: int) -> Sequence[tuple[str, _Id]]:
    """What is sorted by name, from behind a place: one more than the page has where there is more."""
    begins = bisect_right(found, after, key=lambda each: each[0]) if after is not None else 0
    return found[begins : begins + limit + 1]


def page_of(listed: Sequence[tuple[str, _Id]], known: Mapping[_Id, _Item], *, limit: int, total: int) -> Page[_Item]:
    """The page of what is listed with places, one more than it has where there is more; `known`: those still there."""
    shown = [(place, known[key]) for place, key in listed[:limit] if key in known]
    return Page(
        found=tuple(item for _, item in shown),
        places=tuple(place for place, _ in shown),
        next=listed[limit - 1][0] if len(listed) > limit else None,
        total=total,
    )


def check_search(text: str | None) -> str:
    """What is looked for, in one spelling. Raises `BadRequest`."""
    search = " ".join((text or "").split())
    if len(search) > LONGEST_SEARCH:
        raise BadRequest(f"a search has {LONGEST_SEARCH} characters at most")
    return search


def read_place(cursor: str) -> int:
    """A place in the order in which people came. Raises `BadRequest` (INVALID_CURSOR)."""
    if not cursor.isascii() or not cursor.isdigit() or len(cursor) > 16:
        raise BadRequest(f"{cursor[:80]!r} is no `next` of this list", code="INVALID_CURSOR")
    return int(cursor)
