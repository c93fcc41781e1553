"""Inviting people by link: who may, what whoever has the link sees, and how they come in."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from broker.domain.errors import BadRequest, Conflict
from broker.domain.ids import AccountId, InvitationId, MemberId, WorkspaceId
from broker.domain.people.access import MemberRole, Permission, Principal
from broker.domain.people.invitations import (
    INVITATION_DAYS,
    Invitation,
    InvitationLink,
    OpenInvitation,
    Preset,
    invitation_life_ms,
    no_invitation,
)
from broker.domain.people.members import Member, PendingSignIn, member_name
from broker.domain.people.privacy import Group
from broker.domain.people.token_kinds import INVITATION_PREFIX
from broker.domain.people.workspaces import Workspace, WorkspaceState
from broker.services.people.access import token_hash
from broker.services.people.accounts import SignedIn
from broker.services.people.attempts import Attempts
from broker.services.people.groups import Groups
from broker.services.people.sign_in import SignIn
from broker.services.permissions import requires
from broker.services.ports import (
    AccountRecords,
    GroupRecords,
    InvitationRecords,
    MemberRecords,
    SignInCodes,
    WorkspaceRecords,
)

_SECRET_BYTES = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownInvitation:
    """An open invitation in words for people. Groups that are gone by now are left out."""

    invitation: Invitation
    groups: tuple[Group, ...]
    made_by: str | None
    """A member's name; None where a token made it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What somebody who was invited sees before they accept."""

    workspace: Workspace
    shown: ShownInvitation


class Invitations:
    """Keeps a workspace's invitations, and lets people in by them."""

    def __init__(
        self,
        records: InvitationRecords,
        *,
        members: MemberRecords,
        groups: GroupRecords,
        workspaces: WorkspaceRecords,
        accounts: AccountRecords,
        sign_in: SignIn,
        failures: SignInCodes,
    ) -> None:
        self._records = records
        self._members = members
        self._group_records = groups
        self._groups = Groups(groups, members)
        self._workspaces = workspaces
        self._accounts = accounts
        self._sign_in = sign_in
        self._attempts = Attempts(failures)

    @requires(Permission.ADMINISTER)
    async def invite(
        self,
        principal: Principal,
        *,
        role: MemberRole,
        name: str | None = None,
        groups: Sequence[str] = (),
        days: int = INVITATION_DAYS,
    ) -> InvitationLink:
        """A link that makes whoever opens it a member, once; `groups`: by id or name.

        Raises `NotPermitted`, `BadRequest`, `NotFound`, `Conflict` (TOO_MANY_INVITATIONS), `RateLimited`,
        `PlanLimitReached`.
        """
        life_ms = invitation_life_ms(days)
        named = {(await self._groups.get(principal, each)).id: None for each in groups}
        preset = Preset(role=role, name=None if name is None else member_name(name), groups=tuple(named))
        secret = _make_secret()
        made = await self._records.make(
            principal.workspace,
            InvitationId(secrets.token_hex(8)),
            preset,
            sha256=token_hash(secret),
            life_ms=life_ms,
            made_by=principal.maker,
            by=principal.actor,
            plan=principal.plan,
        )
        return InvitationLink(invitation=made, secret=secret)

    @requires(Permission.ADMINISTER)
    async def send_again(
        self, principal: Principal, invitation: InvitationId, *, days: int = INVITATION_DAYS
    ) -> InvitationLink:
        """A fresh link to one, whose link before leads nowhere. Raises the same."""
        secret = _make_secret()
        sent = await self._records.send_again(
            principal.workspace,
            invitation,
            sha256=token_hash(secret),
            life_ms=invitation_life_ms(days),
            made_by=principal.maker,
            by=principal.actor,
            plan=principal.plan,
        )
        return InvitationLink(invitation=sent, secret=secret)

    @requires(Permission.ADMINISTER)
    async def revoke(self, principal: Principal, invitation: InvitationId) -> None:
        """End one at once. Raises `NotPermitted`, `NotFound` (INVITATION_NOT_FOUND)."""
        await self._records.revoke(principal.workspace, invitation, by=principal.actor)

    @requires(Permission.ADMINISTER)
    async def list(self, principal: Principal) -> Sequence[ShownInvitation]:
        """Those that are open, the newest first. Raises `NotPermitted`."""
        return await self.show(principal.workspace, await self._records.open(principal.workspace))

    async def show(self, workspace: WorkspaceId, found: Sequence[Invitation]) -> Sequence[ShownInvitation]:
        """In words for people. For callers that were checked already."""
        groups = await self._group_records.some(workspace, (group for each in found for group in each.preset.groups))
        makers = await self._members.some(workspace, (each.made_by.member for each in found if each.made_by.member))
        names = {each.id: each.name for each in makers.values()}
        return [
            ShownInvitation(
                invitation=each,
                groups=tuple(groups[group] for group in each.preset.groups if group in groups),
                made_by=names.get(each.made_by.member) if each.made_by.member else None,
            )
            for each in found
        ]

    async def look(self, secret: str, *, address: str) -> Offer:
        """What a link leads to, for whoever has it. Raises `NotFound` (INVITATION_NOT_FOUND), `RateLimited`."""
        return await self._offer(await self._opened(secret, address=address))

    async def accept(self, secret: str, *, name: str | None, address: str, device: str = "") -> str:
        """Let whoever has a link in, as a person who is new here; the token they are signed in with.

        Raises `NotFound` (INVITATION_NOT_FOUND), `BadRequest`, `Conflict` (NAME_TAKEN), `PlanLimitReached`,
        `RateLimited`.
        """
        opened = await self._opened(secret, address=address)
        member = _new_member(opened, name)
        await self._let_in(opened, member, secret=secret, account=None)
        pending = PendingSignIn(workspace=opened.workspace, member=member.id, generation=member.generation)
        return await self._sign_in.begin(pending, member, device=device)

    async def join(self, who: SignedIn, secret: str, *, name: str | None, address: str) -> WorkspaceId:
        """Let somebody who is signed in into one more workspace; which one that is.

        Raises the same, and `Conflict` (ALREADY_A_MEMBER).
        """
        opened = await self._opened(secret, address=address)
        member = _new_member(opened, name or who.name)
        account = who.account.id
        if await self._accounts.join(account, opened.workspace, member.id) != member.id:
            raise Conflict("you are in this workspace already", code="ALREADY_A_MEMBER")
        try:
            await self._let_in(opened, member, secret=secret, account=account)
        except BaseException:
            await self._accounts.leave(account, opened.workspace, member.id)
            raise
        # Whoever asked there meanwhile has found nobody, and so has taken the account out again.
        await self._accounts.join(account, opened.workspace, member.id)
        return opened.workspace

    async def _let_in(self, opened: OpenInvitation, member: Member, *, secret: str, account: AccountId | None) -> None:
        workspace = (await self._offer(opened)).workspace
        sha256 = token_hash(secret)
        await self._records.accept(opened, member, sha256=sha256, account=account, plan=workspace.plan)

    async def _opened(self, secret: str, *, address: str) -> OpenInvitation:
        found = await self._records.find(token_hash(secret))
        if found is None:
            await self._attempts.count_failure(address)
            raise no_invitation()
        return found

    async def _offer(self, opened: OpenInvitation) -> Offer:
        workspace = await self._workspaces.get(opened.workspace)
        if workspace is None or workspace.state is not WorkspaceState.ACTIVE:
            raise no_invitation()
        (shown,) = await self.show(opened.workspace, [opened.invitation])
        return Offer(workspace=workspace, shown=shown)


def _make_secret() -> str:
    return INVITATION_PREFIX + secrets.token_urlsafe(_SECRET_BYTES)


def _new_member(opened: OpenInvitation, name: str | None) -> Member:
    chosen = name or opened.invitation.preset.name
    if chosen is None:
        raise BadRequest("name: say what you are called", code="INVALID_NAME")
    return Member(
        id=MemberId(secrets.token_hex(8)),
        name=member_name(chosen),
        role=opened.invitation.preset.role,
        generation=1,
        created_at_ms=0,
    )
