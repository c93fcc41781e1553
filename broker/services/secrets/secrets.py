"""A workspace's secrets: people write them, and only the broker's own calls read them."""

from __future__ import annotations

from dataclasses import dataclass

from broker.domain.errors import NotFound
from broker.domain.ids import WorkspaceId
from broker.domain.people.access import Permission, Principal
from broker.domain.secrets.references import MAX_SECRETS, require_name, require_value
from broker.domain.timings import TIMINGS
from broker.services.permissions import requires
from broker.services.ports import Sealing, SecretRecord, SecretRecords


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretShown:
    """What people see of a secret."""

    name: str
    by: str
    at_ms: int
    key: str
    """The id of the key that sealed it."""
    usable: bool
    """Whether the process that was asked has that key."""
    previous_until_ms: int | None
    """Until when the value that it replaced holds too."""


class Secrets:
    """Use cases around secrets. There is none that shows a value."""

    def __init__(self, records: SecretRecords, sealing: Sealing) -> None:
        self._records = records
        self._sealing = sealing

    @requires(Permission.ADMINISTER)
    async def show(self, principal: Principal) -> list[SecretShown]:
        """All of them, by name. Raises `NotPermitted`."""
        return [self._show(each) for each in await self._records.all(principal.workspace)]

    @requires(Permission.ADMINISTER)
    async def set(self, principal: Principal, name: str, *, value: str, at_once: bool = False) -> SecretShown:
        """Set one. `at_once`: a value that it replaces ends now, not a day later.

        Raises `NotPermitted`, `BadRequest`, `NotConfigured` (SECRET_KEY_NOT_CONFIGURED).
        """
        workspace = principal.workspace
        sealed = self._sealing.seal(workspace, require_name(name), require_value(value))
        overlap_s = 0 if at_once else TIMINGS.secret_overlap_s
        await self._records.put(workspace, name, sealed, by=principal.name, overlap_s=overlap_s, most=MAX_SECRETS)
        return self._show(_there(name, await self._records.get(workspace, name)))

    @requires(Permission.ADMINISTER)
    async def delete(self, principal: Principal, name: str) -> None:
        """Remove one; what refers to it fails from now on. Raises `NotPermitted`, `NotFound` (SECRET_NOT_FOUND)."""
        if not await self._records.delete(principal.workspace, name):
            raise _missing(name)

    def _show(self, record: SecretRecord) -> SecretShown:
        return SecretShown(
            name=record.name,
            by=record.by,
            at_ms=record.at_ms,
            key=record.sealed.key,
            usable=self._sealing.knows(record.sealed),
            previous_until_ms=record.previous_until_ms if record.previous else None,
        )


class SecretReader:
    """Reads values for the broker's own calls; no edge has one."""

    def __init__(self, records: SecretRecords, sealing: Sealing) -> None:
        self._records = records
        self._sealing = sealing

    async def values(self, workspace: WorkspaceId, name: str) -> list[str]:
        """The value that holds, and behind it the one that it replaced while that holds too.

        Raises `NotFound` (SECRET_NOT_FOUND), `NotConfigured` (SECRET_KEY_MISSING).
        """
        record = _there(name, await self._records.get(workspace, name))
        sealed = [record.sealed, *([record.previous] if record.previous else [])]
        return [self._sealing.unseal(workspace, name, each) for each in sealed]

    async def reseal(self, workspace: WorkspaceId) -> None:
        """Seal with the present key what an older one has sealed; what no key opens stays as it is."""
        current = self._sealing.current
        for record in await self._records.all(workspace) if current else []:
            every = [record.sealed, *([record.previous] if record.previous else [])]
            if all(each.key == current for each in every) or not all(map(self._sealing.knows, every)):
                continue
            fresh = [
                self._sealing.seal(workspace, record.name, self._sealing.unseal(workspace, record.name, each))
                for each in every
            ]
            await self._records.reseal(workspace, record, fresh[0], fresh[1] if record.previous else None)


def _there(name: str, record: SecretRecord | None) -> SecretRecord:
    if record is None:
        raise _missing(name)
    return record


def _missing(name: str) -> NotFound:
    return NotFound(f"there is no secret {name!r}: `relaycast secrets set {name}` makes it", code="SECRET_NOT_FOUND")
