"""Followers of a workspace: everything but frames and receipts, and word of what may be missing."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager

import orjson
import pytest

from broker.adapters.redis.signals import RedisSignals
from broker.domain.agents.agents import Agent
from broker.domain.errors import NotPermitted
from broker.domain.ids import AgentId, SessionId
from broker.domain.people.token_kinds import TokenKind
from broker.protocol.proxy import FrameRecorded
from broker.services.live.activity import Activity, Lost
from broker.services.ports import Glimpsed, Happened
from tests.fixtures.desk import Desk, a_person
from tests.services.live.test_hub import LossyBus


@asynccontextmanager
async def running_bus(desk: Desk) -> AsyncIterator[None]:
    task = asyncio.create_task(desk.adapters.bus.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
async def activity(desk: Desk) -> AsyncIterator[Activity]:
    async with running_bus(desk):
        yield Activity(desk.adapters.signals)


@pytest.fixture
def bus() -> LossyBus:
    return LossyBus()


@pytest.fixture
def lossy(bus: LossyBus) -> Activity:
    return Activity(RedisSignals(bus))


async def take(items: AsyncIterator[Happened | Lost], count: int) -> list[Happened | Lost]:
    async with asyncio.timeout(5):
        return [await anext(items) for _ in range(count)]


def kind(item: Happened | Glimpsed | Lost) -> str:
    assert isinstance(item, Happened)
    return str(orjson.loads(item.event)["kind"])


async def test_it_tells_what_happens_in_all_sessions_but_no_frames_and_no_receipts(
    desk: Desk, activity: Activity
) -> None:
    async with aclosing(activity.follow(desk.person())) as items:
        assert await take(items, 1) == [Lost()]
        agent = await desk.idle("Worker")
        about = {"agent": agent.id, "generation": agent.generation, "direction": "out", "frame_type": "x", "raw": {}}
        await desk.report(FrameRecorded.model_validate(about))
        await desk.send("Worker")
        other = await desk.adapters.registry.create_session(
            desk.workspace, desk.new_session_id(), name="other", epoch="e"
        )
        heard = await take(items, 6)
    assert [kind(item) for item in heard] == [
        "agent.spawning",
        "agent.ready",
        "agent.state",
        "message.accepted",
        "agent.state",
        "session.created",
    ]
    assert [item.session for item in heard if isinstance(item, Happened)] == [desk.session.id] * 5 + [other.id]
    log = await desk.events("agent.ready")
    assert isinstance(heard[1], Happened)
    assert orjson.loads(heard[1].event) == log[0]


async def test_an_agent_hears_of_its_own_session_only(desk: Desk, activity: Activity) -> None:
    agent = await desk.idle("Worker")
    async with aclosing(activity.follow(desk.acting_as(agent))) as items:
        await take(items, 1)
        await desk.adapters.registry.create_session(desk.workspace, desk.new_session_id(), name="other", epoch="e")
        await desk.detach()
        (heard,) = await take(items, 1)
    assert kind(heard) == "proxy.disconnected"


async def test_a_machine_hears_nothing(desk: Desk, lossy: Activity) -> None:
    with pytest.raises(NotPermitted):
        await anext(lossy.follow(a_person(desk.workspace, kind=TokenKind.PROXY)))


async def test_what_the_bus_may_have_lost_is_told_once_and_in_its_place(
    desk: Desk, lossy: Activity, bus: LossyBus
) -> None:
    async with aclosing(lossy.follow(desk.person())) as items:
        await take(items, 1)
        for message in ("s one", None, None, "s two"):
            bus.say(message)
        assert await take(items, 3) == [Happened(SessionId("s"), "one"), Lost(), Happened(SessionId("s"), "two")]


@pytest.mark.parametrize(("bound", "value"), [("_QUEUE", 3), ("_QUEUE_CHARACTERS", 3)])
async def test_a_slow_follower_is_told_that_it_missed_some(
    desk: Desk, lossy: Activity, bus: LossyBus, monkeypatch: pytest.MonkeyPatch, bound: str, value: int
) -> None:
    monkeypatch.setattr(f"broker.services.live.activity.{bound}", value)
    async with aclosing(lossy.follow(desk.person())) as items:
        await take(items, 1)
        for number in range(4):
            bus.say(f"s {number}")
        first, second = await take(items, 2)
    assert (first, second) == (Lost(), Happened(SessionId("s"), "3"))


async def test_followers_share_what_is_told_and_stop_listening_when_they_leave(
    desk: Desk, lossy: Activity, bus: LossyBus
) -> None:
    async with aclosing(lossy.follow(desk.person())) as one, aclosing(lossy.follow(desk.person())) as two:
        await take(one, 1)
        await take(two, 1)
        bus.say("s event")
        ((first,), (second,)) = await take(one, 1), await take(two, 1)
        assert first is second
    assert bus.listeners == []


def a_frame(agent: Agent, **event: object) -> FrameRecorded:
    about = {"agent": agent.id, "generation": agent.generation, "direction": "out", "frame_type": "x", "raw": {}}
    return FrameRecorded.model_validate({**about, "events": [event]})


async def test_who_follows_agents_hears_of_what_they_say_and_use_when_it_changes(
    desk: Desk, activity: Activity
) -> None:
    agent = await desk.idle("Worker")
    glimpsed = Glimpsed(desk.session.id, agent.id)
    async with asyncio.timeout(5), aclosing(activity.follow_agents(desk.person(), pace_s=0)) as batches:
        assert await anext(batches) == [Lost()]
        await desk.report(a_frame(agent, type="text", text="hello"))
        assert await anext(batches) == [glimpsed]
        for delta in ("a", "b", "c"):  # within the time in which a sign of life alone is no news
            await desk.report(a_frame(agent, type="text_delta", delta=delta))
        await desk.adapters.registry.create_session(desk.workspace, desk.new_session_id(), name="other", epoch="e")
        (heard,) = await anext(batches)
        assert kind(heard) == "session.created"


async def test_what_is_only_seen_is_told_once_for_each_agent_and_events_wait_for_none_of_it(
    desk: Desk, lossy: Activity, bus: LossyBus
) -> None:
    async with asyncio.timeout(5), aclosing(lossy.follow_agents(desk.person(), pace_s=3600)) as batches:
        assert await anext(batches) == [Lost()]
        for agent in ("a", "b", "a"):
            bus.say(f"s {agent}", channel="glimpses")
        bus.say("s event", channel="activity")
        event, a, b = await anext(batches)
    assert event == Happened(SessionId("s"), "event")
    assert (a, b) == (Glimpsed(SessionId("s"), AgentId("a")), Glimpsed(SessionId("s"), AgentId("b")))
    assert bus.listeners == []
