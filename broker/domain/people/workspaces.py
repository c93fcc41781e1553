"""A workspace: the tenant that everything belongs to."""

from __future__ import annotations

import re
from dataclasses import dataclass

from broker.domain.errors import BadRequest
from broker.domain.ids import WorkspaceId
from broker.domain.plans.plans import Plan

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_RESERVED = frozenset({"processes"})
"""The store keeps something of the whole installation under this name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    """One workspace."""

    id: WorkspaceId
    name: str
    plan: Plan


def workspace_id(text: str) -> WorkspaceId:
    """Return `text` as a workspace's id; raise `BadRequest` (INVALID_NAME) when it cannot be one.

    It is a part of every key of the workspace and of what is published about it: a brace or a space would break both.
    """
    if not _ID.fullmatch(text) or text in _RESERVED:
        raise BadRequest(
            f"{text[:80]!r} cannot be a workspace: letters, digits, '_', '.', '-', 64 at most", code="INVALID_NAME"
        )
    return WorkspaceId(text)
