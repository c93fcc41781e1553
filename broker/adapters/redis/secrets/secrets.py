"""A workspace's sealed secrets: one hash, a row of JSON for each."""

from __future__ import annotations

from typing import Any

import orjson

from broker.adapters.redis import keys
from broker.adapters.redis.client import TextRedis
from broker.adapters.redis.scripts import Scripts
from broker.domain.ids import WorkspaceId
from broker.services.ports import Sealed, SecretRecord


class RedisSecrets:
    """Implements `SecretRecords`."""

    def __init__(self, redis: TextRedis, scripts: Scripts) -> None:
        self._redis = redis
        self._scripts = scripts

    async def all(self, workspace: WorkspaceId) -> list[SecretRecord]:
        """By name."""
        rows = await self._redis.hgetall(keys.key(workspace, "secrets"))
        return [_record(name, row) for name, row in sorted(rows.items())]

    async def get(self, workspace: WorkspaceId, name: str) -> SecretRecord | None:
        """One of them; its previous value only while that holds."""
        row = await self._scripts.run("find_secret", workspace, name=name)
        return _record(name, row) if row else None

    async def put(
        self, workspace: WorkspaceId, name: str, sealed: Sealed, *, by: str, overlap_s: int, most: int
    ) -> None:
        """Set it."""
        await self._scripts.run_once(
            "set_secret",
            workspace,
            name=name,
            key=sealed.key,
            sealed=sealed.text,
            by=by,
            overlap_ms=overlap_s * 1000,
            most=most,
        )

    async def reseal(
        self, workspace: WorkspaceId, record: SecretRecord, sealed: Sealed, previous: Sealed | None
    ) -> None:
        """Put what another key has sealed in the place of `record`, unless that was replaced meanwhile."""
        row: dict[str, Any] = {"by": record.by, "at_ms": record.at_ms, "key": sealed.key, "sealed": sealed.text}
        if previous:
            kept = {"key": previous.key, "sealed": previous.text, "until_ms": record.previous_until_ms}
            row["previous"] = kept
        await self._scripts.run(
            "reseal_secret", workspace, name=record.name, replaced=record.row, row=orjson.dumps(row)
        )

    async def delete(self, workspace: WorkspaceId, name: str) -> bool:
        """Remove it; whether there was one."""
        return bool(await self._scripts.run_once("remove_secret", workspace, name=name))


def _record(name: str, row: str) -> SecretRecord:
    said = orjson.loads(row)
    previous = said.get("previous")
    return SecretRecord(
        name=name,
        by=said["by"],
        at_ms=int(said["at_ms"]),
        sealed=Sealed(said["key"], said["sealed"]),
        previous=Sealed(previous["key"], previous["sealed"]) if previous else None,
        previous_until_ms=int(previous["until_ms"]) if previous else 0,
        row=row,
    )
