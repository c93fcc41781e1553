"""Tokens by their hash. The secret itself is never stored."""

from __future__ import annotations

import time
from dataclasses import replace

import orjson
from pydantic import TypeAdapter

from broker.adapters.redis import keys
from broker.adapters.redis.client import TextRedis
from broker.domain.access import Principal
from broker.domain.errors import NotFound
from broker.domain.ids import TokenId, WorkspaceId
from broker.domain.plans import Plan
from broker.domain.workspaces import Workspace
from broker.services.ports import TokenRecord

_PRINCIPAL: TypeAdapter[Principal] = TypeAdapter(Principal)
_RECORD: TypeAdapter[TokenRecord] = TypeAdapter(TokenRecord)


class RedisTokens:
    """Implements `Tokens`."""

    def __init__(self, redis: TextRedis) -> None:
        self._redis = redis

    async def owner(self, sha256: str) -> Principal | None:
        """The principal, or None when it is unknown, revoked or expired."""
        text = await self._redis.get(keys.token(sha256))
        if not text:
            return None
        principal = _PRINCIPAL.validate_json(text)
        if principal.proxy is not None and not await self.is_listed(principal.workspace, principal.token_id):
            return None  # issued in-band from a token that was revoked since
        plan = await self._redis.hget(keys.root(principal.workspace), "plan")
        return replace(principal, plan=Plan(plan)) if plan else principal

    async def is_listed(self, workspace: WorkspaceId, token: TokenId) -> bool:
        """Whether a token that people made is still there."""
        return await self._redis.hget(keys.key(workspace, "tokens"), token) is not None

    async def add(
        self,
        principal: Principal,
        *,
        sha256: str,
        expires_at_ms: int | None = None,
        listed: bool = True,
    ) -> TokenRecord:
        """Register a token for `principal`."""
        record = TokenRecord(
            id=principal.token_id,
            kind=principal.kind,
            name=principal.name,
            created_at_ms=_now_ms(),
            expires_at_ms=expires_at_ms,
            session=principal.session,
        )
        if listed:
            await self._end_replaced(principal, sha256)
            row = orjson.dumps({"record": record, "sha256": sha256})
            await self._redis.hset(keys.key(principal.workspace, "tokens"), principal.token_id, row)
        owner = replace(principal, expires_at_ms=expires_at_ms)
        life_ms = None if expires_at_ms is None else remaining_ms(expires_at_ms)
        if life_ms is None or life_ms > 0:
            await self._redis.set(keys.token(sha256), orjson.dumps(owner), px=life_ms)
        return record

    async def prolong(self, principal: Principal, *, sha256: str, expires_at_ms: int) -> None:
        """Let a token live longer; nothing when it has ended."""
        owner = replace(principal, expires_at_ms=expires_at_ms)
        await self._redis.set(keys.token(sha256), orjson.dumps(owner), px=max(1, remaining_ms(expires_at_ms)), xx=True)

    async def end(self, principal: Principal, *, sha256: str) -> None:
        """End a token that is not listed, at once and everywhere."""
        await self._redis.delete(keys.token(sha256))
        await self._redis.publish(keys.ACCESS_CHANNEL, principal.token_id)

    async def _end_replaced(self, principal: Principal, sha256: str) -> None:
        """A workspace has one key: a new one in its place ends the old."""
        row = await self._redis.hget(keys.key(principal.workspace, "tokens"), principal.token_id)
        if row is not None and (old := orjson.loads(row)["sha256"]) != sha256:
            await self._redis.delete(keys.token(old))

    async def tokens(self, workspace: WorkspaceId) -> list[TokenRecord]:
        """The listed tokens of a workspace."""
        table = keys.key(workspace, "tokens")
        rows = await self._redis.hvals(table)
        records = [_RECORD.validate_python(orjson.loads(row)["record"]) for row in rows]
        over = [r.id for r in records if r.expires_at_ms is not None and r.expires_at_ms <= _now_ms()]
        if over:
            await self._redis.hdel(table, *over)
        return sorted((r for r in records if r.id not in over), key=lambda r: r.created_at_ms)

    async def revoke(self, workspace: WorkspaceId, token: TokenId) -> None:
        """End a token at once, everywhere. Raises `NotFound`."""
        table = keys.key(workspace, "tokens")
        row = await self._redis.hget(table, token)
        if row is None:
            raise NotFound(f"no token {token[:80]!r}", code="TOKEN_NOT_FOUND")
        sha256 = orjson.loads(row)["sha256"]
        await self._redis.delete(keys.token(sha256))
        await self._redis.hdel(table, token)
        await self._redis.publish(keys.ACCESS_CHANNEL, token)

    async def create_workspace(self, workspace: WorkspaceId, *, name: str, plan: Plan) -> None:
        """Register a workspace; nothing when it exists."""
        await self._redis.sadd(keys.WORKSPACES, workspace)
        await self._redis.hsetnx(keys.root(workspace), "name", name)
        await self._redis.hset(keys.root(workspace), "plan", plan)

    async def workspace(self, workspace: WorkspaceId) -> Workspace:
        """What is registered. Raises `NotFound`."""
        name, plan = await self._redis.hmget(keys.root(workspace), "name", "plan")
        if name is None or plan is None:
            raise NotFound("the workspace is gone", code="WORKSPACE_NOT_FOUND")
        return Workspace(id=workspace, name=name, plan=Plan(plan))


def remaining_ms(expires_at_ms: int) -> int:
    """How long something lives that ends at an instant of this machine's clock: Redis' own may show another time."""
    return expires_at_ms - _now_ms()


def _now_ms() -> int:
    return int(time.time() * 1000)
