"""People of the installation: which workspace a request of one is for, and where they are signed in."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace

from broker.domain.errors import BadRequest, Conflict, NotAuthenticated, NotFound
from broker.domain.ids import AccountId, MemberId, TokenId, WorkspaceId
from broker.domain.people.access import Principal
from broker.domain.people.accounts import LONGEST_DEVICE, Account, AccountSignIn
from broker.domain.people.members import Member
from broker.domain.people.workspaces import Workspace
from broker.services.permissions import open_to_all
from broker.services.ports import AccountRecords, MemberRecords, Tokens, WorkspaceRecords


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """A person by their sign-in, wherever it is used."""

    account: Account
    sign_in: TokenId
    name: str
    """In the workspace where they signed in, when they did."""


class Accounts:
    """One sign-in, many workspaces."""

    def __init__(
        self, records: AccountRecords, members: MemberRecords, workspaces: WorkspaceRecords, tokens: Tokens
    ) -> None:
        self._records = records
        self._members = members
        self._workspaces = workspaces
        self._tokens = tokens

    @open_to_all("of the caller's own sign-in")
    async def require_signed_in(self, stored: Principal) -> SignedIn:
        """Whom a token of a person stands for. Raises `NotAuthenticated` when that sign-in has ended."""
        account = stored.account and await self._records.find_signed_in(stored.account, stored.token_id)
        if not account:
            raise NotAuthenticated("you were signed out: sign in again", code="TOKEN_REVOKED")
        return SignedIn(account=account, sign_in=stored.token_id, name=stored.name)

    @open_to_all("of the caller's own sign-in")
    async def place(self, stored: Principal, reference: str | None) -> Principal:
        """A person as a caller in the workspace that the request names, or in their only one.

        Raises `NotAuthenticated`, `NotFound` (WORKSPACE_NOT_FOUND) for a workspace they are not in, and `BadRequest`
        (WORKSPACE_REQUIRED) when they are in several and the request names none.
        """
        account = (await self.require_signed_in(stored)).account
        workspace = await self._chosen(account, reference)
        member = await self._members.member(workspace, account.memberships[workspace])
        if member is None or member.account != account.id:  # removed, and not yet forgotten here
            await self._records.leave(account.id, workspace, account.memberships[workspace])
            raise no_workspace(reference) if reference else NotAuthenticated("you were removed", code="TOKEN_REVOKED")
        return replace(stored, workspace=workspace, member=member.id, generation=member.generation)

    async def _chosen(self, account: Account, reference: str | None) -> WorkspaceId:
        mine = account.memberships
        if reference is None:
            if len(mine) > 1:
                raise BadRequest(
                    "you are in several workspaces: say which one by /w/<slug>/… or the header Relaycast-Workspace",
                    code="WORKSPACE_REQUIRED",
                )
            return next(iter(mine))
        if WorkspaceId(reference) in mine:
            return WorkspaceId(reference)
        found = await self._workspaces.find_by_slug(reference)
        if found is None or found not in mine:
            raise no_workspace(reference)
        return found

    @open_to_all("of the caller's own sign-in")
    async def begin(self, sign_in: Principal, member: Member, *, device: str, sha256: str, life_ms: int) -> Principal:
        """Note a sign-in of a member, whose account is made with the first; the same with the account."""
        account = await self._records.claim(sign_in.workspace, member.id, AccountId(secrets.token_hex(8)))
        if account is None:
            raise NotAuthenticated("you were removed", code="SIGN_IN_FAILED")
        await self._records.join(account, sign_in.workspace, member.id)
        shown = device[:LONGEST_DEVICE]
        for over in await self._records.begin_sign_in(
            account, sign_in.token_id, device=shown, sha256=sha256, life_ms=life_ms
        ):
            await self.end(account, over)
        return replace(sign_in, account=account)

    @open_to_all("of the caller's own sign-in")
    async def open(self, principal: Principal) -> None:
        """Let what is exchanged for a person's sign-in hang on it in the workspace that they are a caller in.

        It is there before it is asked whether the sign-in still is: one that ends meanwhile either sees it, or is seen.
        Raises `NotAuthenticated`.
        """
        if principal.account is None or principal.family is not None:
            return
        await self._tokens.open_sign_in(principal)
        if await self._records.find_signed_in(principal.account, principal.token_id) is None:
            await self._tokens.end_sign_in(principal.workspace, principal.token_id)
            raise NotAuthenticated("you were signed out: sign in again", code="TOKEN_REVOKED")

    @open_to_all("of the caller's own sign-in")
    async def keep(self, principal: Principal, *, life_ms: int) -> None:
        """Let a sign-in live longer."""
        if principal.account is not None:
            await self._records.keep_sign_in(principal.account, principal.token_id, life_ms=life_ms)

    async def join(self, who: SignedIn, workspace: WorkspaceId, member: Member) -> None:
        """Let a person who is signed in be that member, too. Raises `Conflict` (ALREADY_A_MEMBER, NOT_YOURS)."""
        account = who.account.id
        if member.account not in {None, account}:
            raise Conflict("somebody else has signed in as that person already", code="NOT_YOURS")
        if await self._records.join(account, workspace, member.id) != member.id:
            raise Conflict("you are in this workspace already, as somebody else", code="ALREADY_A_MEMBER")
        if await self._records.claim(workspace, member.id, account) != account:
            await self._records.leave(account, workspace, member.id)
            raise Conflict("somebody else has signed in as that person already", code="NOT_YOURS")

    async def note_left(self, workspace: WorkspaceId, member: Member) -> None:
        """A member was removed."""
        if member.account is not None:
            await self._records.leave(member.account, workspace, member.id)

    async def workspaces(self, who: SignedIn) -> list[Workspace]:
        """Those the person is in, by name."""
        found = [await self._workspaces.get(each) for each in who.account.memberships]
        return sorted((each for each in found if each), key=lambda each: (each.name.casefold(), each.id))

    async def sign_ins(self, who: SignedIn) -> Sequence[AccountSignIn]:
        """Where the person is signed in, what was used last first."""
        return await self._records.sign_ins(who.account.id)

    async def end_one(self, who: SignedIn, sign_in: TokenId) -> None:
        """End one of them, and what hangs on it in every workspace. Raises `NotFound`."""
        if sign_in not in {each.id for each in await self.sign_ins(who)}:
            raise NotFound("no such sign-in of yours", code="SIGN_IN_NOT_FOUND")
        await self.end(who.account.id, sign_in)

    async def end_all(self, who: SignedIn) -> None:
        """End all of them."""
        for workspace, member in who.account.memberships.items():
            await self._end_in(workspace, member)
        for each in await self.sign_ins(who):
            await self.end(who.account.id, each.id)

    async def end_of(self, member: Member) -> None:
        """End all sign-ins of whoever is that member. For callers that were checked already."""
        if member.account is not None:
            for each in await self._records.sign_ins(member.account):
                await self.end(member.account, each.id)

    async def _end_in(self, workspace: WorkspaceId, member: MemberId) -> None:
        if await self._members.member(workspace, member):
            await self._members.end_sign_ins(workspace, member)

    async def end(self, account: AccountId, sign_in: TokenId) -> None:
        """What hangs on it first: until that has ended everywhere, the sign-in is there to be ended again."""
        known = await self._records.find_signed_in(account, sign_in)
        for workspace in known.memberships if known else ():
            await self._tokens.end_sign_in(workspace, sign_in)
        await self._records.end_sign_in(account, sign_in)
        # Whoever opened something meanwhile with the token is met now that it is good no longer.
        for workspace in known.memberships if known else ():
            await self._tokens.end_sign_in(workspace, sign_in)


def no_workspace(reference: str) -> NotFound:
    """What is said of one that is not there, or not for the caller: the same."""
    return NotFound(f"no workspace {reference[:80]!r}", code="WORKSPACE_NOT_FOUND")
