"""What can be done to a stage: kill, freeze, cut, fill. Each is an `Act`; none of them heals, `Stage.mend` does."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Awaitable, Callable

from tests.faults.processes import Managed
from tests.faults.proxy import Weather
from tests.faults.topology import Stage, say
from tests.faults.traffic import Traffic

Act = Callable[[Stage, Traffic, float], Awaitable[None]]
"""Does its harm for about so many seconds and returns."""


def lasting(inject: Callable[[Stage], Awaitable[None] | None]) -> Act:
    """A fault that is there for the whole time."""

    async def act(stage: Stage, traffic: Traffic, lasts_s: float) -> None:
        del traffic
        if (injected := inject(stage)) is not None:
            await injected
        await asyncio.sleep(lasts_s)

    return act


def in_turn(inject: Callable[[Stage, int], Awaitable[None]], *, times: int) -> Act:
    """A fault that happens again and again; everything is whole in between."""

    async def act(stage: Stage, traffic: Traffic, lasts_s: float) -> None:
        del traffic
        for number in range(times):
            await inject(stage, number)
            await asyncio.sleep(lasts_s / times)
            await stage.mend()

    return act


def weather(kind: Weather) -> Act:
    """All machines' ways to the gateways behave like this."""

    def inject(stage: Stage) -> None:
        for door in stage.doors:
            door.change(kind)

    return lasting(inject)


def nothing(stage: Stage) -> None:
    """The measure for all others."""
    del stage


async def kill_gateway(stage: Stage, number: int) -> None:
    await stage.gateways[number % len(stage.gateways)].kill()


async def kill_workers(stage: Stage, number: int) -> None:
    """One of them first, then both."""
    for worker in stage.workers[: number + 1]:
        await worker.kill()


async def kill_machine(stage: Stage, number: int) -> None:
    await stage.machines[number % len(stage.machines)].kill()


async def kill_agent(stage: Stage, number: int) -> None:
    """The one that lives longest: each gets its turn, and none is restarted too often within ten minutes."""
    del number
    _signal(stage.agent_pids()[0], signal.SIGKILL)


def freeze_agent(stage: Stage) -> None:
    _signal(stage.agent_pids()[0], signal.SIGSTOP)


def frozen(choose: Callable[[Stage], list[Managed]]) -> Act:
    def inject(stage: Stage) -> None:
        for process in choose(stage):
            process.freeze()

    return lasting(inject)


async def restart_rolling(stage: Stage, traffic: Traffic, lasts_s: float) -> None:
    """As a deployment does it: each process is asked to end, and starts again, while the others serve."""
    del traffic
    serving = [*stage.gateways, *stage.workers]
    for process in serving:
        if (status := await process.stop()) != 0:
            stage.remark(f"{process.name} ended with {status} after SIGTERM")
        await process.start()
        await asyncio.sleep(lasts_s / len(serving))


async def reset_links(stage: Stage, number: int) -> None:
    del number
    for door in stage.doors:
        door.reset()


async def stop_workers(stage: Stage) -> None:
    for worker in stage.workers:
        await worker.stop()


async def stop_store(stage: Stage) -> None:
    await stage.store.stop()


async def kill_store(stage: Stage, number: int = 0) -> None:
    del number
    await stage.store.kill()


async def kill_logs(stage: Stage) -> None:
    await stage.logs.kill()


async def kill_everything(stage: Stage) -> None:
    """As a power cut of the host, but for the last second of its disk."""
    await asyncio.gather(*(process.kill() for process in stage.all if process is not stage.logs))


async def fill_memory(stage: Stage, traffic: Traffic, lasts_s: float) -> None:
    """The store refuses every write for want of memory."""
    del traffic
    await say(stage.store_port, "CONFIG", "SET", "maxmemory", "1")
    await asyncio.sleep(lasts_s)
    await say(stage.store_port, "CONFIG", "SET", "maxmemory", "0")


async def demote_store(stage: Stage, traffic: Traffic, lasts_s: float) -> None:
    """The store becomes a replica, which takes no writes, and the primary again: a fail-over that was called off."""
    del traffic
    await say(stage.store_port, "REPLICAOF", "127.0.0.1", "1")
    await asyncio.sleep(lasts_s)
    await say(stage.store_port, "REPLICAOF", "NO", "ONE")


def _signal(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)
