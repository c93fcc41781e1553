"""Who runs the installation. They see how each workspace does, and nothing of what is in it."""

from __future__ import annotations

from dataclasses import dataclass

from broker.domain.ids import WorkspaceId
from broker.domain.people.workspaces import Workspace

ADMINISTRATOR_PREFIX = "ik_live_"
"""Of keys of the installation; the form is that of all tokens, so that whatever masks those masks them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Administrator:
    """The bearer of a key of the installation: not a caller in any workspace."""

    id: str
    """Of the data folder that the key lies in."""
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How many of each a workspace has."""

    members: int
    tokens: int
    sessions: int
    machines: int
    machines_online: int
    agents: int
    """That live."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """How much a workspace has, never what."""

    counts: Counts
    messages_waiting: int
    events_unshipped: int
    log_events: int | None
    """In the log store; None when it does not say."""
    log_bytes: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkspaceReport:
    """What who runs the installation sees of a workspace."""

    workspace: Workspace
    sizes: Sizes
    problems: tuple[str, ...]
    """What somebody should do something about, a sentence each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkspacePage:
    """Some of them, in the order of their ids."""

    reports: tuple[WorkspaceReport, ...]
    next: WorkspaceId | None
    """Behind which the next page begins; None at the end."""
