"""Service accounts, their tokens and people's personal ones: of some scopes, good for a while, rotated with overlap."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Sequence

from broker.domain.agents.sessions import Session
from broker.domain.errors import BadRequest, NotFound, NotPermitted
from broker.domain.ids import ServiceAccountId, SessionId, TokenId
from broker.domain.names import looks_like_id, printable_name
from broker.domain.people.access import MAX_ONLY, Permission, Principal, TokenScope
from broker.domain.people.dependants import Dependants
from broker.domain.people.token_kinds import TokenKind
from broker.services.people.access import new_token, token_hash
from broker.services.permissions import check_within, requires
from broker.services.ports import ServiceAccount, ServiceAccounts, TokenRecord, Tokens

DAY_S = 24 * 3600
SCOPED_S = 90 * DAY_S
"""How long such a token is good unless told."""
MAX_SCOPED_S = 366 * DAY_S
OVERLAP_S = DAY_S
"""How long a token that was rotated works on unless told."""
MAX_OVERLAP_S = 30 * DAY_S


class ScopedTokens:
    """Keeps them. An account is named by id or by name; an id wins."""

    def __init__(self, accounts: ServiceAccounts, tokens: Tokens, *, clock: Callable[[], float] = time.time) -> None:
        self._accounts = accounts
        self._tokens = tokens
        self._clock = clock

    @requires(Permission.ADMINISTER)
    async def accounts(self, principal: Principal) -> list[ServiceAccount]:
        """All of the workspace, by name. Raises `NotPermitted`."""
        return await self._accounts.accounts(principal.workspace)

    @requires(Permission.ADMINISTER)
    async def create(self, principal: Principal, name: str) -> ServiceAccount:
        """Make one, without tokens yet. Raises `NotPermitted`, `BadRequest`, `Conflict`."""
        account = ServiceAccount(
            id=ServiceAccountId(secrets.token_hex(8)),
            name=printable_name(name, "a service account's name"),
            created_at_ms=self._in_ms(0),
            made_by=principal.maker,
        )
        await self._accounts.add(principal.workspace, account)
        return account

    @requires(Permission.ADMINISTER)
    async def remove(self, principal: Principal, reference: str) -> Dependants:
        """End one with its tokens, at once; what that was. Raises `NotPermitted`, `NotFound`."""
        return await self._accounts.remove(principal.workspace, (await self._account(principal, reference)).id)

    @requires(Permission.ADMINISTER)
    async def mint(
        self,
        principal: Principal,
        reference: str,
        *,
        scopes: Sequence[TokenScope],
        name: str | None = None,
        only: Sequence[Session] = (),
        expires_in_s: int | None = SCOPED_S,
    ) -> tuple[TokenRecord, str]:
        """A token of a service account; its secret is shown this once. `expires_in_s` None: it does not end by itself.

        Nobody gives it what they may not do themselves. Raises `NotPermitted`, `BadRequest`, `NotFound`, `Conflict`.
        """
        account = await self._account(principal, reference)
        owner = Principal(
            workspace=principal.workspace,
            kind=TokenKind.SERVICE,
            token_id=_new_id(),
            name=printable_name(name or account.name, "a token's name"),
            plan=principal.plan,
            scopes=_checked(principal, scopes),
            only=_limit(scopes, only),
            service=account.id,
            made_by=principal.maker,
        )
        return await self._add(owner, expires_in_s)

    @check_within("a person makes tokens for themselves")
    async def mint_personal(
        self,
        principal: Principal,
        *,
        scopes: Sequence[TokenScope],
        name: str,
        only: Sequence[Session] = (),
        expires_in_s: int = SCOPED_S,
    ) -> tuple[TokenRecord, str]:
        """A token for a program of the caller's, who signed in. Raises `NotPermitted`, `BadRequest`, `Conflict`."""
        _require_signed_in(principal)
        owner = Principal(
            workspace=principal.workspace,
            kind=TokenKind.PERSONAL,
            token_id=_new_id(),
            name=printable_name(name, "a token's name"),
            plan=principal.plan,
            scopes=_checked(principal, scopes),
            only=_limit(scopes, only),
            made_by=principal.maker,
        )
        return await self._add(owner, expires_in_s)

    @check_within("a person lists their own")
    async def personal(self, principal: Principal) -> list[TokenRecord]:
        """The caller's own personal tokens, the oldest first. Raises `NotPermitted`."""
        _require_signed_in(principal)
        found = await self._tokens.tokens(principal.workspace)
        return [each for each in found if each.member == principal.member]

    @check_within("whose personal token it is, else who administers")
    async def rotate(
        self, principal: Principal, token: TokenId, *, overlap_s: int = OVERLAP_S, expires_in_s: int | None = None
    ) -> tuple[TokenRecord, str]:
        """Another token in the place of one, which works on for `overlap_s`. The new one lives as long as that one did.

        Raises `NotPermitted`, `NotFound`, `BadRequest`, `Conflict` (TOKEN_ROTATED).
        """
        if not 0 <= overlap_s <= MAX_OVERLAP_S:
            raise BadRequest(f"overlap_s: 0 to {MAX_OVERLAP_S} seconds")
        old = await self._rotated(principal, token)
        life_s = expires_in_s
        if life_s is None and old.expires_at_ms is not None:
            life_s = max(60, (old.expires_at_ms - old.created_at_ms) // 1000)
        by_oneself = old.kind is TokenKind.PERSONAL
        owner = Principal(
            workspace=principal.workspace,
            kind=old.kind,
            token_id=_new_id(),
            name=old.name,
            plan=principal.plan,
            scopes=old.scopes,
            only=old.only,
            service=old.service,
            made_by=old.made_by if by_oneself else principal.maker,
        )
        secret = new_token(old.kind)
        record = await self._tokens.rotate(
            old,
            owner,
            sha256=token_hash(secret),
            expires_at_ms=None if life_s is None else self._in_ms(_checked_life(life_s)),
            old_ends_at_ms=self._in_ms(overlap_s),
        )
        return record, secret

    async def _rotated(self, principal: Principal, token: TokenId) -> TokenRecord:
        """The token to rotate. Another's personal one is not: the new one would act as that person."""
        found = next((each for each in await self._tokens.tokens(principal.workspace) if each.id == token), None)
        if found is not None and found.member is not None and found.member == principal.member:
            return found
        principal.require(Permission.ADMINISTER)
        if found is None:
            raise NotFound("no such token", code="TOKEN_NOT_FOUND")
        if found.kind is TokenKind.PERSONAL:
            raise NotPermitted("a personal token is rotated by the person whose it is; you may revoke it")
        if found.kind is not TokenKind.SERVICE:
            raise BadRequest(
                f"a {found.kind} token is not rotated: make another, and revoke this one", code="NOT_ROTATED"
            )
        _checked(principal, found.scopes or ())
        return found

    async def _add(self, owner: Principal, expires_in_s: int | None) -> tuple[TokenRecord, str]:
        secret = new_token(owner.kind)
        expires_at_ms = None if expires_in_s is None else self._in_ms(_checked_life(expires_in_s))
        return await self._tokens.add(owner, sha256=token_hash(secret), expires_at_ms=expires_at_ms), secret

    async def _account(self, principal: Principal, reference: str) -> ServiceAccount:
        found = await self._accounts.accounts(principal.workspace)
        by_id = next((each for each in found if each.id == reference), None)
        if by_id is None and not looks_like_id(reference):
            by_id = next((each for each in found if each.name.casefold() == reference.casefold()), None)
        if by_id is None:
            raise NotFound(f"no service account {reference[:80]!r}", code="SERVICE_ACCOUNT_NOT_FOUND")
        return by_id

    def _in_ms(self, seconds: float) -> int:
        return int((self._clock() + seconds) * 1000)


def _new_id() -> TokenId:
    return TokenId(secrets.token_hex(8))


def _checked(principal: Principal, scopes: Sequence[TokenScope]) -> tuple[TokenScope, ...]:
    """The scopes, in order; the caller has each of them. Raises `BadRequest`, `NotPermitted`."""
    if not scopes:
        raise BadRequest(f"scopes: one or more of {', '.join(TokenScope)}")
    for each in scopes:
        principal.require(Permission(each))
    return tuple(each for each in TokenScope if each in scopes)


def _limit(scopes: Sequence[TokenScope], sessions: Sequence[Session]) -> tuple[SessionId, ...] | None:
    """The sessions that a token is limited to; None for no limit."""
    if not sessions:
        return None
    if len(sessions) > MAX_ONLY:
        raise BadRequest(f"sessions: at most {MAX_ONLY}")
    if TokenScope.ADMINISTER in scopes:
        raise BadRequest("the scope administer is of the whole workspace: leave out either that or the sessions")
    return tuple(sorted({each.id for each in sessions}))


def _checked_life(seconds: int) -> int:
    if not 60 <= seconds <= MAX_SCOPED_S:
        raise BadRequest(f"expires_in_s: 60 to {MAX_SCOPED_S} seconds")
    return seconds


def _require_signed_in(principal: Principal) -> None:
    """Not a token that was exchanged for minutes: what it makes would outlive it by far."""
    if principal.member is None or principal.family is not None:
        raise NotPermitted("a personal token is made, and listed, by a person who is signed in, not with another token")
