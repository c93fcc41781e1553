"""How the whole installation is doing, for whoever watches it by machine: `relaycast status` over all workspaces."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from broker.domain.operations.status import Survey, Waiting
from broker.services.logs.health import LogHealth
from broker.services.operations.status import log_store_state, redis_state
from broker.services.ports import LogStore, Pressure, Processes, WorkspaceRecords


class Surveyor:
    """Takes surveys. No caller asks for one: it has counts and states, and says nothing of any workspace."""

    def __init__(
        self,
        processes: Processes,
        pressure: Pressure,
        records: WorkspaceRecords,
        logs: LogStore | None,
        *,
        log_health: LogHealth,
    ) -> None:
        self._processes = processes
        self._pressure = pressure
        self._records = records
        self._logs = logs
        self._log_health = log_health

    async def take(self) -> Survey:
        """One look at everything, workspace after workspace. Raises `Unavailable`."""
        stores = (await redis_state(self._pressure), await log_store_state(self._logs, self._log_health))
        processes = await self._processes.alive()
        workspaces = await self._records.all()
        agents: Counter[str] = Counter()
        backlogs, messages = [], []
        for workspace in workspaces:
            agents.update(await self._pressure.agents(workspace))
            backlogs.append(await self._pressure.measure_unshipped(workspace))
            messages.append(await self._pressure.unread(workspace))
        return Survey(
            at_ms=await self._pressure.now_ms(),
            processes=tuple(processes),
            stores=stores,
            workspaces=len(workspaces),
            agents=dict(agents),
            backlog=_sum(backlogs),
            messages=_sum(messages),
        )


def _sum(waiting: Sequence[Waiting]) -> Waiting:
    return Waiting(
        count=sum(each.count for each in waiting),
        oldest_at_ms=min((each.oldest_at_ms for each in waiting if each.oldest_at_ms is not None), default=None),
    )
