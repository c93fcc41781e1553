"""Who a token stands for; making and ending tokens."""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Callable
from dataclasses import replace

from broker.domain.access import MAX_SHARE_S, PREFIXES, SHARE_S, Permission, Principal, TokenKind
from broker.domain.errors import BadRequest, NotAuthenticated, NotPermitted
from broker.domain.ids import AgentId, MemberId, ProxyId, SessionId, TokenId, WorkspaceId
from broker.domain.names import printable_name
from broker.domain.plans import Plan
from broker.domain.sessions import Session
from broker.domain.workspaces import Workspace, workspace_id
from broker.services.ports import MemberRecords, Registry, TokenRecord, Tokens

KEY_ID = TokenId("workspace")
"""Of a workspace's first key: the one in the data folder of its `up`."""
_SECRET_BYTES = 32
_DAY_S = 24 * 3600
_AGENT_TOKEN_S = 180 * _DAY_S
"""Of one process; longer than any lives, so that the hashes of those gone do not pile up."""
MEMBER_TOKEN_S = 30 * _DAY_S
"""Counted from its last use, give or take a day: so seldom is that written down."""


def token_hash(token: str) -> str:
    """How a token is kept. Its secret has 256 bits of entropy, so a plain hash cannot be guessed."""
    return hashlib.sha256(token.encode()).hexdigest()


def new_token(kind: TokenKind) -> str:
    """A fresh token of that kind."""
    return PREFIXES[kind] + secrets.token_urlsafe(_SECRET_BYTES)


class Access:
    """Authenticates callers and keeps a workspace's tokens."""

    def __init__(
        self,
        tokens: Tokens,
        registry: Registry,
        members: MemberRecords,
        *,
        clock: Callable[[], float] = time.time,
        on_authenticated: Callable[[], None] = lambda: None,
    ) -> None:
        self._tokens = tokens
        self._registry = registry
        self._members = members
        self._clock = clock
        self._on_authenticated = on_authenticated

    async def authenticate(self, token: str | None) -> Principal:
        """The caller behind a token. Raises `NotAuthenticated`.

        An agent's token is good only for the process it was made for: an older generation is fenced. A member's is
        good until its sign-ins are ended, and lives on while it is used.
        """
        if not token:
            raise NotAuthenticated("no token: send 'Authorization: Bearer <token>'")
        principal = await self._tokens.owner(token_hash(token))
        if principal is None:
            raise NotAuthenticated("the token is unknown, revoked or expired")
        if principal.agent is not None:
            await self._check_agent(principal, principal.agent)
        if principal.member is not None:
            principal = await self._present(principal, principal.member, sha256=token_hash(token))
        self._on_authenticated()
        return principal

    async def _check_agent(self, principal: Principal, agent_id: AgentId) -> None:
        agent = await self._registry.agent(principal.workspace, agent_id)
        if agent is None or agent.state.ended or agent.generation != principal.generation:
            raise NotAuthenticated("the agent this token was made for is gone", code="TOKEN_REVOKED")

    async def _present(self, principal: Principal, member_id: MemberId, *, sha256: str) -> Principal:
        """The member as it is now, whatever it was when it signed in."""
        member = await self._members.member(principal.workspace, member_id)
        if member is None or member.generation != principal.generation:
            raise NotAuthenticated("you were signed out or removed: sign in again", code="TOKEN_REVOKED")
        present = replace(principal, name=member.name, role=member.role)
        expires_at_ms = self._in_ms(MEMBER_TOKEN_S)
        if expires_at_ms - (principal.expires_at_ms or 0) < _DAY_S * 1000:
            return present
        await self._tokens.prolong(present, sha256=sha256, expires_at_ms=expires_at_ms)
        return replace(present, expires_at_ms=expires_at_ms)

    async def register_agent(
        self, workspace: WorkspaceId, agent: AgentId, *, generation: int, sha256: str, plan: Plan, proxy: ProxyId
    ) -> None:
        """Take the token that a proxy made for an agent's process; only its hash was told.

        A proxy can speak for its own agents only: for another's this does nothing.
        """
        found = await self._registry.agent(workspace, agent)
        if found is None or found.proxy != proxy:
            return
        principal = Principal(
            workspace=workspace,
            kind=TokenKind.AGENT,
            token_id=TokenId(f"{agent}.{generation}"),
            name=found.name,
            plan=plan,
            session=found.session_id,
            agent=agent,
            generation=generation,
        )
        await self._tokens.add(principal, sha256=sha256, expires_at_ms=self._in_ms(_AGENT_TOKEN_S), listed=False)

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

        An observer's may be for one session only. Raises `BadRequest`, `NotPermitted`.
        """
        principal.require(Permission.ADMINISTER)
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
        )
        return await self._tokens.add(owner, sha256=token_hash(token), expires_at_ms=expires_at_ms), token

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

    async def issue_proxy_token(self, principal: Principal, proxy: ProxyId, *, expires_at_ms: int) -> str:
        """A fresh token for one proxy's next reconnect. Raises `NotAuthenticated` once its first one was revoked."""
        await self.require_listed(principal)
        token = new_token(TokenKind.PROXY)
        owner = replace(principal, kind=TokenKind.PROXY, proxy=proxy)
        await self._tokens.add(owner, sha256=token_hash(token), expires_at_ms=expires_at_ms, listed=False)
        return token

    async def require_listed(self, principal: Principal) -> None:
        """For one that goes on with tokens issued in-band: the token they come from must still be there.

        Raises `NotAuthenticated`, `Unavailable`.
        """
        if not await self._tokens.is_listed(principal.workspace, principal.token_id):
            raise NotAuthenticated("the token this access comes from was revoked", code="TOKEN_REVOKED")

    async def tokens(self, principal: Principal) -> list[TokenRecord]:
        """The workspace's tokens, without secrets. Raises `NotPermitted`."""
        principal.require(Permission.ADMINISTER)
        return await self._tokens.tokens(principal.workspace)

    async def revoke(self, principal: Principal, token: TokenId) -> None:
        """End a token at once, open sockets included. Raises `NotFound`, `NotPermitted`."""
        principal.require(Permission.ADMINISTER)
        if not principal.owns and any(
            each.id == token and each.kind is TokenKind.WORKSPACE
            for each in await self._tokens.tokens(principal.workspace)
        ):
            raise NotPermitted("only owners end a key of the workspace")
        await self._tokens.revoke(principal.workspace, token)

    async def workspace(self, principal: Principal) -> Workspace:
        """The caller's own."""
        return await self._tokens.workspace(principal.workspace)

    async def adopt_workspace(self, token: str, *, workspace: WorkspaceId, name: str, plan: Plan) -> None:
        """Make `token` the key of a workspace; the same again changes only the plan."""
        await self._tokens.create_workspace(workspace_id(workspace), name=name, plan=plan)
        await self._add_key(token, workspace=workspace, token_id=KEY_ID, name="operator", plan=plan)

    async def add_key(self, token: str, *, workspace: WorkspaceId, name: str) -> None:
        """Make `token` one more key of a workspace that there is. For callers that were checked already."""
        token_id = TokenId(secrets.token_hex(8))
        await self._add_key(token, workspace=workspace, token_id=token_id, name=name, plan=Plan.FREE)

    async def _add_key(self, token: str, *, workspace: WorkspaceId, token_id: TokenId, name: str, plan: Plan) -> None:
        owner = Principal(
            workspace=workspace,
            kind=TokenKind.WORKSPACE,
            token_id=token_id,
            name=name,
            plan=plan,  # the workspace's own is read with every use
            person=True,
        )
        await self._tokens.add(owner, sha256=token_hash(token))

    def _in_ms(self, seconds: float) -> int:
        return int((self._clock() + seconds) * 1000)


def _check_mintable(principal: Principal, kind: TokenKind, session: SessionId | None) -> None:
    if kind is TokenKind.AGENT:
        raise BadRequest("agent tokens are made by spawning an agent")
    if kind is TokenKind.MEMBER:
        raise BadRequest("a member's token is made by signing in")
    if kind is TokenKind.WORKSPACE and not principal.owns:
        raise NotPermitted("a key of the workspace may do all that an owner may: only owners make one")
    if session is not None and kind is not TokenKind.OBSERVER:
        raise BadRequest("only an observer's token can be for one session")
