"""A workspace: the tenant that everything belongs to."""

from __future__ import annotations

from dataclasses import dataclass

from broker.domain.ids import WorkspaceId
from broker.domain.plans import Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    """One workspace."""

    id: WorkspaceId
    name: str
    plan: Plan
