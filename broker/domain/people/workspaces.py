"""A workspace: the tenant that everything belongs to. Its names, its states, and who may make one."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum

from broker.domain.errors import BadRequest
from broker.domain.ids import WorkspaceId
from broker.domain.names import looks_like_id, printable_name
from broker.domain.plans.plans import Plan

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_RESERVED = frozenset({"processes", "installation"})
ACCOUNT_TAG = "account."
"""The store keeps something of the whole installation under these names, and of each person behind this beginning."""

LONGEST_SLUG = 40
_SLUG = re.compile(rf"[a-z0-9](?:[a-z0-9-]{{0,{LONGEST_SLUG - 2}}}[a-z0-9])?")
_APART = re.compile(r"[^a-z0-9]+")
_NAMELESS = "workspace"
_LONGEST_SUGGESTION = 30
"""There is room behind it for what tells it from others."""

RESTORABLE_MS = 30 * 24 * 3600 * 1000
"""A workspace that was deleted can be restored for so long."""
HURRIED_MS = 15 * 60 * 1000
"""One that is to go at once: what was being written when it was deleted has arrived by then."""
MAX_FORMER = 5
"""Slugs that a workspace had before and that still lead to it."""


class WorkspaceState(StrEnum):
    """What becomes of a workspace. Only in the first one may anybody act or look."""

    ACTIVE = "active"
    ARCHIVED = "archived"
    """Put away by an owner, for as long as they like."""
    DELETED = "deleted"
    """Can be restored until it ends."""
    ENDING = "ending"
    """Its data is being removed; nothing leads back."""


class SignUp(StrEnum):
    """Who may make a workspace, beside who runs the installation."""

    CLOSED = "closed"
    INVITED = "invited"
    """Whoever is a person in some workspace already."""
    OPEN = "open"
    """Anybody who reaches the broker."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    """One workspace."""

    id: WorkspaceId
    name: str
    plan: Plan
    slug: str = ""
    """What addresses call it; unique in the installation. Empty for a moment, while it is made."""
    former: tuple[str, ...] = ()
    """Slugs it had before, the latest first."""
    state: WorkspaceState = WorkspaceState.ACTIVE
    created_at_ms: int = 0
    """0: an earlier version made it, which did not write that down."""
    since_ms: int = 0
    """When it came into its state; 0 for one that never left the first."""
    ends_at_ms: int | None = None
    """When its data is removed, for one that was deleted."""


def workspace_id(text: str) -> WorkspaceId:
    """Return `text` as a workspace's id; raise `BadRequest` (INVALID_NAME) when it cannot be one.

    It is a part of every key of the workspace and of what is published about it: a brace or a space would break both.
    """
    if not _ID.fullmatch(text) or text in _RESERVED or text.startswith(ACCOUNT_TAG):
        raise BadRequest(
            f"{text[:80]!r} cannot be a workspace: letters, digits, '_', '.', '-', 64 at most", code="INVALID_NAME"
        )
    return WorkspaceId(text)


def workspace_name(text: str) -> str:
    """Return `text` trimmed when it is a name for a workspace; raise `BadRequest` (INVALID_NAME) otherwise."""
    return printable_name(text, "a workspace's name")


def check_slug(text: str) -> str:
    """Return `text` when it can be a slug; raise `BadRequest` (INVALID_NAME) otherwise.

    None looks like an id: a request may name its workspace by either.
    """
    if not _SLUG.fullmatch(text) or looks_like_id(text):
        raise BadRequest(
            f"{text[:80]!r} cannot be a workspace's address: a-z, 0-9 and '-' between them, {LONGEST_SLUG} at most,"
            " unlike an id",
            code="INVALID_NAME",
        )
    return text


def slug_of(name: str) -> str:
    """The slug that a name suggests."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    slug = _APART.sub("-", plain).strip("-")[:_LONGEST_SUGGESTION].strip("-")
    return slug if slug and not looks_like_id(slug) else _NAMELESS
