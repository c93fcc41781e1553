"""What `/readyz` says of the log store."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import date
from typing import cast

import pytest

from broker.adapters.clickhouse.store import ClickHouseLogStore
from broker.domain.errors import Unavailable
from broker.domain.logs.damage import LogDamage
from broker.services.logs.health import LogHealth
from broker.services.ports import LogStore


@dataclass(slots=True)
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


@dataclass(slots=True)
class Store:
    """The two things that are looked at."""

    damage: LogDamage | None = None
    degraded: str = ""
    error: Exception | None = None
    checks: int = 0
    going_on: asyncio.Event = field(default_factory=asyncio.Event)

    async def check(self) -> None:
        self.checks += 1
        await self.going_on.wait()
        if self.error is not None:
            raise self.error


def health(store: Store, clock: Clock) -> LogHealth:
    return LogHealth(cast(LogStore, store), clock=clock)  # the rest of the port is not asked


async def test_many_who_ask_at_once_and_within_a_second_cost_one_question() -> None:
    store, clock = Store(), Clock()
    logs = health(store, clock)
    asking = [asyncio.create_task(logs.state()) for _ in range(50)]
    store.going_on.set()
    async with asyncio.timeout(10):
        assert set(await asyncio.gather(*asking)) == {"ready"}
    clock.now = 0.9
    await logs.state()
    assert store.checks == 1
    clock.now = 1.1
    await logs.state()
    assert store.checks == 2


@pytest.mark.parametrize(
    ("store", "said"),
    [
        (Store(damage=LogDamage(parts=2, bytes=3_000_000)), "damaged: 2 parts of the log (3.0 MB) cannot be read; "),
        (Store(error=Unavailable("away")), "degraded: away"),
        (Store(degraded="slow"), "ready, slow"),
    ],
)
async def test_what_is_wrong_is_said(store: Store, said: str) -> None:
    store.going_on.set()
    assert (await health(store, Clock()).state()).startswith(said)


async def test_a_real_store_is_ready_and_none_is_not_kept(logs: ClickHouseLogStore) -> None:
    assert await LogHealth(logs).state() == "ready"
    assert await LogHealth(None).state() == "not kept"


def test_damage_concerns_the_days_it_may_be_of() -> None:
    known = LogDamage(parts=1, bytes=1, since=date(2026, 1, 10), until=date(2026, 1, 12))
    assert known.concerns(None, None)
    assert known.concerns(date(2026, 1, 12), date(2026, 2, 1))
    assert known.concerns(None, date(2026, 1, 10))
    assert not known.concerns(date(2026, 1, 13), None)
    assert not known.concerns(None, date(2026, 1, 9))
    assert LogDamage(parts=1, bytes=1).concerns(date(2026, 5, 1), date(2026, 5, 1))
