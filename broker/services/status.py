"""How the installation and a workspace are doing, for who runs it. Sizes and counts, never contents."""

from __future__ import annotations

import asyncio

from broker.domain.access import Permission, Principal
from broker.domain.errors import RelayError
from broker.domain.status import Status, StoreState
from broker.services.ports import LogStore, Pressure, Processes, Registry

_ANSWER_S = 5.0
"""For the log store: who asks how it is must hear that it is slow."""


class StatusReport:
    """Gathers it."""

    def __init__(
        self,
        processes: Processes,
        pressure: Pressure,
        registry: Registry,
        logs: LogStore | None,
        *,
        version: str,
    ) -> None:
        self._processes = processes
        self._pressure = pressure
        self._registry = registry
        self._logs = logs
        self._version = version

    async def get(self, principal: Principal) -> Status:
        """All of it now. Raises `NotPermitted`, `Unavailable`."""
        principal.require(Permission.ADMINISTER)
        workspace = principal.workspace
        machines = await self._registry.proxies(workspace)
        return Status(
            at_ms=await self._pressure.now_ms(),
            version=self._version,
            format=await self._pressure.format(),
            processes=tuple(await self._processes.alive()),
            stores=(
                StoreState(name="redis", state="ready", room=await self._pressure.room()),
                await _log_store(self._logs),
            ),
            machines=len(machines),
            machines_online=sum(machine.online for machine in machines),
            agents=await self._pressure.agents(workspace),
            backlog=await self._pressure.unshipped(workspace),
            messages=await self._pressure.unread(workspace),
        )


async def _log_store(logs: LogStore | None) -> StoreState:
    if logs is None:
        return StoreState(name="logs", state="not kept")
    try:
        async with asyncio.timeout(_ANSWER_S):
            room = await logs.room()
    except RelayError as error:
        return StoreState(name="logs", state=f"degraded: {error.message}")
    except TimeoutError:
        return StoreState(name="logs", state=f"degraded: no answer within {_ANSWER_S:g} s")
    return StoreState(name="logs", state="ready" if not logs.degraded else f"ready, {logs.degraded}", room=room)
