"""The store's clock is set while the broker runs: what was to be in so many seconds still is, nobody is shut out."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import cast

import pytest
from redis.asyncio import Redis

from broker.adapters.redis import keys
from broker.app import Adapters, build_adapters
from broker.domain.ids import MemberId, TokenId, WorkspaceId
from broker.domain.messages.steps import ReceiptState
from broker.domain.people.members import PendingSignIn
from broker.domain.timings import TIMINGS
from broker.protocol.proxy import Deliver, Probe
from broker.services.ports import Silent
from tests.fixtures.desk import Desk, open_desk
from tests.fixtures.faked_clock import FakedClock
from tests.fixtures.redis_servers import Server, data_server

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the clock that is set is Linux' own")
_HOUR_S, _DAY_S = 3600, 86400
STEPS = pytest.mark.parametrize("step_s", [_HOUR_S, -_HOUR_S, _DAY_S, -_DAY_S])


@pytest.fixture
def clock(tmp_path: Path) -> FakedClock:
    return FakedClock(tmp_path)


@pytest.fixture
async def server(tmp_path: Path, clock: FakedClock) -> AsyncIterator[Server]:
    async with data_server(tmp_path / "store", environment=clock.environment) as made:
        yield made


@pytest.fixture
def redis_url(server: Server) -> str:
    return server.url


@pytest.fixture
async def desk(adapters: Adapters, workspace: WorkspaceId) -> Desk:
    made = await open_desk(adapters, workspace)
    await adapters.timers.claim(workspace)  # as a worker that runs has, within the last half minute
    return made


async def set_clock(adapters: Adapters, clock: FakedClock, ahead_s: int) -> None:
    """Return once scripts go by it: the server looks at its clock now and then."""
    clock.set(ahead_s)
    async with asyncio.timeout(5):
        while abs(await adapters.pressure.now_ms() / 1000 - time.time() - ahead_s) > 5:
            await asyncio.sleep(0.01)


async def due_in_s(desk: Desk, kind: str) -> float:
    """When the only timer of a kind is due, by the store's clock."""
    redis = cast(Redis, desk.adapters.redis)  # what the product asks of it leaves this out
    asked = redis.zrange(keys.key(desk.workspace, "timers"), 0, -1, withscores=True)
    timers = cast(list[tuple[str, float]], await asked)
    (at_ms,) = [score for name, score in timers if name.partition("|")[0] == kind]
    return (at_ms - await desk.adapters.pressure.now_ms()) / 1000


@STEPS
async def test_what_waits_is_due_when_it_was_to_be(desk: Desk, clock: FakedClock, step_s: int) -> None:
    """A message that was handed over, one that waits for so long, a start and a pause ahead of a restart."""
    agent = await desk.idle("Worker")
    await desk.spawn("Starting")
    message, _ = await desk.send("Worker", ttl_s=900)
    assert 5 < await due_in_s(desk, "proof") < TIMINGS.proof_ms / 1000 + 1
    await set_clock(desk.adapters, clock, step_s)
    due, next_s = await desk.adapters.timers.claim(desk.workspace)
    assert due == []
    assert next_s is not None
    assert 0 < next_s < TIMINGS.proof_ms / 1000 + 1
    assert 0 < await due_in_s(desk, "proof") < TIMINGS.proof_ms / 1000 + 1
    assert 800 < await due_in_s(desk, "ttl") < 901
    assert 100 < await due_in_s(desk, "spawn") < TIMINGS.start_deadline_ms / 1000 + 1
    await desk.turn(agent, message)
    assert await desk.receipt(message) is ReceiptState.ANSWERED


@STEPS
async def test_an_agent_that_died_is_started_again_after_its_pause(desk: Desk, clock: FakedClock, step_s: int) -> None:
    agent = await desk.idle("Worker")
    await desk.exited(agent, reason="crashed")
    await set_clock(desk.adapters, clock, step_s)
    async with asyncio.timeout(10):
        while f"restart|{agent.id}|2" not in (await desk.adapters.timers.claim(desk.workspace))[0]:
            await asyncio.sleep(0.05)
    await desk.due(f"restart|{agent.id}|2")
    assert 100 < await due_in_s(desk, "spawn") < TIMINGS.start_deadline_ms / 1000 + 1


@STEPS
async def test_what_is_put_there_before_anybody_has_noticed_is_right(
    desk: Desk, clock: FakedClock, step_s: int
) -> None:
    """Workers look now and then: an agent may start, and a message be sent, between the step and their next look."""
    agent = await desk.idle("Worker")
    await set_clock(desk.adapters, clock, step_s)
    await desk.spawn("Starting")
    first, _ = await desk.send("Worker", ttl_s=abs(step_s))
    for _ in range(2):
        await desk.adapters.timers.claim(desk.workspace)
        assert 0 < await due_in_s(desk, "proof") < TIMINGS.proof_ms / 1000 + 1
        assert 100 < await due_in_s(desk, "spawn") < TIMINGS.start_deadline_ms / 1000 + 1
        assert abs(step_s) - 60 < await due_in_s(desk, "ttl") < abs(step_s) + 1
    await desk.turn(agent, first)


@STEPS
async def test_of_several_workers_one_moves_what_waits(
    desk: Desk, server: Server, clock: FakedClock, step_s: int
) -> None:
    other = build_adapters(server.url)
    await other.timers.claim(desk.workspace)
    await desk.spawn("Starting")
    await set_clock(desk.adapters, clock, step_s)
    for timers in (desk.adapters.timers, other.timers, desk.adapters.timers):
        await timers.claim(desk.workspace)
        assert 100 < await due_in_s(desk, "spawn") < TIMINGS.start_deadline_ms / 1000 + 1
    await set_clock(desk.adapters, clock, 0)
    for timers in (other.timers, desk.adapters.timers):
        await timers.claim(desk.workspace)
        assert 100 < await due_in_s(desk, "spawn") < TIMINGS.start_deadline_ms / 1000 + 1
    await other.redis.aclose()


@pytest.mark.parametrize("step_s", [_HOUR_S // 2, -_HOUR_S, -_DAY_S])
async def test_what_people_are_shown_as_an_instant_stays_there(desk: Desk, clock: FakedClock, step_s: int) -> None:
    await desk.ask(await desk.idle("Worker"))
    before = await due_in_s(desk, "approval")
    await set_clock(desk.adapters, clock, step_s)
    await desk.adapters.timers.claim(desk.workspace)
    assert abs(await due_in_s(desk, "approval") - (before - step_s)) < 5


@STEPS
async def test_peers_are_told_what_time_it_is_and_messages_end_by_it(
    desk: Desk, clock: FakedClock, step_s: int
) -> None:
    """A machine counts on from what it was told: with another clock it would drop each message as too old."""
    agent = await desk.idle("Worker")
    first, _ = await desk.send("Worker")
    waiting, _ = await desk.send("Worker", ttl_s=900)
    kicked = asyncio.Event()
    listening = asyncio.create_task(desk.adapters.bus.run())
    stop = await desk.adapters.signals.link(
        desk.workspace, desk.link, lambda news: kicked.set() if isinstance(news, Silent) else None
    )
    await set_clock(desk.adapters, clock, step_s)
    await desk.adapters.timers.claim(desk.workspace)
    async with asyncio.timeout(5):
        await kicked.wait()
    await stop()
    listening.cancel()
    await asyncio.gather(listening, return_exceptions=True)
    now_ms = (await desk.attach()).now_ms
    await desk.turn(agent, first)
    order = [each for each in await desk.commands() if isinstance(each, Deliver)][-1]
    assert order.message_id == waiting
    assert order.not_after_ms is not None
    assert 800_000 < order.not_after_ms - now_ms < 901_000


@pytest.mark.parametrize("step_s", [-_HOUR_S, -_DAY_S])
async def test_no_message_is_too_old_for_a_machine_that_goes_by_the_later_time(
    desk: Desk, clock: FakedClock, step_s: int
) -> None:
    """Until somebody has noticed: its machine would drop it, and is told the time at its next sign of life."""
    agent = await desk.idle("Worker")
    await set_clock(desk.adapters, clock, step_s)
    message, _ = await desk.send("Worker", ttl_s=900)
    (order,) = [each for each in await desk.commands() if isinstance(each, Deliver)]
    assert (order.message_id, order.not_after_ms) == (message, None)
    kicked = asyncio.Event()
    listening = asyncio.create_task(desk.adapters.bus.run())
    stop = await desk.adapters.signals.link(
        desk.workspace, desk.link, lambda news: kicked.set() if isinstance(news, Silent) else None
    )
    await desk.turn(agent, message)
    async with asyncio.timeout(5):
        await kicked.wait()
    await stop()
    listening.cancel()
    await asyncio.gather(listening, return_exceptions=True)


@STEPS
async def test_who_has_spent_their_allowance_waits_no_longer_for_it(
    adapters: Adapters, workspace: WorkspaceId, clock: FakedClock, step_s: int
) -> None:
    token = TokenId("t")
    assert (await adapters.allowances.take(workspace, token, 90, per_s=10, burst=100)).wait_s == 0
    await set_clock(adapters, clock, step_s)
    assert (await adapters.allowances.take(workspace, token, 10, per_s=10, burst=100)).wait_s == 0
    again = await adapters.allowances.take(workspace, token, 100, per_s=10, burst=100)
    assert again.wait_s <= 10.5


@pytest.mark.parametrize("step_s", [-_HOUR_S, -_DAY_S])
async def test_a_probe_of_before_is_no_answer_to_one_of_now(desk: Desk, clock: FakedClock, step_s: int) -> None:
    """A deaf agent is noticed, although the clock was set back while its link was asked for a sign of life."""
    agent = await desk.idle("Worker")
    message, _ = await desk.send("Worker")
    for ahead_s in (0, step_s):
        await set_clock(desk.adapters, clock, ahead_s)
        await desk.adapters.timers.claim(desk.workspace)
        await desk.attach()
        await desk.adapters.redis.hset(keys.key(desk.workspace, "link", desk.link), "since", "0")  # long ago
        await desk.due(f"proof|{agent.id}|1|{message}")
        assert 0 < await due_in_s(desk, "proof") < TIMINGS.probe_ms / 1000 + 1
    assert [type(each) for each in await desk.commands()][-2:] == [Probe, Probe]


@STEPS
async def test_a_code_to_sign_in_lasts_as_long_whatever_the_stores_clock_says(
    adapters: Adapters, workspace: WorkspaceId, clock: FakedClock, step_s: int
) -> None:
    await set_clock(adapters, clock, step_s)
    pending = PendingSignIn(workspace=workspace, member=MemberId("ada"), generation=1)
    await adapters.sign_in_codes.keep("hash", pending, expires_at_ms=int((time.time() + 600) * 1000))
    assert 500_000 < await cast(Redis, adapters.redis).pttl(keys.sign_in_code("hash")) <= 600_000
    assert await adapters.sign_in_codes.take("hash") == pending
