"""How the installation and a workspace are doing, for who runs it. Sizes and counts, never contents."""

from __future__ import annotations

import asyncio
import contextlib

from broker.domain.errors import RelayError, Unavailable
from broker.domain.names import looks_like_id
from broker.domain.operations.status import Status, StoreRoom, StoreState
from broker.domain.people.access import Permission, Principal
from broker.services.logs.health import LogHealth
from broker.services.permissions import requires
from broker.services.ports import LogStore, Pressure, Processes, Registry

_ROOM_S = 5.0
"""For the log store to count what it keeps."""


class StatusReport:
    """Gathers it."""

    def __init__(
        self,
        processes: Processes,
        pressure: Pressure,
        registry: Registry,
        logs: LogStore | None,
        *,
        log_health: LogHealth,
        version: str,
    ) -> None:
        self._log_health = log_health
        self._processes = processes
        self._pressure = pressure
        self._registry = registry
        self._logs = logs
        self._version = version

    @requires(Permission.ADMINISTER)
    async def get(self, principal: Principal) -> Status:
        """All of it now. Raises `NotPermitted`, `Unavailable`."""
        workspace = principal.workspace
        machines = await self._registry.machine_signs(workspace)
        sessions = await self._registry.sessions(workspace)
        named = [*((each.id, each.name) for each in sessions), *((each.id, each.name) for each in machines)]
        return Status(
            at_ms=await self._pressure.now_ms(),
            version=self._version,
            format=await self._pressure.format(),
            processes=tuple(await self._processes.alive()),
            stores=(await redis_state(self._pressure), await log_store_state(self._logs, self._log_health)),
            machines=len(machines),
            machines_online=sum(machine.online for machine in machines),
            agents=await self._pressure.agents(workspace),
            backlog=await self._pressure.measure_unshipped(workspace),
            messages=await self._pressure.unread(workspace),
            misnamed=tuple((its_id, name) for its_id, name in named if looks_like_id(name)),
        )


async def redis_state(pressure: Pressure) -> StoreState:
    """As `/readyz` says it: one that can be read may still take no writes."""
    try:
        await pressure.require_writable()
    except Unavailable as trouble:
        return StoreState(name="redis", state=trouble.message, room=await pressure.room())
    return StoreState(name="redis", state="ready", room=await pressure.room())


async def log_store_state(logs: LogStore | None, health: LogHealth) -> StoreState:
    """As `/readyz` says it."""
    room = await _room_of(logs) if logs else StoreRoom()
    return StoreState(name="logs", state=await health.state(), room=room)


async def _room_of(logs: LogStore) -> StoreRoom:
    """Nothing when the store does not say, or not in time: its state says that."""
    with contextlib.suppress(RelayError, TimeoutError):
        async with asyncio.timeout(_ROOM_S):
            return await logs.room()
    return StoreRoom()
