"""A view: what an address of the dashboard asks for, under a name that everybody in the workspace sees."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from broker.domain.errors import BadRequest

MAX_VIEWS = 100
"""Of one page in one workspace."""
LONGEST_NAME = 60
LONGEST_ADDRESS = 2000


class ViewPage(StrEnum):
    """A page that has views."""

    HOME = "home"


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """One view of a page."""

    page: ViewPage
    name: str
    address: str
    """What follows the `?` of the page's address. Only the page understands it."""
    by: str
    """Who saved it last."""
    at_ms: int


def view_name(text: str) -> str:
    """Return `text` without the space around it; raise `BadRequest` when no view can be called so."""
    name = text.strip()
    if not 1 <= len(name) <= LONGEST_NAME or not name.isprintable():
        raise BadRequest(f"the name of a view: 1 to {LONGEST_NAME} printable characters", code="INVALID_NAME")
    return name


def view_address(text: str) -> str:
    """Return `text` when it can be the address of a view; raise `BadRequest` otherwise."""
    if len(text) > LONGEST_ADDRESS or not text.isprintable():
        raise BadRequest(f"the address of a view: at most {LONGEST_ADDRESS} printable characters")
    return text
