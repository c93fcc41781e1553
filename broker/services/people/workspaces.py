"""Making workspaces, and what owners do with their own."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field

from broker.domain.errors import NotAuthenticated, NotPermitted
from broker.domain.ids import WorkspaceId
from broker.domain.people.access import Credential, Permission, Principal
from broker.domain.people.token_kinds import TokenKind
from broker.domain.people.workspaces import (
    RESTORABLE_MS,
    SignUp,
    Workspace,
    WorkspaceState,
    check_slug,
    workspace_name,
)
from broker.domain.plans.plans import Plan
from broker.services.people.access import Access, new_token
from broker.services.people.attempts import count_in_hour
from broker.services.people.members import Members
from broker.services.people.sign_in import OneTimeCode, SignIn
from broker.services.permissions import check_within, open_to_all, requires
from broker.services.ports import SignInCodes, WorkspaceRecords

_MOST_MADE = 5
"""By one address in an hour, and by one person."""
_MOST_OF_ALL = 200
_SIGN_UP_PLAN = Plan.FREE
"""Of what people make for themselves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewWorkspace:
    """What whoever made one is told, this once."""

    workspace: Workspace
    key: str = field(repr=False)
    """Its first key."""
    code: OneTimeCode | None = field(repr=False)
    """Lets its first owner sign in, where it was made with one."""


class Workspaces:
    """Everything about workspaces that is decided by who may do it."""

    def __init__(
        self,
        records: WorkspaceRecords,
        access: Access,
        *,
        members: Members,
        sign_in: SignIn,
        attempts: SignInCodes,
        sign_up: SignUp = SignUp.CLOSED,
    ) -> None:
        self._records = records
        self._access = access
        self._members = members
        self._sign_in = sign_in
        self._attempts = attempts
        self._sign_up = sign_up

    async def sign_up(
        self, principal: Principal | None, *, name: str, slug: str | None, owner: str | None, address: str
    ) -> NewWorkspace:
        """Make one for oneself, as the operator allows it; `owner`: the name of its first owner.

        Raises `NotPermitted` (SIGN_UP_CLOSED), `NotAuthenticated`, `RateLimited`, `BadRequest`, `Conflict`.
        """
        self.require_sign_up(principal)
        await self._count(address)
        if principal is not None and principal.member is not None:
            await self._count(f"{principal.workspace} {principal.member}")
        first = owner or (principal.name if principal is not None and principal.member is not None else None)
        return await self.create(name=name, slug=slug, plan=_SIGN_UP_PLAN, owner=first)

    async def create(self, *, name: str, slug: str | None, plan: Plan, owner: str | None) -> NewWorkspace:
        """Make one. For callers that were checked already. Raises `BadRequest`, `Conflict` (SLUG_TAKEN)."""
        workspace, key = WorkspaceId(secrets.token_hex(8)), new_token(TokenKind.WORKSPACE)
        await self._access.adopt_workspace(
            key,
            workspace=workspace,
            name=workspace_name(name),
            plan=plan,
            slug=None if slug is None else check_slug(slug),
        )
        code = None
        if owner is not None:
            code = await self._sign_in.issue(workspace, await self._members.ensure_owner(workspace, owner))
        return NewWorkspace(workspace=await self._present(workspace), key=key, code=code)

    async def mine(self, shown: Credential) -> list[Workspace]:
        """Those that the caller is in: a token in one, a person in any number. Raises `NotAuthenticated`."""
        who = await self._access.find_sign_in(shown) if shown.token else None
        if who is not None and shown.workspace is None:
            return await self._access.accounts.workspaces(who)
        return [await self._access.workspace(await self._access.authenticate(shown))]

    @open_to_all("everybody may know where they are")
    async def of(self, principal: Principal) -> list[Workspace]:
        """Those a caller is in: a person by a sign-in of theirs in any number, everybody else in one.

        A token that was exchanged for a sign-in is for one workspace, and tells of no other.
        """
        if principal.account is None or principal.family is not None:
            return [await self._access.workspace(principal)]
        return await self._access.accounts.workspaces(await self._access.accounts.require_signed_in(principal))

    @requires(Permission.ADMINISTER)
    async def rename(self, principal: Principal, *, name: str | None, slug: str | None) -> Workspace:
        """Give the caller's another name or address. Raises `NotPermitted`, `BadRequest`, `Conflict`."""
        await self._records.rename(
            principal.workspace,
            name=None if name is None else workspace_name(name),
            slug=None if slug is None else check_slug(slug),
        )
        return await self._present(principal.workspace)

    @check_within("owners alone: `_move`")
    async def archive(self, principal: Principal) -> Workspace:
        """Put the caller's away: nobody acts or looks there until an owner restores it. Raises `NotPermitted`."""
        return await self._move(principal, WorkspaceState.ARCHIVED)

    @check_within("owners alone: `_move`")
    async def restore(self, principal: Principal) -> Workspace:
        """Bring back what was archived or deleted. Raises `NotPermitted`, `Conflict` (WORKSPACE_ENDING)."""
        return await self._move(principal, WorkspaceState.ACTIVE)

    @check_within("owners alone: `_move`")
    async def delete(self, principal: Principal) -> Workspace:
        """Delete the caller's: it can be restored for 30 days. Raises `NotPermitted`."""
        return await self._move(principal, WorkspaceState.DELETED, life_ms=RESTORABLE_MS)

    async def _move(self, principal: Principal, state: WorkspaceState, *, life_ms: int | None = None) -> Workspace:
        if not principal.owns:
            raise NotPermitted("only an owner archives, deletes or restores a workspace")
        await self._records.move(principal.workspace, state, life_ms=life_ms)
        return await self._present(principal.workspace)

    async def _present(self, workspace: WorkspaceId) -> Workspace:
        found = await self._records.get(workspace)
        assert found is not None
        return found

    def require_sign_up(self, principal: Principal | None) -> None:
        """Whether the caller may make one at all. Raises `NotPermitted` (SIGN_UP_CLOSED), `NotAuthenticated`."""
        if self._sign_up is SignUp.CLOSED:
            raise NotPermitted(
                "workspaces are made by who runs this broker: `relaycast workspace create`", code=_CLOSED
            )
        if self._sign_up is SignUp.INVITED and principal is None:
            raise NotAuthenticated("a workspace is made by a person who is signed in")
        if principal is not None and principal.member is None:
            raise NotPermitted("a workspace is made by a person who is signed in, not with a token", code=_CLOSED)

    async def _count(self, who: str) -> None:
        for counted, most in ((f"workspaces {who}", _MOST_MADE), ("workspaces", _MOST_OF_ALL)):
            await count_in_hour(
                self._attempts, counted, most=most, policy="workspaces", what="too many workspaces were made lately"
            )


_CLOSED = "SIGN_UP_CLOSED"
