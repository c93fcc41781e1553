"""How many steps of workflows two workers bring forward, how evenly, and what one long run takes."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from connect.sdk import AgentRelay
from tests.bench.figures import Figure, Section, p50, p99
from tests.bench.machine import rss_mib
from tests.bench.stage import Broker, running

_RUNS = "/v1/workflows/runs"
_SETTLED_S = 900
_AT_ONCE = 8
_STARTS_A_SECOND = 10
"""Allowed for when all are to begin together, on a busy machine too."""
_EXPLAINED = (
    "Runs of steps that wait for no time at all, one after the other: each is started, found to have ended, and its "
    "run goes on, with every decision in the journal and every event in the session's log before the next. The runs "
    "are made ahead and all become due at one instant. `up` holds one worker, a process of its own the other. A run's "
    "lag is its end after that instant, so the first and the last together say how evenly they were served."
)
_HEAD = ("runs", "steps of each", "steps a second", "first run ended s", "p50 s", "p99 s", "last s", "worker MiB")


async def measure_workflows(broker: Broker, *, shapes: Sequence[tuple[int, int]]) -> Section:
    """One row for each (runs, steps of each)."""
    section = Section(title="Runs of workflows", explained=_EXPLAINED, head=_HEAD)
    command = [sys.executable, "-m", "broker.cli", "worker", "--redis", broker.redis_url, "--json"]
    async with running(command, folder=broker.folder) as worker, broker.relay() as relay:
        for runs, steps in shapes:
            section.rows.append(await _row(relay, runs, steps, worker=worker.pid))
    return section


async def _row(relay: AgentRelay, runs: int, steps: int, *, worker: int) -> tuple[Figure, ...]:
    due_s = time.time() + 5 + runs / _STARTS_A_SECOND
    text = _file(steps, due_s=due_s)
    room = asyncio.Semaphore(_AT_ONCE)

    async def start(number: int) -> str:
        async with room:
            body = {"text": text, "session": f"bench-{runs}-{number}"}
            return str((await relay.request("POST", _RUNS, body=body))["id"])

    ids = await asyncio.gather(*(start(number) for number in range(runs)))
    if time.time() > due_s:
        raise RuntimeError("the runs were due before all were made")
    async with asyncio.timeout(_SETTLED_S):
        ends_s = [(await _ended(relay, each))["changed_at_ms"] / 1000 - due_s for each in ids]
    lasts = min(ends_s), p50(ends_s), p99(ends_s), max(ends_s)
    return (runs, steps, runs * steps / max(ends_s), *lasts, rss_mib(worker))


async def _ended(relay: AgentRelay, run: str) -> Mapping[str, Any]:
    """The run once it has ended; asked rarely, since that is work for the same processor."""
    while True:
        shown: Mapping[str, Any] = await relay.request("GET", f"{_RUNS}/{run}")
        if shown["state"] != "running":
            if shown["state"] != "completed":
                raise RuntimeError(f"run {run} is {shown['state']}: {shown['reason']}")
            return shown
        await asyncio.sleep(2)


def _file(steps: int, *, due_s: float) -> str:
    due = datetime.fromtimestamp(due_s, UTC).isoformat()
    chain = "\n".join(
        f"      - {{ name: s{n}, waitFor: {{ durationMs: 0 }}, dependsOn: [{f's{n - 1}' if n else 'start'}] }}"
        for n in range(steps)
    )
    return (
        'version: "1.0"\nname: bench\nswarm: { pattern: dag }\nworkflows:\n  - name: bench\n    steps:\n'
        f'      - {{ name: start, waitFor: {{ until: "{due}" }} }}\n{chain}\n'
    )
