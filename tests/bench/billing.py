"""What limits of plans and budgets cost a message, and how fast meters are counted again from the log."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import aclosing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import orjson

from broker.adapters.embedded import embedded_redis
from broker.adapters.redis.client import TextRedis
from broker.app import build_adapters
from broker.domain.agents.agents import Agent
from broker.domain.ids import MessageId, SessionId, WorkspaceId
from broker.domain.logs.meters import MeterFold
from broker.domain.plans.budgets import BudgetPlace, BudgetScope, Period, Unit, count_amount
from broker.domain.plans.plans import BUILT_IN, Plan, PlanTable
from tests.bench.figures import Figure, Section, p50, p99
from tests.fixtures.desk import Desk, open_desk

_MOST = 10**9
_RAW = """
local number = redis.call('HINCRBY', KEYS[1] .. ':meta', 'offset', 1)
redis.call('XADD', KEYS[1], 'MAXLEN', '~', 10000, number .. '-0', 'e', ARGV[1])
return redis.call('PUBLISH', KEYS[1], ARGV[1])
"""
_UNITS = (Unit.TOKENS, Unit.USD, Unit.MINUTES, Unit.TURNS)
_EXPLAINED = (
    "One client on an embedded store; the time is the server's own for scripts (`INFO commandstats`). Accepted: the "
    "script that takes a message, counts it and hands it to an idle agent, whose turn begins. Turn: the two that begin "
    "and end it. They take turns, message by message. No limit: the plan Team without budgets. A limit: the plan Free "
    "with a billion messages a day. Budgets: one of each unit for the workspace, the session, the agent and its tree, "
    "all of which pay for each turn. Raw: a script that numbers, appends and publishes the same text."
)
_RECOMPUTED = (
    "Events of sessions as they lie in the log (one accepted message, hook run and workflow run each, and an agent's "
    "whole life), from text to sums by day, session and agent; differences to what was made."
)


async def measure_billing(folder: Path, *, count: int) -> Section:
    """Messages with and without limits and budgets."""
    section = Section(
        title="Limits and budgets on the way of a message",
        explained=_EXPLAINED,
        head=("what", "accepted p50 µs", "p99 µs", "turn p50 µs", "p99 µs", "accepted, of the raw script"),
    )
    free = BUILT_IN.terms[Plan.FREE]
    limited = replace(free, limits=replace(free.limits, messages_per_day=_MOST))
    table = PlanTable(terms={**BUILT_IN.terms, Plan.FREE: limited})
    async with embedded_redis(folder / "billing") as url:
        adapters = build_adapters(url, plans=table)
        async with aclosing(adapters.redis):
            desks = {}
            for name, plan in (("no limit", Plan.TEAM), ("a limit", Plan.FREE), ("16 budgets", Plan.TEAM)):
                desk = await open_desk(adapters, WorkspaceId(f"bench-{uuid4().hex}"), plan=plan)
                desks[name] = (desk, await desk.idle("Worker"))
            await _set_budgets(*desks["16 budgets"])
            taken: dict[str, list[tuple[int, int]]] = {name: [] for name in desks}
            raw = []
            for _ in range(count):
                before = await _script_us(adapters.redis)
                await adapters.redis.eval(_RAW, 1, "{bench}raw", "hello")
                raw.append(await _script_us(adapters.redis) - before)
                for name, (desk, worker) in desks.items():
                    taken[name].append(await _message(desk, worker))
    section.rows.append(("raw script", p50(raw), p99(raw), None, None, 1.0))
    section.rows.extend(_row(name, rows, raw=p50(raw)) for name, rows in taken.items())
    return section


async def _script_us(redis: TextRedis) -> int:
    """What the server has spent on scripts so far, in microseconds."""
    found = await redis.info("commandstats")
    return sum(found.get(f"cmdstat_{name}", {}).get("usec", 0) for name in ("eval", "evalsha"))


async def _set_budgets(desk: Desk, worker: Agent) -> None:
    of = {BudgetScope.WORKSPACE: "", BudgetScope.SESSION: desk.session.id}
    for scope in (BudgetScope.WORKSPACE, BudgetScope.SESSION, BudgetScope.AGENT, BudgetScope.TREE):
        for unit in _UNITS:
            place = BudgetPlace(scope=scope, of=of.get(scope, worker.id), unit=unit, period=Period.DAY)
            limit = count_amount(unit, 100_000)
            await desk.adapters.budgets.set(desk.workspace, place, name="x", limit=limit, more=False, by="bench")


async def _message(desk: Desk, worker: Agent) -> tuple[int, int]:
    redis = desk.adapters.redis
    before = await _script_us(redis)
    message, _ = await desk.send("Worker", id_=MessageId(str(uuid4())))
    accepted = await _script_us(redis)
    await desk.turn(worker, message)
    return accepted - before, await _script_us(redis) - accepted


def _row(name: str, rows: list[tuple[int, int]], *, raw: float) -> tuple[Figure, ...]:
    sends, turns = zip(*rows, strict=True)
    return (name, p50(sends), p99(sends), p50(turns), p99(turns), p50(sends) / raw)


def measure_recomputing(*, count: int) -> Section:
    """Meters counted again."""
    texts, made = [], Counter[str]()
    for text in _events(count):
        texts.append(text)
        made[orjson.loads(text)["kind"]] += 1
    fold = MeterFold()
    began = time.perf_counter()
    for number, text in enumerate(texts):
        fold.take(SessionId(f"s{number % 100}"), orjson.loads(text))
    seconds = time.perf_counter() - began
    found: Counter[str] = Counter()
    for (_, counted), amount in fold.by_day().items():
        found[counted] += amount
    expected = {
        "messages": made["message.accepted"],
        "hook_runs": made["hook.ordered"],
        "workflow_runs": made["workflow.started"],
        "agent_ms": made["agent.released"] * 1000,
    }
    differences = sum(found[name] != number for name, number in expected.items())
    return Section(
        title="Meters counted again",
        explained=_RECOMPUTED,
        head=("events", "seconds", "events / s", "differences"),
        rows=[(count, seconds, count / seconds, differences)],
    )


def _events(count: int) -> Iterator[bytes]:
    kinds = ("message.accepted", "hook.ordered", "workflow.started", "agent.spawning", "agent.released")
    noon_ms = int(datetime(2026, 1, 31, 12, tzinfo=UTC).timestamp() * 1000)
    for number in range(count):
        life, step = divmod(number, len(kinds))
        at_ms = noon_ms + life * 60_000 + (1000 if step == len(kinds) - 1 else 0)
        event: dict[str, Any] = {"kind": kinds[step], "name": f"Agent{life % 50}", "agent": f"a{life}", "at_ms": at_ms}
        yield orjson.dumps({**event, "data": {"text": "x" * 200}})
