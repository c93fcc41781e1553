"""What is to be delivered: a list by time, and what each run's record has of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing

import orjson

from broker.adapters.redis import keys
from broker.adapters.redis.client import TextRedis, listen_on
from broker.adapters.redis.hooks.hooks import latest_runs
from broker.adapters.redis.scripts import Scripts
from broker.domain.hooks.deliveries import Verdict
from broker.domain.hooks.runs import HookRunId
from broker.domain.ids import WorkspaceId
from broker.services.ports import Delivery, HookRun


class RedisDeliveries:
    """Implements `DeliveryRecords`."""

    def __init__(self, redis: TextRedis, scripts: Scripts) -> None:
        self._redis = redis
        self._scripts = scripts

    async def claim(self, workspace: WorkspaceId, *, limit: int, lease_s: float) -> tuple[list[Delivery], float | None]:
        """Those that are due, each said in the log as begun; and the seconds until the next is."""
        claimed, next_ms = await self._scripts.run_once(
            "claim_deliveries", workspace, limit=limit, lease_ms=int(lease_s * 1000)
        )
        found = [
            Delivery(run=HookRunId(run), hook=hook, attempt=int(attempt), send=orjson.loads(send))
            for run, hook, attempt, send in claimed or ()
        ]
        return found, _seconds(next_ms)

    async def settle(
        self, workspace: WorkspaceId, delivery: Delivery, verdict: Verdict, *, said: bytes
    ) -> float | None:
        """What an attempt came to, once."""
        next_ms = await self._scripts.run(
            "settle_delivery",
            workspace,
            run=delivery.run,
            attempt=delivery.attempt,
            outcome=verdict.outcome,
            wait_ms=int(verdict.wait_s * 1000),
            reason=verdict.reason,
            stops="1" if verdict.stops else "",
            said=said,
        )
        return _seconds(next_ms)

    async def resend(self, workspace: WorkspaceId, run: HookRunId, *, by: str) -> bool:
        """Deliver one anew that was given up; whether there is such a one."""
        if not keys.is_id(run):
            return False
        return bool(await self._scripts.run_once("resend_delivery", workspace, run=run, by=by))

    async def dead(self, workspace: WorkspaceId, *, limit: int) -> list[HookRun]:
        """Those that were given up, the newest first."""
        return await latest_runs(self._redis, workspace, "hook_dead", limit=limit)

    async def list_stopped(self, workspace: WorkspaceId) -> dict[str, str]:
        """Hooks that deliver nothing, and why."""
        rows = await self._redis.hgetall(keys.key(workspace, "hook_endpoints"))
        said = {hook: orjson.loads(row).get("stopped") for hook, row in rows.items()}
        return {hook: why for hook, why in said.items() if why}

    async def wakeups(self) -> AsyncIterator[WorkspaceId | None]:
        """Workspaces, as something in them is to be delivered; None: some may be lost."""
        async with aclosing(listen_on(self._redis, keys.DELIVERY_CHANNEL)) as messages:
            async for message in messages:
                yield None if message is None else keys.workspace_of(message)


def _seconds(milliseconds: int | str) -> float | None:
    return None if int(milliseconds) < 0 else int(milliseconds) / 1000
