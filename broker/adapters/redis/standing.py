"""What becomes of a caller whose token is known: whether what it hangs on is there, and what it may do by now."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Protocol
from weakref import WeakValueDictionary

from pydantic import TypeAdapter

from broker.domain.errors import NotAuthenticated
from broker.domain.ids import GroupId, MemberId, SessionId, WorkspaceId
from broker.domain.people.access import MemberRole, Principal
from broker.domain.people.access_changes import AccessChange
from broker.domain.people.privacy import Privacy, SessionAccess, resolve_levels
from broker.domain.people.single_sign_on import SSO_REQUIRED
from broker.domain.people.token_kinds import TokenKind
from broker.domain.people.workspaces import WorkspaceState
from broker.domain.plans.plans import Plan
from broker.domain.plans.request_rate import Payer
from broker.services.plans.metered import unpaid

GONE = {
    "agent": "the agent this token was made for is gone",
    "machine": "the token that this agent's machine was linked with has been revoked",
    "member": "you were signed out or removed: sign in again",
    "provider": "single sign-on of this workspace was changed: sign in again",
    "sso": "this workspace asks for single sign-on: sign in by it",
    "suspended": "an administrator of this workspace has suspended you, or whoever made this token",
    "token": "the token, or what it was made with, has been revoked",
}
_GONE_CODES = {"sso": SSO_REQUIRED, "suspended": "SUSPENDED"}
"""Of those that have one of their own."""
_AWAY = {
    WorkspaceState.ARCHIVED: ("WORKSPACE_ARCHIVED", "this workspace is archived: an owner of it can restore it"),
    WorkspaceState.DELETED: (
        "WORKSPACE_DELETED",
        "this workspace was deleted: an owner of it can restore it for a while",
    ),
    WorkspaceState.ENDING: ("WORKSPACE_DELETED", "this workspace was deleted, and can be restored no longer"),
}


_ACCESS: TypeAdapter[SessionAccess] = TypeAdapter(SessionAccess)
_STANDING = 9
"""What `lib/standing` answers, ahead of what is left of the requests."""


def read_session_access(text: str) -> SessionAccess:
    """To whom a private session is open, as it is kept."""
    return _ACCESS.validate_json(text)


class Runner(Protocol):
    """Runs scripts; see `scripts.Scripts`."""

    async def run(self, name: str, workspace: WorkspaceId, /, **arguments: str | int) -> Any:
        """Run one script in one workspace and return its answer."""


class Standing:
    """Reads callers in their workspaces."""

    def __init__(self, scripts: Runner) -> None:
        self._scripts = scripts
        self._missed: set[Callable[[AccessChange], None]] = set()
        self._privacy: WeakValueDictionary[WorkspaceId, Privacy] = WeakValueDictionary()
        """Of the workspaces that this process knows callers of."""

    async def read(self, principal: Principal, *, sha256: str | None = None, away: bool = False) -> Principal:
        """A principal as it is now; see `Tokens.present`. It pays for the request that is served, if one is.

        Raises `NotAuthenticated`, and `RateLimited` where it asks too fast.
        """
        request = unpaid()
        hangs_on_another = principal.family is not None or principal.proxy is not None
        answer = await self._scripts.run(
            "check_standing",
            principal.workspace,
            kind=principal.kind,
            id=principal.token_id,
            hash="" if hangs_on_another else sha256 or "",
            agent=principal.agent or "",
            generation="" if principal.generation is None else principal.generation,
            member=(principal.answerable if principal.kind is TokenKind.PERSONAL else principal.member) or "",
            family=principal.family or "",
            provider=principal.provider or "",
            per_s=request.rate.per_s if request else "",
            burst=request.rate.burst if request else "",
            account=(principal.service or principal.answerable or principal.proxy or "") if request else "",
            per_account=request.rate.per_account if request else "",
            per_workspace=request.rate.per_workspace if request else "",
        )
        present = await self.judge(principal, answer[:_STANDING], away=away)
        if request is not None:
            payer, wait_ms, left, whole_ms = answer[_STANDING:]
            request.pay(Payer(payer), wait_s=wait_ms / 1000, left=left, whole_s=whole_ms / 1000)
        return present

    async def judge(self, principal: Principal, answer: Sequence[str], *, away: bool = False) -> Principal:
        """The same, by what a script has answered (`lib/standing`). Raises `NotAuthenticated`."""
        gone, plan, slug, state, access, privacy, name, role, ends = answer
        if gone:
            details: dict[str, object] = {"workspace": slug} if gone == "sso" else {}
            raise NotAuthenticated(GONE[gone], code=_GONE_CODES.get(gone, "TOKEN_REVOKED"), details=details)
        if state != WorkspaceState.ACTIVE and not away:
            code, words = _AWAY[WorkspaceState(state)]
            raise NotAuthenticated(words, code=code)
        known = self._privacy.setdefault(principal.workspace, Privacy())
        if known.version != privacy:
            await self._read_privacy(principal.workspace, known)
        now: dict[str, Any] = {"access": int(access), "privacy": known}
        if plan:
            now |= {"plan": Plan(plan), "slug": slug}
        if ends:
            now["expires_at_ms"] = min(int(ends), principal.expires_at_ms or int(ends))
        if role:
            now |= {"name": name or principal.name, "role": MemberRole(role)}
        return replace(principal, **now)

    async def _read_privacy(self, workspace: WorkspaceId, known: Privacy) -> None:
        version, rows, groups = await self._scripts.run("read_privacy", workspace)
        members = {
            GroupId(group): frozenset(map(MemberId, found))
            for group, found in zip(groups[::2], groups[1::2], strict=True)
        }
        known.levels = {
            SessionId(session): resolve_levels(read_session_access(text), members)
            for session, text in zip(rows[::2], rows[1::2], strict=True)
        }
        known.version = version

    async def read_again(self, principal: Principal) -> Principal:
        """The same for a caller whose access has changed in the middle of an act. What this process holds for it is
        told, as it may have missed the word. Raises `NotAuthenticated`."""
        change = AccessChange(workspace=principal.workspace, tokens=frozenset({principal.token_id}))
        for tell in list(self._missed):
            tell(change)
        return await self.read(principal)

    def follow(self, tell: Callable[[AccessChange], None]) -> Callable[[], None]:
        """Be told of callers whose access was found to have changed. Returns how to stop."""
        self._missed.add(tell)
        return lambda: self._missed.discard(tell)
