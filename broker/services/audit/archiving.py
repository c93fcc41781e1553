"""Audit trails in archives: a workspace's own into one, and those of archives into a workspace.

A trail that was imported stays the other workspace's. It is kept beside the own one, under an id, exactly as it was,
and verifies against its own workspace and the keys of the broker it comes from.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from broker.domain.audit.archived import ArchivedTrail, ImportedTrail, check_entries, check_trail
from broker.domain.audit.chain import Checkpoint, Entry, Head
from broker.domain.errors import NotFound
from broker.domain.people.access import Permission, Principal
from broker.domain.plans.plans import Feature, PlanTable
from broker.domain.timings import TIMINGS
from broker.services.audit.sealing import AuditSealer
from broker.services.audit.trail import MAX_CHAIN, AuditChain
from broker.services.permissions import requires
from broker.services.ports import AuditRecords, CheckpointSigning, ImportedTrails


class TrailArchiving:
    """For owners and admins. What is kept is kept whatever the plan; reading it needs a plan that has it."""

    def __init__(
        self,
        records: AuditRecords,
        imported: ImportedTrails,
        signing: CheckpointSigning,
        *,
        plans: PlanTable,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`clock`: Unix time, for people who read checkpoints."""
        self._records = records
        self._imported = imported
        self._signing = signing
        self._plans = plans
        self._clock = clock
        self._sealer = AuditSealer(records, (), signing)

    @requires(Permission.ADMINISTER)
    async def take(self, principal: Principal) -> ArchivedTrail | None:
        """What an archive says of the trail of now, all of it sealed; None where the plan has no audit trail.

        Its records are those of `AuditTrail.chain`, up to the head's number. Raises `NotPermitted`.
        """
        if not self._plans.has(principal.plan, Feature.AUDIT):
            return None
        workspace = principal.workspace
        await self._sealer.tend(workspace)
        now = await self._records.head(workspace)
        head = Head(number=now.sealed, sealed=now.sealed, seal=now.seal, first=now.first, base=now.base)
        at_ms = int(self._clock() * 1000)
        checkpoint = Checkpoint(workspace=workspace, number=head.number, seal=head.seal, at_ms=at_ms)
        return ArchivedTrail(
            workspace=workspace, head=head, checkpoint=self._signing.sign(checkpoint), keys=tuple(self._signing.keys)
        )

    @requires(Permission.ADMINISTER)
    async def begin(self, principal: Principal, trail: ArchivedTrail) -> ImportedTrail:
        """Keep one of an archive, or go on with that.

        Raises `NotPermitted`, `BadRequest`, `Conflict` (TOO_MANY_TRAILS).
        """
        check_trail(trail, most=TIMINGS.audit_records)
        return await self._imported.begin(principal.workspace, trail)

    @requires(Permission.ADMINISTER)
    async def add(self, principal: Principal, id_: str, entries: Sequence[Entry]) -> None:
        """Keep records of one, in order; those that are here are left as they are.

        Raises `NotPermitted`, `NotFound` (TRAIL_NOT_FOUND), `BadRequest`.
        """
        check_entries((await self._one(principal, id_)).trail, entries)
        await self._imported.add(principal.workspace, id_, entries)

    @requires(Permission.ADMINISTER)
    async def trails(self, principal: Principal) -> Sequence[ImportedTrail]:
        """Those that were imported, the oldest first. Raises `NotPermitted`, `PlanLimitReached`."""
        self._plans.require_feature(principal.plan, Feature.AUDIT)
        return await self._imported.trails(principal.workspace)

    @requires(Permission.ADMINISTER)
    async def chain(
        self, principal: Principal, id_: str, *, after: int = 0, limit: int = MAX_CHAIN
    ) -> tuple[ImportedTrail, AuditChain]:
        """Records of one behind a number, as they are kept. Raises as `trails`, and `NotFound` (TRAIL_NOT_FOUND)."""
        self._plans.require_feature(principal.plan, Feature.AUDIT)
        found = await self._one(principal, id_)
        entries = await self._imported.after(principal.workspace, found.id, after, limit=limit)
        return found, AuditChain(head=found.trail.head, entries=entries, keys=found.trail.keys)

    async def _one(self, principal: Principal, id_: str) -> ImportedTrail:
        found = next((each for each in await self._imported.trails(principal.workspace) if each.id == id_), None)
        if found is None:
            raise NotFound(f"no imported trail {id_[:80]!r}", code="TRAIL_NOT_FOUND")
        return found
