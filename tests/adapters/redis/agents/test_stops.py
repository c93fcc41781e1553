"""Stop all: no turn begins, those that run are interrupted, what waits goes on when it is resumed."""

import asyncio

import pytest

from broker.adapters.redis import keys
from broker.app import Adapters
from broker.domain.agents.agents import Agent, AgentState
from broker.domain.agents.stops import WORKSPACE, Place, Stop, StopHow, StopScope
from broker.domain.errors import Conflict, NotFound
from broker.domain.ids import MessageId, ProxyId, SessionId, TokenId, WorkspaceId
from broker.domain.messages.messages import Mode
from broker.domain.messages.steps import ReceiptState
from broker.protocol.agents.events import TurnEnded, TurnOutcome, TurnStarted
from broker.protocol.proxy import Command, Deliver, Interrupt
from broker.protocol.proxy import Stop as StopProcess
from tests.fixtures.desk import Desk, a_hello, live, open_desk


def place_of(desk: Desk, scope: StopScope) -> Place:
    match scope:
        case StopScope.SESSION:
            return Place(scope=scope, id=desk.session.id)
        case StopScope.MACHINE:
            return Place(scope=scope, id=ProxyId(desk.link))
        case StopScope.WORKSPACE:
            return WORKSPACE


async def stop(
    desk: Desk, scope: StopScope = StopScope.SESSION, *, how: StopHow = StopHow.PAUSE, by: str = "Ada"
) -> Stop:
    return await desk.adapters.stops.stop(
        desk.workspace, place_of(desk, scope), name="", how=how, by=by, member=None, note="too fast"
    )


async def resume(desk: Desk, scope: StopScope = StopScope.SESSION) -> Stop | None:
    return await desk.adapters.stops.lift(
        desk.workspace, place_of(desk, scope), by="Bob", member=None, note="all is well"
    )


async def begun(desk: Desk, agent: Agent, turn: str = "t1") -> MessageId:
    """A message whose turn runs."""
    message, _ = await desk.send(agent.name)
    await desk.state(agent, TurnStarted(turn_id=turn, message_id=message))
    return message


async def interrupted(desk: Desk, agent: Agent, message: MessageId, turn: str = "t1") -> None:
    """The agent has obeyed."""
    await desk.state(agent, TurnEnded(turn_id=turn, outcome=TurnOutcome.INTERRUPTED, message_ids=(message,), text=""))


async def all_commands(desk: Desk) -> list[Command]:
    """The machine's whole mailbox, which is read in pages."""
    found: list[Command] = []
    while page := await desk.commands(after=len(found)):
        found += page
    return found


async def deliveries(desk: Desk) -> list[str]:
    return [order.message_id for order in await all_commands(desk) if isinstance(order, Deliver)]


async def interrupts(desk: Desk) -> list[str]:
    return [order.agent for order in await all_commands(desk) if isinstance(order, Interrupt)]


async def work(desk: Desk) -> int:
    """Let a worker do what is due; how many timers that were."""
    done = 0
    while True:
        due, _ = await desk.adapters.timers.claim(desk.workspace)
        for timer in due:
            await desk.due(timer)
        done += len(due)
        if not due:
            return done


@pytest.mark.parametrize("scope", StopScope)
async def test_no_turn_begins_while_it_is_stopped_and_what_waited_is_handed_over_once(
    desk: Desk, scope: StopScope
) -> None:
    agent = await desk.idle("Worker")
    await stop(desk, scope)
    first, (delivery,) = await desk.send("Worker")
    assert (delivery.state, delivery.because) == (ReceiptState.QUEUED, "stopped")
    second, _ = await desk.send("Worker")
    assert await deliveries(desk) == []
    await resume(desk, scope)
    assert await deliveries(desk) == [first]
    await desk.turn(agent, first)
    await desk.turn(agent, second)
    assert await deliveries(desk) == [first, second]


@pytest.mark.parametrize("scope", StopScope)
async def test_a_turn_that_runs_is_interrupted_and_the_next_one_waits(desk: Desk, scope: StopScope) -> None:
    agent = await desk.idle("Worker")
    message = await begun(desk, agent)
    waiting, _ = await desk.send("Worker")
    made = await stop(desk, scope)
    assert isinstance((await desk.commands())[-1], Interrupt)
    assert (made.agents, made.interrupted, made.finished) == (1, 1, True)
    await interrupted(desk, agent, message)
    assert await desk.state_of(agent) is AgentState.IDLE
    assert await desk.receipt(waiting) is ReceiptState.QUEUED


async def test_each_session_that_is_met_is_told_who_and_why_and_how_many(desk: Desk) -> None:
    await desk.idle("One")
    await begun(desk, await desk.idle("Two"))
    await stop(desk)
    await resume(desk)
    (ordered,), (finished,), (lifted,) = [
        [event["data"] for event in await desk.events(kind)]
        for kind in ("stop.ordered", "stop.finished", "stop.lifted")
    ]
    assert (ordered["by"], ordered["note"], ordered["scope"], ordered["how"]) == ("Ada", "too fast", "session", "pause")
    assert (finished["agents"], finished["interrupted"], finished["stop"]) == (2, 1, ordered["stop"])
    assert (lifted["by"], lifted["note"], lifted["stop"]) == ("Bob", "all is well", ordered["stop"])
    (by_whom,) = await desk.events("agent.interrupted")
    assert by_whom["data"] == {"by": "Ada", "stop": ordered["stop"]}


async def test_a_session_without_agents_is_told_too_when_the_workspace_is_stopped(desk: Desk) -> None:
    await stop(desk, StopScope.WORKSPACE)
    assert len(await desk.events("stop.ordered")) == 1


@pytest.mark.parametrize("scope", StopScope)
async def test_nothing_is_started_where_it_is_stopped_and_the_refusal_says_by_whom(
    desk: Desk, scope: StopScope
) -> None:
    ended = await desk.idle("Ended")
    await desk.exited(ended, expected=True)
    await desk.adapters.mailroom.release(desk.workspace, ended.id, by="operator")
    await desk.exited(await desk.agent(ended.id))
    await stop(desk, scope)
    with pytest.raises(Conflict) as spawning:
        await desk.spawn("New")
    with pytest.raises(Conflict) as resuming:
        await desk.adapters.mailroom.resume(desk.workspace, desk.session.id, ended.id, by="operator", plan=desk.plan)
    assert (spawning.value.code, resuming.value.code) == ("STOPPED", "STOPPED")
    assert "Ada has stopped the " + scope in spawning.value.message
    assert "too fast" in spawning.value.message
    assert "resume" in spawning.value.message
    await resume(desk, scope)
    await desk.spawn("New")


async def test_a_spawn_that_was_accepted_before_is_answered_again_while_stopped(desk: Desk) -> None:
    agent = await desk.spawn("Worker")
    await stop(desk)
    assert (await desk.spawn("Worker", id_=agent.id)).id == agent.id


async def test_other_sessions_and_machines_go_on(desk: Desk, adapters: Adapters) -> None:
    await desk.idle("Worker")
    other = Place(scope=StopScope.SESSION, id=(await another_session(desk)))
    await adapters.stops.stop(desk.workspace, other, name="b", how=StopHow.PAUSE, by="Ada", member=None, note="")
    message, _ = await desk.send("Worker")
    assert await deliveries(desk) == [message]


async def another_session(desk: Desk) -> SessionId:
    made = await desk.adapters.registry.create_session(desk.workspace, desk.new_session_id(), name="b", epoch="e")
    return made.id


async def test_an_agent_goes_on_only_when_no_stop_is_over_it_any_more(desk: Desk) -> None:
    await desk.idle("Worker")
    for scope in StopScope:
        await stop(desk, scope)
    message, _ = await desk.send("Worker")
    for scope in (StopScope.WORKSPACE, StopScope.SESSION):
        await resume(desk, scope)
        assert await deliveries(desk) == []
    await resume(desk, StopScope.MACHINE)
    assert await deliveries(desk) == [message]


async def test_stopping_and_resuming_twice_is_once(desk: Desk) -> None:
    await desk.idle("Worker")
    first = await stop(desk)
    assert await stop(desk, by="Somebody else") == first
    assert await resume(desk) == first
    assert await resume(desk) is None
    assert len(await desk.events("stop.ordered")) == len(await desk.events("stop.lifted")) == 1


async def test_of_many_who_stop_at_once_one_does(desk: Desk) -> None:
    await begun(desk, await desk.idle("Worker"))
    made = await asyncio.gather(*(stop(desk, by=f"P{i}") for i in range(10)))
    assert len({each.id for each in made}) == 1
    assert len(await desk.events("agent.interrupted")) == 1


async def test_what_is_not_there_is_not_stopped(desk: Desk) -> None:
    for scope in (StopScope.SESSION, StopScope.MACHINE):
        with pytest.raises(NotFound):
            await desk.adapters.stops.stop(
                desk.workspace,
                Place(scope=scope, id=SessionId("nowhere")),
                name="",
                how=StopHow.PAUSE,
                by="Ada",
                member=None,
                note="",
            )


async def test_a_release_ends_all_agents_and_a_pause_may_become_one(desk: Desk) -> None:
    agents = [await desk.idle(name) for name in ("One", "Two")]
    await stop(desk)
    made = await stop(desk, how=StopHow.RELEASE, by="Bob")
    assert (made.how, made.by, made.agents) == (StopHow.RELEASE, "Bob", 2)
    assert [await desk.state_of(agent) for agent in agents] == [AgentState.RELEASING] * 2
    assert len([order for order in await desk.commands() if isinstance(order, StopProcess)]) == 2
    assert await stop(desk, how=StopHow.PAUSE) == made


async def test_what_an_agent_asks_is_withdrawn_with_its_turn(desk: Desk) -> None:
    agent = await desk.idle("Worker")
    await begun(desk, agent)
    approval = await desk.ask(agent)
    await stop(desk)
    assert (await desk.adapters.approvals.approval(desk.workspace, approval)).status == "withdrawn"
    assert (await desk.agent(agent.id)).waiting_approvals == 0


async def test_nothing_is_steered_into_a_turn_that_is_being_stopped(desk: Desk) -> None:
    agent = await desk.idle("Worker", can_steer=True)
    await begun(desk, agent)
    await stop(desk)
    _, (delivery,) = await desk.send("Worker", mode=Mode.STEER)
    assert (delivery.state, delivery.because) == (ReceiptState.QUEUED, "stopped")


async def test_an_agent_that_becomes_ready_while_stopped_waits(desk: Desk) -> None:
    agent = await desk.spawn("Worker", task="begin")
    await stop(desk)
    await desk.ready(agent)
    assert await deliveries(desk) == []
    await resume(desk)
    assert len(await deliveries(desk)) == 1


async def test_a_process_that_dies_while_stopped_is_replaced_and_begins_nothing(desk: Desk) -> None:
    agent = await desk.idle("Worker")
    message = await begun(desk, agent)
    await stop(desk)
    await desk.exited(agent)
    again = await desk.agent(agent.id)
    await desk.ready(again)
    assert again.generation == 2
    assert len(await deliveries(desk)) == 1
    await resume(desk)
    assert await deliveries(desk) == [message, message]


async def test_a_turn_that_an_agent_begins_by_itself_is_interrupted(desk: Desk) -> None:
    agent = await desk.idle("Worker")
    await stop(desk)
    await desk.state(agent, TurnStarted(turn_id="own"))
    assert isinstance((await desk.commands())[-1], Interrupt)


async def test_an_agent_that_goes_on_all_the_same_is_given_a_new_process(desk: Desk) -> None:
    agent = await desk.idle("Worker")
    await begun(desk, agent)
    await stop(desk)
    timers = await desk.adapters.redis.zrange(keys.key(desk.workspace, "timers"), 0, -1)
    assert f"interrupt|{agent.id}|1|t1" in timers


async def test_a_machine_that_comes_back_while_stopped_is_given_no_turn_that_it_has_not_seen(desk: Desk) -> None:
    agent = await desk.idle("Worker")
    seen = len(await desk.commands())
    message, _ = await desk.send("Worker")
    await desk.detach()
    await stop(desk)
    await desk.attach(a_hello(agents=live(agent), epoch=desk.attached.epoch, seen=seen))
    assert await deliveries(desk) == []
    assert await desk.receipt(message) is ReceiptState.QUEUED
    assert (await desk.agent(agent.id)).state is AgentState.IDLE
    numbers = [n for n, _ in await desk.adapters.links.commands(desk.workspace, desk.link, after=seen)]
    assert numbers == list(range(seen + 1, seen + 1 + len(numbers)))
    await resume(desk)
    (order,) = [order for order in await desk.commands() if isinstance(order, Deliver)]
    assert (order.message_id, order.nudge) == (message, None)


async def test_a_turn_on_a_machine_that_is_away_is_interrupted_when_it_comes_back(desk: Desk) -> None:
    agent = await desk.idle("Worker")
    await begun(desk, agent)
    seen = len(await desk.commands())
    await desk.detach()
    await desk.due(f"away|{desk.link}")
    await stop(desk)
    await desk.attach(a_hello(agents=live(agent), epoch=desk.attached.epoch, seen=seen))
    orders = await desk.commands(after=seen)
    assert [order for order in orders if isinstance(order, Interrupt)] != []
    assert [order for order in orders if isinstance(order, Deliver)] == []


async def test_a_machine_that_was_started_anew_while_stopped_has_its_agents_back_and_begins_nothing(
    desk: Desk,
) -> None:
    agent = await desk.idle("Worker")
    await begun(desk, agent)
    await stop(desk)
    await desk.attach(a_hello(boot_id="boot-2", spool_id="spool-2"))
    again = await desk.agent(agent.id)
    await desk.ready(again)
    assert (again.generation, len(await deliveries(desk))) == (2, 0)


async def test_a_message_that_waits_too_long_is_undeliverable_stopped_or_not(desk: Desk) -> None:
    await desk.idle("Worker")
    await stop(desk)
    message, _ = await desk.send("Worker", ttl_s=60)
    await desk.due(f"ttl|{message}")
    assert await desk.receipt(message) is ReceiptState.UNDELIVERABLE


async def test_agents_say_that_they_are_paused_and_machines_by_whom(desk: Desk) -> None:
    await desk.adapters.registry.link_machine(
        desk.workspace, "machine-1", new_id=ProxyId(desk.link), token=TokenId("t"), member=None, take=False
    )
    agent = await desk.idle("Worker")
    assert not agent.paused
    made = await stop(desk, StopScope.MACHINE)
    assert (await desk.agent(agent.id)).paused
    (proxy,) = await desk.adapters.registry.proxies(desk.workspace)
    assert proxy.stopped == made
    assert await desk.adapters.stops.stops(desk.workspace) == [made]
    await resume(desk, StopScope.MACHINE)
    assert not (await desk.agent(agent.id)).paused


async def many(desk: Desk, count: int) -> list[Agent]:
    """Agents that are all in a turn."""
    agents = [await desk.idle(f"A{i}") for i in range(count)]
    for agent in agents:
        await begun(desk, agent, turn=f"t-{agent.name}")
    return agents


async def test_many_agents_are_met_a_page_at_a_time_and_by_whoever_goes_on(desk: Desk) -> None:
    await many(desk, 130)
    made = await stop(desk, StopScope.WORKSPACE)
    assert not made.finished
    assert made.interrupted < 130
    _, (delivery,) = await desk.send("A129")
    assert delivery.because == "stopped"  # from the first moment on
    # A worker claims the timer and dies: when its lease has ended another goes on from there.
    (timer,), _ = await desk.adapters.timers.claim(desk.workspace)
    await desk.due(timer)
    await work(desk)
    (done,) = await desk.adapters.stops.stops(desk.workspace)
    assert (done.agents, done.interrupted, done.finished) == (130, 130, True)
    told = await interrupts(desk)
    assert len(told) == len(set(told)) == 130


async def test_a_page_done_twice_is_done_once(desk: Desk) -> None:
    await many(desk, 60)
    made = await stop(desk, StopScope.WORKSPACE)
    timer = f"stopping|{made.id}|workspace"
    await asyncio.gather(*(desk.due(timer) for _ in range(5)))
    assert len(await interrupts(desk)) == 60


async def test_resuming_in_the_middle_ends_the_stop_and_lets_all_go_on(desk: Desk) -> None:
    agents = [await desk.idle(f"A{i}") for i in range(120)]
    await stop(desk, StopScope.WORKSPACE)
    for agent in agents:
        await desk.send(agent.name)
    await resume(desk, StopScope.WORKSPACE)
    assert 0 < len(await deliveries(desk)) < 120
    await work(desk)
    assert len(await deliveries(desk)) == 120
    _, left = await desk.adapters.redis.scan(0, match=f"{keys.root(desk.workspace)}:stopping:*", count=100_000)
    assert left == []


async def test_stopping_again_in_the_middle_of_a_resume_holds_the_rest(desk: Desk) -> None:
    agents = [await desk.idle(f"A{i}") for i in range(120)]
    await stop(desk, StopScope.WORKSPACE)
    for agent in agents:
        await desk.send(agent.name)
    await resume(desk, StopScope.WORKSPACE)
    handed = len(await deliveries(desk))
    await stop(desk, StopScope.WORKSPACE)
    await work(desk)
    assert len(await deliveries(desk)) == handed
    await resume(desk, StopScope.WORKSPACE)
    await work(desk)
    assert len(await deliveries(desk)) == 120


async def test_a_stop_ends_with_its_session_and_its_machine(adapters: Adapters, workspace: WorkspaceId) -> None:
    desk = await open_desk(adapters, workspace)
    await stop(desk, StopScope.SESSION)
    await stop(desk, StopScope.MACHINE)
    await adapters.retention.remove_session(workspace, desk.session.id)
    assert [made.place.scope for made in await adapters.stops.stops(workspace)] == [StopScope.MACHINE]
    await desk.detach()
    await desk.due(f"unused|{desk.link}")
    assert await adapters.stops.stops(workspace) == []
