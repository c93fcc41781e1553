"""How long logs are kept, what is masked in them, and making again what an archive holds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from broker.domain.agents.agents import Agent
from broker.domain.agents.sessions import Session
from broker.domain.ids import SessionId, WorkspaceId
from broker.domain.plans.retention import Dated, Retention


class RetentionState(Protocol):
    """How long a workspace's log is kept, what of that was carried out, and what is to be forgotten."""

    async def retention(self, workspace: WorkspaceId) -> Retention:
        """By plan and by the workspace's own wish."""

    async def set_own_days(self, workspace: WorkspaceId, days: int | None) -> None:
        """The workspace's own wish; None for the plan's days."""

    async def read_dated(self, workspace: WorkspaceId) -> Dated | None:
        """What the log store's rows were last dated by."""

    async def now_ms(self, workspace: WorkspaceId) -> int:
        """The clock by which all this is dated; no host's own is compared with it."""

    async def set_dated(self, workspace: WorkspaceId, *, days: int, kept_until_ms: int, sure: bool) -> None:
        """Remember it."""

    async def expire_tail(self, workspace: WorkspaceId, session: SessionId, *, days: int) -> None:
        """Let go of events that are too old and in the log store."""

    async def remove_session(self, workspace: WorkspaceId, session: SessionId) -> None:
        """End a session and remember to sweep after it. Raises `NotFound`, `Conflict` (SESSION_HAS_AGENTS)."""

    async def sweep(self, workspace: WorkspaceId, session: SessionId) -> None:
        """Delete whatever is left of a session that was removed."""

    async def list_removed(self, workspace: WorkspaceId) -> dict[SessionId, int]:
        """Sessions that were removed, with the time in ms, until they are known to be swept."""

    async def forget_removed(self, workspace: WorkspaceId, session: SessionId) -> None:
        """Nothing of it can turn up any more."""

    async def clear_log(self, workspace: WorkspaceId, session: SessionId) -> None:
        """Forget a session's events; it goes on."""


class Restoring(Protocol):
    """Makes again what an archive holds."""

    async def restore_session(self, workspace: WorkspaceId, session: Session, agents: Sequence[Agent]) -> None:
        """A session with its numbers and its ended agents; nothing when it is here."""


class RedactionRules(Protocol):
    """What a workspace masks beside the known forms of secrets."""

    async def redaction_rules(self, workspace: WorkspaceId) -> list[tuple[str, str]]:
        """Names and expressions, in order."""

    async def set_redaction_rules(self, workspace: WorkspaceId, rules: Sequence[tuple[str, str]]) -> None:
        """Replace them."""
