"""Many workspaces on one broker: what one that is hostile does to the others, and what idle ones cost."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from uuid import uuid4

import httpx

from broker.app import build_adapters
from broker.domain.ids import WorkspaceId
from tests.bench import machine
from tests.bench.figures import Figure, Section, p50, p99
from tests.bench.link_client import linked_agent
from tests.bench.stage import Broker, running_broker
from tests.fixtures.gateway import make_workspace

_PER_S = 40
"""Requests of all the others together."""
_SEARCHED = 20
"""Of so many requests one searches the logs. Embedded, the log engine is one process for all: with more it is the
engine's own rate that is measured, hostile workspace or not.
"""
_FRAME_BYTES = 8 * 1024 * 1024 - 4096
_SEARCHERS = 8
_HOSTILE = (
    "One `relaycast up` with its stores, on the machine that also sends. {others} workspaces ask for {per_s} things a "
    "second together, unevenly: the n-th asks 1/n as often as the first. They list the agents of a session, or add a "
    "rule and remove it; one in {searched} searches the logs. First alone; then beside one workspace that does "
    "everything at once for as long as it can: {searchers} connections that search without end, sessions made one "
    "after the other up to {sessions}, sessions deleted again, and a machine that reports frames of 8 MB without a "
    "pause. Milliseconds from when a request was due to its answer, and how many were refused or failed."
)
_IDLE = (
    "One `relaycast up` with nothing to do, before and after workspaces are made that have a session each; half a "
    "minute later. CPU: of all the broker's processes, in percent of one core; memory: PSS, the growth for each "
    "workspace."
)


@dataclass(slots=True, kw_only=True)
class _Told:
    """What the others met."""

    took: list[float] = field(default_factory=list)
    failed: int = 0


async def measure_hostile(folder: Path, *, workspaces: int, seconds: float, sessions: int) -> Section:
    explained = _HOSTILE.format(
        others=workspaces - 1, per_s=_PER_S, searchers=_SEARCHERS, searched=_SEARCHED, sessions=f"{sessions:,}"
    )
    section = Section(
        title="Others beside a hostile workspace",
        explained=explained,
        head=("when", "requests", "p50 ms", "p99 ms", "slowest ms", "refused or failed", "hostile: acts / s"),
    )
    async with (
        running_broker(folder) as broker,
        _keys(broker, workspaces) as keys,
        httpx.AsyncClient(base_url=broker.url, timeout=60, limits=httpx.Limits(max_connections=None)) as http,
    ):
        hostile, *others = keys
        await _ask_all(http, others, seconds=min(seconds, 5))
        before = await _ask_all(http, others, seconds=seconds)
        section.rows.append(_row("alone", before, None))
        acts = [0]
        async with _attack(replace(broker, key=hostile), sessions=sessions, acts=acts):
            began, had = time.perf_counter(), acts[0]
            during = await _ask_all(http, others, seconds=seconds)
            rate = (acts[0] - had) / (time.perf_counter() - began)
        section.rows.append(_row("beside it", during, rate))
        section.rows.append(_row("afterwards", await _ask_all(http, others, seconds=seconds), None))
    return section


def _row(when: str, told: _Told, rate: float | None) -> tuple[Figure, ...]:
    return when, len(told.took), p50(told.took), p99(told.took), max(told.took), told.failed, rate


@contextlib.asynccontextmanager
async def _keys(broker: Broker, count: int) -> AsyncIterator[list[str]]:
    """Workspaces with a session each."""
    adapters = build_adapters(broker.redis_url)
    async with httpx.AsyncClient(base_url=broker.url, timeout=60) as http:
        keys = []
        for _ in range(count):
            keys.append(await make_workspace(adapters, WorkspaceId(uuid4().hex)))
            made = await http.post("/v1/sessions", json={"name": "main"}, headers=_bearer(keys[-1]))
            made.raise_for_status()
    await adapters.redis.aclose()
    yield keys


def _bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


async def _ask_all(http: httpx.AsyncClient, keys: Sequence[str], *, seconds: float) -> _Told:
    """An even stream of requests of uneven callers: none waits for the answer of the one before it."""
    told, chance = _Told(), random.Random(7)
    weights = [1 / rank for rank in range(1, len(keys) + 1)]
    began = time.perf_counter()
    async with asyncio.TaskGroup() as tasks:
        for number in range(int(seconds * _PER_S)):
            due = began + number / _PER_S
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            (key,) = chance.choices(keys, weights)
            tasks.create_task(_ask(http, key, number, due, told))
    return told


async def _ask(http: httpx.AsyncClient, key: str, number: int, due: float, told: _Told) -> None:
    headers, rule = _bearer(key), {"effect": "deny", "command": f"rm {number}"}
    try:
        if number % _SEARCHED == 0:
            answers = [await http.get("/v1/logs/search", params={"q": "word"}, headers=headers)]
        elif number % 2:
            answers = [await http.get("/v1/sessions/main/agents", headers=headers)]
        else:
            answers = [
                await http.request(method, "/v1/rules", json=rule, headers=headers) for method in ("POST", "DELETE")
            ]
    except httpx.HTTPError:
        told.failed += 1
        return
    told.took.append((time.perf_counter() - due) * 1000)
    told.failed += any(answer.is_error for answer in answers)


@contextlib.asynccontextmanager
async def _attack(broker: Broker, *, sessions: int, acts: list[int]) -> AsyncIterator[None]:
    limits = httpx.Limits(max_connections=None)
    async with (
        linked_agent(broker, "flood") as link,
        httpx.AsyncClient(base_url=broker.url, timeout=60, limits=limits, headers=_bearer(broker.key)) as http,
    ):
        body = b'"' + b"x" * _FRAME_BYTES + b'"'
        made: list[str] = []

        async def search() -> None:
            await http.get("/v1/logs/search", params={"q": "*x*", "context": 3})

        async def make() -> None:
            if len(made) < sessions:
                answer = await http.post("/v1/sessions", json={"name": f"s-{uuid4().hex[:12]}"})
                if answer.is_success:
                    made.append(answer.json()["data"]["id"])
            else:
                await asyncio.sleep(1)

        async def delete() -> None:
            if len(made) > sessions // 2:
                await http.delete(f"/v1/sessions/{made.pop()}")
            else:
                await asyncio.sleep(0.1)

        async def report() -> None:
            await link.report([body])

        running = [
            asyncio.create_task(_without_end(act, acts)) for act in (*[search] * _SEARCHERS, make, make, delete, report)
        ]
        try:
            yield
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)


async def _without_end(act: Callable[[], Awaitable[None]], acts: list[int]) -> None:
    while True:
        try:
            await act()
        except (httpx.HTTPError, OSError, TimeoutError):
            await asyncio.sleep(0.1)
        acts[0] += 1


async def measure_idle_workspaces(folder: Path, *, workspaces: int, seconds: float) -> Section:
    section = Section(
        title="Idle workspaces",
        explained=_IDLE,
        head=("workspaces", "broker CPU %", "store CPU %", "broker PSS MiB", "store PSS MiB", "KiB for each more"),
    )
    async with running_broker(folder) as broker:
        before = await _idle(broker, seconds=seconds)
        section.rows.append((1, *before, None))
        async with _keys(broker, workspaces):
            await asyncio.sleep(seconds)
        after = await _idle(broker, seconds=seconds)
        grown = sum(after[2:]) - sum(before[2:])
        section.rows.append((workspaces + 1, *after, grown * 1024 / workspaces))
    return section


async def _idle(broker: Broker, *, seconds: float) -> tuple[float, float, float, float]:
    """CPU of the broker and of its store, in percent, and their memory."""
    pids = (broker.pid, broker.valkey_pid)
    await asyncio.sleep(2)
    used, began = [machine.cpu_s(pid) for pid in pids], time.perf_counter()
    await asyncio.sleep(seconds)
    passed = time.perf_counter() - began
    cpu = [100 * (machine.cpu_s(pid) - had) / passed for pid, had in zip(pids, used, strict=True)]
    return cpu[0], cpu[1], machine.pss_mib(broker.pid), machine.pss_mib(broker.valkey_pid)
