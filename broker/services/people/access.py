"""Authenticates tokens; creates and revokes them."""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace

from broker.domain.agents.sessions import Session
from broker.domain.errors import BadRequest, NotAuthenticated, NotFound, NotPermitted
from broker.domain.ids import AgentId, MemberId, ProxyId, SessionId, TokenId, WorkspaceId
from broker.domain.names import printable_name
from broker.domain.people.access import MAX_SHARE_S, SHARE_S, Credential, Maker, Permission, Principal
from broker.domain.people.dependants import Dependants
from broker.domain.people.token_kinds import PREFIXES, TokenKind
from broker.domain.people.token_text import require_token_form
from broker.domain.people.workspaces import Workspace, workspace_id
from broker.domain.plans.plans import Plan
from broker.services.people.accounts import Accounts, SignedIn, no_workspace
from broker.services.permissions import check_within, open_to_all, requires
from broker.services.ports import AccountRecords, MemberRecords, Registry, TokenRecord, Tokens, WorkspaceRecords

_SECRET_BYTES = 32
_DAY_S = 24 * 3600
_AGENT_TOKEN_S = 180 * _DAY_S
"""Of one process; longer than any lives. The token of the process before it ends with it."""
MEMBER_TOKEN_S = 30 * _DAY_S
"""Counted from its last use, give or take a day: so seldom is that written down."""


def token_hash(token: str) -> str:
    """How a token is kept. Its secret has 256 bits of entropy, so a plain hash cannot be guessed."""
    return hashlib.sha256(token.encode()).hexdigest()


def new_token(kind: TokenKind) -> str:
    """A fresh token of that kind."""
    return PREFIXES[kind] + secrets.token_urlsafe(_SECRET_BYTES)


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenAbout:
    """What people want to know of a token before they end it."""

    made_by: str | None
    """A name; None for the key of a data folder, and where an earlier version made it."""
    ends: Dependants


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferedToken:
    """The token of an agent's process, before the store knows that process."""

    principal: Principal
    sha256: str
    before: str | None
    """The hash of the one that was good until now."""


class Access:
    """Authenticates callers and keeps a workspace's tokens."""

    def __init__(
        self,
        tokens: Tokens,
        registry: Registry,
        members: MemberRecords,
        workspaces: WorkspaceRecords,
        accounts: AccountRecords,
        *,
        clock: Callable[[], float] = time.time,
        on_authenticated: Callable[[], None] = lambda: None,
        on_refused: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self._tokens = tokens
        self._registry = registry
        self._members = members
        self._workspaces = workspaces
        self.accounts = Accounts(accounts, members, workspaces, tokens)
        self._clock = clock
        self._on_authenticated = on_authenticated
        self._on_refused = on_refused

    async def authenticate(self, presented: Credential | str | None, *, away: bool = False) -> Principal:
        """The caller behind a token, in the workspace that the request names, if it names one.

        An agent's token is good only for the process it was made for: an older generation is fenced. A member's is
        good until its sign-ins are ended, and lives on while it is used, unless an identity provider let them in.
        `away`: in a workspace that was put away or deleted, too. Raises `NotAuthenticated`, and `NotFound`
        (WORKSPACE_NOT_FOUND) for one that it is not good for.
        """
        shown = presented if isinstance(presented, Credential) else Credential(token=presented)
        if not shown.token:
            raise NotAuthenticated("no token: send 'Authorization: Bearer <token>'")
        require_token_form(shown.token)
        sha256 = token_hash(shown.token)
        stored = await self._load(sha256)
        if stored.kind is TokenKind.MEMBER and stored.family is None and stored.provider is None:
            stored = await self._prolong(stored, sha256=sha256)
        if stored.account is not None and stored.family is None:
            principal = await self._tokens.present(
                await self.accounts.place(stored, shown.workspace), sha256=sha256, away=away
            )
        else:
            principal = await self._tokens.present(stored, sha256=sha256, away=away)
            if shown.workspace is not None:
                await self._require_named(principal, shown.workspace)
        self._on_authenticated()
        return principal

    async def find_sign_in(self, presented: Credential) -> SignedIn | None:
        """The person behind a browser's sign-in, in whatever workspaces; None for a token of another kind.

        Raises `NotAuthenticated`.
        """
        if not presented.token:
            raise NotAuthenticated("nobody is signed in")
        require_token_form(presented.token)
        stored = await self._load(token_hash(presented.token))
        who = None if stored.account is None or stored.family else await self.accounts.require_signed_in(stored)
        self._on_authenticated()
        return who

    async def find_member(self, presented: Credential) -> Principal | None:
        """Who somebody is in a workspace by a link, also where only single sign-on lets them act; None for nobody."""
        try:
            require_token_form(presented.token or "")
            stored = await self._load(token_hash(presented.token or ""))
            if stored.account is None or stored.family is not None:
                return None
            return await self.accounts.place(stored, presented.workspace)
        except (NotAuthenticated, NotFound, BadRequest):
            return None

    async def begin_in(self, token: str) -> Credential:
        """A fresh sign-in, in the workspace whose link led to it. Raises `NotAuthenticated`."""
        return Credential(token=token, workspace=(await self._load(token_hash(token))).workspace)

    async def _load(self, sha256: str) -> Principal:
        found = await self._tokens.find_stored(sha256)
        if found is None or self._is_over(found):
            if self._on_refused is not None:
                await self._on_refused()
            raise NotAuthenticated("the token is unknown, revoked or expired")
        return found

    async def _require_named(self, principal: Principal, reference: str) -> None:
        """That a request is meant for its caller's workspace. One that is another's is like one that is not there."""
        if reference in {principal.workspace, principal.slug}:
            return
        if await self._workspaces.find_by_slug(reference) != principal.workspace:
            raise no_workspace(reference)

    @open_to_all("says what became of a caller")
    async def present(self, principal: Principal) -> Principal:
        """A caller who was authenticated before, as it is now; its token may have ended since, and another come.

        Raises `NotAuthenticated` when what the token hung on has ended.
        """
        return await self._tokens.present(principal)

    def _is_over(self, principal: Principal) -> bool:
        """The store forgets what is over by its own clock; short-lived tokens end by that of their issuers too."""
        over = principal.expires_at_ms is not None and principal.expires_at_ms <= self._in_ms(0)
        return over and principal.family is not None

    async def _prolong(self, principal: Principal, *, sha256: str) -> Principal:
        """A sign-in lives on while it is used."""
        expires_at_ms = self._in_ms(MEMBER_TOKEN_S)
        if expires_at_ms - (principal.expires_at_ms or 0) < _DAY_S * 1000:
            return principal
        await self._tokens.prolong(principal, sha256=sha256, expires_at_ms=expires_at_ms)
        await self.accounts.keep(principal, life_ms=MEMBER_TOKEN_S * 1000)
        return replace(principal, expires_at_ms=expires_at_ms)

    async def offer_agent(
        self, workspace: WorkspaceId, agent: AgentId, *, generation: int, sha256: str, plan: Plan, proxy: ProxyId
    ) -> OfferedToken | None:
        """Take the token that a proxy made for an agent's process; only its hash was told.

        It is good from when the proxy's report is applied, so that the process can use it at once; `keep_agent` lets it
        live. A proxy can speak for its own agents only: for another's this does nothing.
        """
        found = await self._registry.agent(workspace, agent)
        if found is None or found.proxy != proxy:
            return None
        principal = Principal(
            workspace=workspace,
            kind=TokenKind.AGENT,
            token_id=TokenId(f"{agent}.{generation}"),
            name=found.name,
            plan=plan,
            session=found.session_id,
            agent=agent,
            generation=generation,
            part=found.part,
        )
        before = await self._tokens.offer_agent(principal, sha256=sha256)
        return OfferedToken(principal=principal, sha256=sha256, before=before)

    async def keep_agent(self, offered: OfferedToken) -> None:
        """Let the token of an agent's process live, and end that of the process before it."""
        expires_at_ms = self._in_ms(_AGENT_TOKEN_S)
        await self._tokens.add(offered.principal, sha256=offered.sha256, expires_at_ms=expires_at_ms, listed=False)
        if offered.before not in {None, offered.sha256}:
            await self._tokens.forget([offered.before or ""])

    @requires(Permission.ADMINISTER)
    async def mint(
        self,
        principal: Principal,
        *,
        kind: TokenKind,
        name: str,
        person: bool = False,
        session: SessionId | None = None,
        expires_at_ms: int | None = None,
    ) -> tuple[TokenRecord, str]:
        """A new token, whose secret is shown this once; `person` when a human will use it.

        An observer's may be for one session only. Raises `BadRequest`, `NotPermitted`, `Conflict` (TOO_MANY_TOKENS),
        and `NotAuthenticated` when the caller's own access ends meanwhile.
        """
        _check_mintable(principal, kind, session)
        name = printable_name(name, "a token's name")
        token = new_token(kind)
        owner = Principal(
            workspace=principal.workspace,
            kind=kind,
            token_id=TokenId(secrets.token_hex(8)),
            name=name,
            plan=principal.plan,
            person=person,
            session=session,
            expires_at_ms=expires_at_ms,
            made_by=principal.maker,
        )
        return await self._tokens.add(owner, sha256=token_hash(token), expires_at_ms=expires_at_ms), token

    @check_within("making a token requires something")
    async def share(self, principal: Principal, session: Session, *, seconds: int = SHARE_S) -> tuple[TokenRecord, str]:
        """A token that shows one session, read-only, for a while. Raises `BadRequest`, `NotPermitted`."""
        if not 0 < seconds <= MAX_SHARE_S:
            raise BadRequest(f"a share lives for 1 to {MAX_SHARE_S} seconds")
        return await self.mint(
            principal,
            kind=TokenKind.OBSERVER,
            name=f"share of {session.name}",
            session=session.id,
            expires_at_ms=self._in_ms(seconds),
        )

    @requires(Permission.ADMINISTER)
    async def tokens(self, principal: Principal) -> list[TokenRecord]:
        """The workspace's tokens, without secrets. Raises `NotPermitted`."""
        return await self._tokens.tokens(principal.workspace)

    @check_within("reading the tokens requires something")
    async def about_tokens(self, principal: Principal) -> Mapping[TokenId, TokenAbout]:
        """Who made each of the workspace's tokens, and what would end with it. Raises `NotPermitted`."""
        tokens = await self.tokens(principal)
        names = {each.id: each.name for each in tokens}
        makers = (each.made_by.member for each in tokens if each.made_by and each.made_by.member)
        people = {each.id: each.name for each in (await self._members.some(principal.workspace, makers)).values()}
        ends = await self._tokens.dependants(principal.workspace)
        return {
            each.id: TokenAbout(
                made_by=_name_of(each.made_by, people=people, tokens=names), ends=ends.get(each.id, Dependants())
            )
            for each in tokens
        }

    @check_within("whose personal token it is, else who administers")
    async def revoke(self, principal: Principal, token: TokenId) -> Dependants:
        """End a token and all that hangs on it at once, open sockets included; what that was.

        Raises `NotFound`, `NotPermitted`.
        """
        if Permission.ADMINISTER not in principal.permissions and not await self._is_own(principal, token):
            principal.require(Permission.ADMINISTER)
        return await self._tokens.revoke(principal.workspace, token, owns=principal.owns)

    async def _is_own(self, principal: Principal, token: TokenId) -> bool:
        """Whether it is a personal token of the person who asks."""
        if principal.member is None:
            return False
        found = await self._tokens.tokens(principal.workspace)
        return any(each.id == token and each.member == principal.member for each in found)

    @open_to_all("everybody may know where they are")
    async def workspace(self, principal: Principal) -> Workspace:
        """The caller's own."""
        found = await self._workspaces.get(principal.workspace)
        if found is None:
            raise NotFound("the workspace is gone", code="WORKSPACE_NOT_FOUND")
        return found

    async def adopt_workspace(
        self, token: str, *, workspace: WorkspaceId, name: str, plan: Plan, slug: str | None = None
    ) -> None:
        """Make `token` the workspace's own key; the same again leaves the workspace as it is.

        The one before ends, with all that hangs on it. Raises `Conflict` (SLUG_TAKEN).
        """
        await self._workspaces.create(workspace_id(workspace), name=name, plan=plan, slug=slug)
        await self._tokens.adopt(_key(workspace, "operator"), sha256=token_hash(token))

    async def add_key(self, token: str, *, workspace: WorkspaceId, name: str) -> None:
        """Make `token` one more key of a workspace that there is. For callers that were checked already."""
        await self._tokens.add(_key(workspace, name), sha256=token_hash(token))

    def _in_ms(self, seconds: float) -> int:
        return int((self._clock() + seconds) * 1000)


def _name_of(maker: Maker | None, *, people: Mapping[MemberId, str], tokens: Mapping[TokenId, str]) -> str | None:
    """Of the member behind it, else of the token it was made with."""
    if maker is None:
        return None
    return (maker.member and people.get(maker.member)) or (maker.token and tokens.get(maker.token)) or None


def _key(workspace: WorkspaceId, name: str) -> Principal:
    return Principal(
        workspace=workspace,
        kind=TokenKind.WORKSPACE,
        token_id=TokenId(secrets.token_hex(8)),
        name=name,
        plan=Plan.FREE,  # the workspace's own is read with every use
        person=True,
    )


def _check_mintable(principal: Principal, kind: TokenKind, session: SessionId | None) -> None:
    if kind is TokenKind.AGENT:
        raise BadRequest("agent tokens are made by spawning an agent")
    if kind is TokenKind.MEMBER:
        raise BadRequest("a member's token is made by signing in")
    if kind is TokenKind.PERSONAL:
        raise BadRequest("a personal token is made by a person: POST /v1/personal-tokens")
    if kind is TokenKind.SERVICE:
        raise BadRequest("a token of a service account is made for one: POST /v1/service-accounts/{account}/tokens")
    if kind is TokenKind.WORKSPACE and not principal.owns:
        raise NotPermitted("a key of the workspace may do all that an owner may: only owners make one")
    if session is not None and kind is not TokenKind.OBSERVER:
        raise BadRequest("only an observer's token can be for one session")
