"""A workspace's audit records in one stream, their seals in another, and how far both go in a hash."""

from __future__ import annotations

from collections.abc import Sequence

from broker.adapters.redis import keys
from broker.adapters.redis.client import TextRedis
from broker.adapters.redis.scripts import Scripts
from broker.domain.audit.acts import REFUSALS_ONCE_IN_S, Act
from broker.domain.audit.chain import Entry, Head, first_seal
from broker.domain.ids import WorkspaceId
from broker.domain.timings import TIMINGS

_Rows = Sequence[tuple[str, dict[str, str]]]


class RedisAuditRecords:
    """Implements `AuditRecords`."""

    def __init__(self, redis: TextRedis, scripts: Scripts) -> None:
        self._redis = redis
        self._scripts = scripts

    async def head(self, workspace: WorkspaceId) -> Head:
        """How far it goes."""
        names = ("number", "sealed", "seal", "first", "base")
        number, sealed, seal, first, base = await self._redis.hmget(keys.key(workspace, "audit_state"), *names)
        begins = first_seal(workspace)
        return Head(
            number=int(number or 0),
            sealed=int(sealed or 0),
            seal=seal or begins,
            first=int(first or 1),
            base=base or begins,
        )

    async def after(self, workspace: WorkspaceId, number: int, *, limit: int) -> list[Entry]:
        """Up to `limit` behind a number, the oldest first."""
        stream = keys.key(workspace, "audit")
        rows = await self._redis.xrange(stream, min=f"{number + 1}-0", max="+", count=limit)
        return await self._parse_sealed(workspace, rows)

    async def before(self, workspace: WorkspaceId, number: int | None, *, limit: int) -> list[Entry]:
        """Up to `limit` ahead of a number, or the last ones; the newest first."""
        behind = "+" if number is None else f"({number}-0"
        rows = await self._redis.xrevrange(keys.key(workspace, "audit"), max=behind, min="-", count=limit)
        return await self._parse_sealed(workspace, rows)

    async def _parse_sealed(self, workspace: WorkspaceId, rows: _Rows) -> list[Entry]:
        if not rows:
            return []
        ids = sorted((row[0] for row in rows), key=_number)
        found = await self._redis.xrange(keys.key(workspace, "audit_seals"), min=ids[0], max=ids[-1], count=len(rows))
        seals = {name: fields["h"] for name, fields in found}
        return [Entry(number=_number(name), record=fields["r"], seal=seals.get(name)) for name, fields in rows]

    async def note(
        self, workspace: WorkspaceId, act: Act, *, on: str, before: str | None = None, after: str | None = None
    ) -> None:
        """Record what is done outside of scripts, by the caller who acts now."""
        await self._scripts.run_once(
            "note_act", workspace, act=act, target=on, before=before or "", after=after or "", once="", once_s=0
        )

    async def record_refusal(self, workspace: WorkspaceId, *, operation: str, why: str) -> None:
        """Record that the caller who acts now may not do that, once in a while."""
        await self._scripts.run_once(
            "note_act",
            workspace,
            act=Act.REFUSED,
            target=operation,
            before="",
            after=why,
            once=operation,
            once_s=REFUSALS_ONCE_IN_S,
        )

    async def seal(self, workspace: WorkspaceId, *, first: int, seals: Sequence[str]) -> bool:
        """Keep seals from a number on; False when others were kept meanwhile. What is too old is let go of."""
        kept = TIMINGS.audit_records
        return bool(await self._scripts.run("seal_audit", workspace, first=first, kept=kept, seals=list(seals)))


def _number(entry_id: str) -> int:
    return int(entry_id.partition("-")[0])
