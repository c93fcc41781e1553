"""Who a token stands for; making and ending tokens."""

from __future__ import annotations

import hashlib
import secrets
import time
from dataclasses import replace

from broker.domain.access import PREFIXES, Permission, Principal, TokenKind
from broker.domain.errors import BadRequest, NotAuthenticated, NotPermitted
from broker.domain.ids import AgentId, ProxyId, SessionId, TokenId, WorkspaceId
from broker.domain.plans import Plan
from broker.domain.workspaces import Workspace
from broker.services.ports import Registry, TokenRecord, Tokens

_SECRET_BYTES = 32
_AGENT_TOKEN_S = 180 * 24 * 3600
"""Of one process; longer than any lives, so that the hashes of those gone do not pile up."""


def token_hash(token: str) -> str:
    """How a token is kept. Its secret has 256 bits of entropy, so a plain hash cannot be guessed."""
    return hashlib.sha256(token.encode()).hexdigest()


def new_token(kind: TokenKind) -> str:
    """A fresh token of that kind."""
    return PREFIXES[kind] + secrets.token_urlsafe(_SECRET_BYTES)


class Access:
    """Authenticates callers and keeps a workspace's tokens."""

    def __init__(self, tokens: Tokens, registry: Registry) -> None:
        self._tokens = tokens
        self._registry = registry

    async def authenticate(self, token: str | None) -> Principal:
        """The caller behind a token. Raises `NotAuthenticated`.

        An agent's token is good only for the process it was made for: an older generation is fenced.
        """
        if not token:
            raise NotAuthenticated("no token: send 'Authorization: Bearer <token>'")
        principal = await self._tokens.owner(token_hash(token))
        if principal is None:
            raise NotAuthenticated("the token is unknown, revoked or expired")
        if principal.agent is not None:
            agent = await self._registry.agent(principal.workspace, principal.agent)
            if agent is None or agent.state.ended or agent.generation != principal.generation:
                raise NotAuthenticated("the agent this token was made for is gone", code="TOKEN_REVOKED")
        return principal

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
        expires_at_ms = int((time.time() + _AGENT_TOKEN_S) * 1000)
        await self._tokens.add(principal, sha256=sha256, expires_at_ms=expires_at_ms, listed=False)

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
        await self._tokens.add(owner, sha256=token_hash(token), expires_at_ms=expires_at_ms)
        record = next(r for r in await self._tokens.tokens(principal.workspace) if r.id == owner.token_id)
        return record, token

    async def issue_proxy_token(self, principal: Principal, proxy: ProxyId, *, expires_at_ms: int) -> str:
        """A fresh token for one proxy's next reconnect."""
        token = new_token(TokenKind.PROXY)
        owner = replace(principal, kind=TokenKind.PROXY, proxy=proxy)
        await self._tokens.add(owner, sha256=token_hash(token), expires_at_ms=expires_at_ms, listed=False)
        return token

    async def tokens(self, principal: Principal) -> list[TokenRecord]:
        """The workspace's tokens, without secrets. Raises `NotPermitted`."""
        principal.require(Permission.ADMINISTER)
        return await self._tokens.tokens(principal.workspace)

    async def revoke(self, principal: Principal, token: TokenId) -> None:
        """End a token at once, open sockets included. Raises `NotFound`, `NotPermitted`."""
        principal.require(Permission.ADMINISTER)
        await self._tokens.revoke(principal.workspace, token)

    async def workspace(self, principal: Principal) -> Workspace:
        """The caller's own."""
        return await self._tokens.workspace(principal.workspace)

    async def adopt_workspace(self, token: str, *, workspace: WorkspaceId, name: str, plan: Plan) -> None:
        """Make `token` the key of a workspace; the same again changes only the plan."""
        await self._tokens.create_workspace(workspace, name=name, plan=plan)
        owner = Principal(
            workspace=workspace,
            kind=TokenKind.WORKSPACE,
            token_id=TokenId("workspace"),
            name="operator",
            plan=plan,
            person=True,
        )
        await self._tokens.add(owner, sha256=token_hash(token))


def _check_mintable(principal: Principal, kind: TokenKind, session: SessionId | None) -> None:
    if kind is TokenKind.AGENT:
        raise BadRequest("agent tokens are made by spawning an agent")
    if kind is TokenKind.MEMBER:
        raise BadRequest("a member's token is made by signing in")
    if kind is TokenKind.WORKSPACE and not principal.owns:
        raise NotPermitted("a key of the workspace may do all that an owner may: only owners make one")
    if session is not None and kind is not TokenKind.OBSERVER:
        raise BadRequest("only an observer's token can be for one session")
