"""The store's clock is set while the broker runs: what was to be in so many seconds still is, nobody is shut out."""

from __future__ import annotations

import asyncio
import sys
import time
from dataclasses import replace
from typing import cast

import pytest
from redis.asyncio import Redis

from broker.adapters.redis import keys
from broker.app import Adapters, build_adapters
from broker.domain.agents.agents import Agent
from broker.domain.hooks.runs import HookRunId
from broker.domain.ids import MemberId, ProxyId, TokenId, WorkspaceId
from broker.domain.machines.placement import Proxy
from broker.domain.messages.steps import ReceiptState
from broker.domain.people.members import PendingSignIn
from broker.domain.timings import TIMINGS
from broker.domain.workflows.runs.commands import CommandKind, command_id
from broker.protocol.proxy import Deliver, Probe, RunCommand, RunHook, write
from broker.services.ports import CommandOrder, HookOrder, Silent
from broker.services.workflows.steps.command_orders import order_command
from tests.fixtures.clocked_store import DAY_S, HOUR_S, STEPS, set_clock
from tests.fixtures.desk import Desk, open_desk
from tests.fixtures.faked_clock import FakedClock
from tests.fixtures.redis_servers import Server

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the clock that is set is Linux' own")


@pytest.fixture
def redis_url(clocked_store: Server) -> str:
    return clocked_store.url


@pytest.fixture
async def desk(adapters: Adapters, workspace: WorkspaceId) -> Desk:
    made = await open_desk(adapters, workspace)
    await adapters.timers.claim(workspace)  # as a worker that runs has, within the last half minute
    return made


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
    desk: Desk, redis_url: str, clock: FakedClock, step_s: int
) -> None:
    other = build_adapters(redis_url)
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


@pytest.mark.parametrize("step_s", [HOUR_S // 2, -HOUR_S, -DAY_S])
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


@pytest.mark.parametrize("step_s", [-HOUR_S, -DAY_S])
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


def a_command(desk: Desk, proxy: Proxy, number: int) -> CommandOrder:
    order = RunCommand(
        command=command_id("run-1", "build", number),
        run="run-1",
        step="build",
        attempt=number,
        session=desk.session.id,
        file="demo",
        kind=CommandKind.SHELL,
        text="true",
    )
    return order_command(order, proxy, link=desk.link, patience_s=600)


def a_hook(desk: Desk, agent: Agent, number: int, *, most: int = 100) -> HookOrder:
    run = HookRunId(f"hook-run-{number}")
    order = RunHook(agent=agent.id, generation=1, run=run, hook="say", command="say")
    return HookOrder(
        run=run,
        hook="say",
        session=desk.session.id,
        agent=agent.id,
        name=agent.name,
        data=b"{}",
        patience_s=600,
        max_per_minute=most,
        causes=("say",),
        link=desk.link,
        command=write(order),
    )


async def give_orders(desk: Desk, agent: Agent, number: int) -> None:
    """A command of a workflow's run, and a hook's."""
    proxy = await desk.adapters.registry.proxy(desk.workspace, ProxyId(desk.link))
    assert proxy is not None
    await desk.adapters.commands.order(desk.workspace, a_command(desk, replace(proxy, runs_commands=True), number))
    await desk.adapters.hooks.begin(desk.workspace, a_hook(desk, agent, number))


async def ends_of_orders(desk: Desk) -> list[int | None]:
    orders = [each for each in await desk.commands() if isinstance(each, RunCommand | RunHook)]
    return [each.not_after_ms for each in orders]


@STEPS
async def test_orders_of_hooks_and_workflows_are_given_up_when_they_were_to_be(
    desk: Desk, clock: FakedClock, step_s: int
) -> None:
    await give_orders(desk, await desk.idle("Worker"), 1)
    await set_clock(desk.adapters, clock, step_s)
    await desk.adapters.timers.claim(desk.workspace)
    for kind in ("command", "hook"):
        assert 500 < await due_in_s(desk, kind) < 601


@STEPS
async def test_no_order_of_a_hook_or_a_workflow_is_too_old_for_a_machine_that_goes_by_another_time(
    desk: Desk, clock: FakedClock, step_s: int
) -> None:
    """Set back, it would take each for too old until it is told the time; set ahead, it has only more patience."""
    agent = await desk.idle("Worker")
    machine_ms = (await desk.attach()).now_ms
    await set_clock(desk.adapters, clock, step_s)
    await give_orders(desk, agent, 1)
    for ends_ms in await ends_of_orders(desk):
        assert ends_ms is None if step_s < 0 else ends_ms and ends_ms > machine_ms + 500_000
    now_ms = (await desk.attach()).now_ms
    await give_orders(desk, agent, 2)
    for ends_ms in (await ends_of_orders(desk))[-2:]:
        assert ends_ms is not None
        assert 500_000 < ends_ms - now_ms < 601_000


@pytest.mark.parametrize("step_s", [-HOUR_S, -DAY_S])
async def test_an_order_for_a_machine_that_is_away_ends_by_the_time_that_it_is_told_when_it_comes(
    desk: Desk, clock: FakedClock, step_s: int
) -> None:
    """Else it would carry out, whenever it comes, what everybody was told had come to nothing."""
    proxy = await desk.adapters.registry.proxy(desk.workspace, ProxyId(desk.link))
    assert proxy is not None
    await desk.detach()
    await set_clock(desk.adapters, clock, step_s)
    order = a_command(desk, replace(proxy, runs_commands=True), 1)
    await desk.adapters.commands.order(desk.workspace, order)
    now_ms = (await desk.attach()).now_ms
    (ends_ms,) = await ends_of_orders(desk)
    assert ends_ms is not None
    assert 500_000 < ends_ms - now_ms < 601_000


@STEPS
async def test_orders_in_the_mailbox_of_a_machine_that_is_away_may_be_begun_for_as_long_as_they_were_to(
    desk: Desk, clock: FakedClock, step_s: int
) -> None:
    """Set ahead, the machine would take each for too old when it comes; set back, it would begin one that has ended."""
    agent = await desk.idle("Worker")
    redis = cast(Redis, desk.adapters.redis)
    await redis.hset(keys.key(desk.workspace, "proxies"), "box", desk.link)  # as one that was linked
    await desk.detach()
    await give_orders(desk, agent, 1)
    before = await desk.commands()
    await set_clock(desk.adapters, clock, step_s)
    for _ in range(2):
        await desk.adapters.timers.claim(desk.workspace)
    now_ms = (await desk.attach()).now_ms
    ends = await ends_of_orders(desk)
    assert len(ends) == 2
    for ends_ms in ends:
        assert ends_ms is not None
        assert 500_000 < ends_ms - now_ms < 601_000
    assert [type(each) for each in (await desk.commands())[: len(before)]] == [type(each) for each in before]


@STEPS
async def test_a_hook_that_has_run_often_enough_may_run_again_in_a_minute_by_whichever_clock(
    desk: Desk, clock: FakedClock, step_s: int
) -> None:
    """What Redis ends at an instant lasts for as much longer as the clock is set back."""
    agent = await desk.idle("Worker")
    hooks = desk.adapters.hooks
    states = [await hooks.begin(desk.workspace, a_hook(desk, agent, number, most=1)) for number in (1, 2)]
    assert states == ["ordered", "skipped"]
    await set_clock(desk.adapters, clock, step_s)
    assert await hooks.begin(desk.workspace, a_hook(desk, agent, 3, most=1)) == "ordered"
    redis = cast(Redis, desk.adapters.redis)
    assert await redis.ttl(keys.key(desk.workspace, "hook_rate", "say")) <= 60


@pytest.mark.parametrize("step_s", [-HOUR_S, -DAY_S])
async def test_what_waited_while_nobody_ran_is_due_when_it_was_to_be_though_the_clock_was_set_back(
    desk: Desk, redis_url: str, clock: FakedClock, step_s: int
) -> None:
    """All were down: whoever starts goes by what the workspace has noted. Several that start move it once."""
    await desk.idle("Worker")
    await desk.spawn("Starting")
    await desk.send("Worker", ttl_s=2 * DAY_S)
    await set_clock(desk.adapters, clock, step_s)
    for _ in range(2):
        started = build_adapters(redis_url)
        await started.timers.claim(desk.workspace)
        assert 0 < await due_in_s(desk, "proof") < TIMINGS.proof_ms / 1000 + 1
        assert 100 < await due_in_s(desk, "spawn") < TIMINGS.start_deadline_ms / 1000 + 1
        assert 2 * DAY_S - 60 < await due_in_s(desk, "ttl") < 2 * DAY_S + 1
        await started.redis.aclose()
    await desk.adapters.timers.claim(desk.workspace)  # and one that was not down after all, beside them
    assert 0 < await due_in_s(desk, "proof") < TIMINGS.proof_ms / 1000 + 1


async def test_a_message_that_was_sent_before_a_worker_came_waits_as_long_as_it_was_to(
    desk: Desk, redis_url: str, clock: FakedClock
) -> None:
    """Its gateway was up again first: by the clock as it is now."""
    await desk.idle("Worker")
    await set_clock(desk.adapters, clock, -DAY_S)
    await desk.send("Worker", ttl_s=2 * HOUR_S)
    await asyncio.sleep(TIMINGS.clock_back_ms / 1000 + 0.1)
    started = build_adapters(redis_url)
    await started.timers.claim(desk.workspace)
    assert 2 * HOUR_S - 60 < await due_in_s(desk, "ttl") < 2 * HOUR_S + 1
    await started.redis.aclose()


async def test_a_clock_that_is_ahead_after_everybody_was_down_is_taken_for_time_that_has_passed(
    desk: Desk, redis_url: str, clock: FakedClock
) -> None:
    await desk.spawn("Starting")
    await set_clock(desk.adapters, clock, DAY_S)
    started = build_adapters(redis_url)
    due, _ = await started.timers.claim(desk.workspace)
    assert [name.partition("|")[0] for name in due] == ["spawn"]
    await started.redis.aclose()


@pytest.mark.parametrize("step_s", [-HOUR_S, -DAY_S])
async def test_a_lease_of_one_who_is_gone_ends_although_the_clock_was_set_back(
    desk: Desk, clock: FakedClock, step_s: int
) -> None:
    """Else nobody would run hooks, or ship the log, for an hour or a day."""
    redis, hooks = cast(Redis, desk.adapters.redis), desk.adapters.hooks
    assert await hooks.lease(desk.workspace, "gone", seconds=30)
    await set_clock(desk.adapters, clock, step_s)
    assert not await hooks.lease(desk.workspace, "another", seconds=30)
    assert 0 < await redis.pttl(keys.key(desk.workspace, "hooks_holder")) <= 30_000


@pytest.mark.parametrize("step_s", [-HOUR_S, -DAY_S])
async def test_an_address_that_failed_to_sign_in_is_let_in_again_although_the_clock_was_set_back(
    adapters: Adapters, workspace: WorkspaceId, clock: FakedClock, step_s: int
) -> None:
    codes, redis = adapters.sign_in_codes, cast(Redis, adapters.redis)
    await codes.count_failure("192.0.2.1", window_s=900)
    await set_clock(adapters, clock, step_s)
    await codes.count_failure("192.0.2.1", window_s=900)
    assert await codes.failures("192.0.2.1") == 2
    assert 800 < await redis.ttl(keys.failed_sign_ins("192.0.2.1")) <= 900


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


@pytest.mark.parametrize("step_s", [-HOUR_S, -DAY_S])
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
