"""Signing people in by one-time codes, and out again."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from broker.domain.errors import NotAuthenticated, NotPermitted
from broker.domain.ids import TokenId, WorkspaceId
from broker.domain.people.access import Maker, MemberRole, Permission, Principal
from broker.domain.people.members import Member, PendingSignIn
from broker.domain.people.single_sign_on import IdentityProvider
from broker.domain.people.token_kinds import SIGN_IN_PREFIX, TokenKind
from broker.domain.plans.plans import Plan
from broker.services.people.access import MEMBER_TOKEN_S, new_token, token_hash
from broker.services.people.accounts import Accounts, SignedIn
from broker.services.people.attempts import Attempts
from broker.services.permissions import check_within, open_to_all
from broker.services.ports import MemberRecords, SignInCodes, TokenFamilies, Tokens

CODE_LIFE_S = 600
_CODE_BYTES = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class OneTimeCode:
    """Lets whoever has it sign in, once. It is a secret."""

    code: str
    expires_at_ms: int


class SignIn:
    """Makes codes, exchanges them for tokens, and ends tokens."""

    def __init__(
        self,
        records: MemberRecords,
        codes: SignInCodes,
        *,
        tokens: Tokens,
        families: TokenFamilies,
        accounts: Accounts,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._records = records
        self._codes = codes
        self._attempts = Attempts(codes)
        self._tokens = tokens
        self._families = families
        self._accounts = accounts
        self._clock = clock

    @check_within("a member may sign in once more, else who administers")
    async def invite(self, principal: Principal, member: Member) -> OneTimeCode:
        """A code for oneself or, for those who administer, for another; for an owner by owners only.

        Raises `NotPermitted`.
        """
        if principal.member != member.id:
            principal.require(Permission.ADMINISTER)
            if member.role is MemberRole.OWNER and not principal.owns:
                raise NotPermitted("only an owner may let somebody sign in as an owner")
        return await self.issue(principal.workspace, member, by=principal.maker)

    async def issue(self, workspace: WorkspaceId, member: Member, *, by: Maker | None = None) -> OneTimeCode:
        """A code, good for as long as who made it. For callers that were checked already."""
        code = SIGN_IN_PREFIX + secrets.token_urlsafe(_CODE_BYTES)
        expires_at_ms = self._in_ms(CODE_LIFE_S)
        pending = PendingSignIn(workspace=workspace, member=member.id, generation=member.generation, made_by=by)
        await self._codes.keep(token_hash(code), pending, expires_at_ms=expires_at_ms)
        return OneTimeCode(code=code, expires_at_ms=expires_at_ms)

    async def redeem(self, code: str, *, address: str, device: str = "") -> str:
        """A member's token for a code, which is used up by it; `device`: what it says of itself.

        Raises `NotAuthenticated`, `RateLimited`.

        Whoever has a right code gets in, however often others have failed who seem to come from the same address.
        """
        return await self.begin(*await self._take_pending(code, address=address), device=device)

    async def join(self, who: SignedIn, code: str, *, address: str) -> WorkspaceId:
        """Let somebody who is signed in be whom a code is for, too; in which workspace that is.

        Raises `NotAuthenticated`, `RateLimited`, `Conflict` (ALREADY_A_MEMBER, NOT_YOURS).
        """
        pending, member = await self._take_pending(code, address=address)
        await self._accounts.join(who, pending.workspace, member)
        return pending.workspace

    async def _take_pending(self, code: str, *, address: str) -> tuple[PendingSignIn, Member]:
        pending = await self._codes.take(token_hash(code))
        member = await self._records.member(pending.workspace, pending.member) if pending else None
        if pending is None or member is None or member.generation != pending.generation:
            await self._attempts.count_failure(address)
            raise NotAuthenticated(
                "the link was used or is too old: `relaycast sign-in` prints a fresh one", code="SIGN_IN_FAILED"
            )
        if member.suspended_at_ms is not None:
            raise NotAuthenticated("an administrator of this workspace has suspended you", code="SUSPENDED")
        return pending, member

    @open_to_all("everybody may end their own sign-in")
    async def sign_out(self, principal: Principal, token: str, *, everywhere: bool) -> None:
        """End a member's sign-in, or all it has; or a short-lived token, and what it is renewed with.

        A token that was made by hand stays good for its other users.
        """
        if principal.account is not None and principal.family is None:
            await self.sign_person_out(await self._accounts.require_signed_in(principal), everywhere=everywhere)
        elif principal.member is not None and everywhere:
            await self._records.end_sign_ins(principal.workspace, principal.member)
        elif principal.family is not None:
            await self._families.end(principal.workspace, principal.family)
        elif principal.member is not None:
            await self._tokens.end(principal, sha256=token_hash(token))

    async def sign_person_out(self, who: SignedIn, *, everywhere: bool) -> None:
        """End a person's sign-in, or all they have, in every workspace they are in."""
        if everywhere:
            await self._accounts.end_all(who)
        else:
            await self._accounts.end(who.account.id, who.sign_in)

    async def begin(self, pending: PendingSignIn, member: Member, *, device: str) -> str:
        """The token of a fresh sign-in. For callers that were checked already. Raises `NotAuthenticated`."""
        token = new_token(TokenKind.MEMBER)
        owner = replace(_fresh(pending.workspace, member), made_by=pending.made_by)
        expires_at_ms = self._in_ms(MEMBER_TOKEN_S)
        owner = await self._accounts.begin(
            owner, member, device=device, sha256=token_hash(token), life_ms=MEMBER_TOKEN_S * 1000
        )
        await self._tokens.begin_sign_in(owner, sha256=token_hash(token), expires_at_ms=expires_at_ms)
        return token

    async def begin_by(self, provider: IdentityProvider, workspace: WorkspaceId, member: Member) -> str:
        """The token of a fresh sign-in through a workspace's identity provider: good there alone, and no longer than
        was agreed. For callers that were checked already. Raises `NotAuthenticated`."""
        token = new_token(TokenKind.MEMBER)
        owner = replace(_fresh(workspace, member), provider=provider.id)
        expires_at_ms = self._in_ms(provider.terms.hours * 3600)
        await self._tokens.begin_sign_in(owner, sha256=token_hash(token), expires_at_ms=expires_at_ms)
        return token

    def _in_ms(self, seconds: float) -> int:
        return int((self._clock() + seconds) * 1000)


def _fresh(workspace: WorkspaceId, member: Member) -> Principal:
    """Whom a new sign-in of a member stands for."""
    return Principal(
        workspace=workspace,
        kind=TokenKind.MEMBER,
        token_id=TokenId(secrets.token_hex(8)),
        name=member.name,
        plan=Plan.FREE,  # the workspace's own is read with every use
        person=True,
        generation=member.generation,
        member=member.id,
    )
