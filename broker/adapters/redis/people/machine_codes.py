"""Codes that link a machine, by their hash; they end by themselves. A list for each workspace says which are open."""

from __future__ import annotations

from dataclasses import dataclass

import orjson
from pydantic import TypeAdapter

from broker.adapters.redis import keys
from broker.adapters.redis.audit.records import RedisAuditRecords
from broker.adapters.redis.client import TextRedis
from broker.adapters.redis.people.one_time import take_once
from broker.adapters.redis.people.tokens import remaining_ms
from broker.adapters.redis.scripts import Scripts
from broker.domain.audit.acts import Act
from broker.domain.errors import Conflict
from broker.domain.ids import WorkspaceId
from broker.domain.people.enrolment import MAX_CODES, OpenCode, PendingMachine

_PENDING: TypeAdapter[PendingMachine] = TypeAdapter(PendingMachine)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Listed:
    """An entry of the list."""

    code: OpenCode
    sha256: str


_LISTED: TypeAdapter[_Listed] = TypeAdapter(_Listed)


class RedisMachineCodes:
    """Implements `MachineCodes`."""

    def __init__(self, redis: TextRedis, scripts: Scripts) -> None:
        self._redis = redis
        self._audit = RedisAuditRecords(redis, scripts)

    async def keep(self, sha256: str, pending: PendingMachine, *, expires_at_ms: int) -> None:
        """Let a code be used until then. Raises `Conflict` (TOO_MANY_CODES)."""
        life_ms = remaining_ms(expires_at_ms)
        if life_ms <= 0:
            return
        if len(await self._listed(pending.workspace)) >= MAX_CODES:
            raise Conflict(
                f"{MAX_CODES} codes are open already: revoke some, or wait until they end", code="TOO_MANY_CODES"
            )
        # Whoever has the code links a machine: it is written down before it is good.
        await self._audit.note(pending.workspace, Act.MACHINE_CODE_MADE, on=f"machine {pending.name}")
        code = OpenCode(id=pending.id, name=pending.name, expires_at_ms=expires_at_ms)
        where = keys.key(pending.workspace, "machine_codes")
        await self._redis.hset(where, pending.id, orjson.dumps(_Listed(code=code, sha256=sha256)))
        await self._redis.pexpire(where, life_ms)  # each lives as long, so the newest ends last
        await self._redis.set(keys.machine_code(sha256), orjson.dumps(pending), px=life_ms)

    async def take(self, sha256: str) -> PendingMachine | None:
        """What a code is for, and its end: the next one to ask gets None."""
        pending = await take_once(self._redis, keys.machine_code(sha256))
        return None if pending is None else _PENDING.validate_json(pending)

    async def open(self, workspace: WorkspaceId) -> list[OpenCode]:
        """Those that may still be used, the oldest first."""
        return [each.code for each in await self._listed(workspace)]

    async def revoke(self, workspace: WorkspaceId, id_: str) -> OpenCode | None:
        """End one; None where there is none."""
        for each in await self._listed(workspace):
            if each.code.id == id_:
                await self._audit.note(workspace, Act.MACHINE_CODE_REVOKED, on=f"machine {each.code.name}")
                await self._redis.delete(keys.machine_code(each.sha256))
                return each.code
        return None

    async def _listed(self, workspace: WorkspaceId) -> list[_Listed]:
        """What is open. Entries of those that were used, revoked or too old are removed."""
        where = keys.key(workspace, "machine_codes")
        found = [_LISTED.validate_json(each) for each in (await self._redis.hgetall(where)).values()]
        is_open = [await self._redis.get(keys.machine_code(each.sha256)) is not None for each in found]
        if ended := [each.code.id for each, lives in zip(found, is_open, strict=True) if not lives]:
            await self._redis.hdel(where, *ended)
        listed = [each for each, lives in zip(found, is_open, strict=True) if lives]
        return sorted(listed, key=lambda each: (each.code.expires_at_ms, each.code.id))
