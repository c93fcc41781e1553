"""Agents' lives: spawning under limits, exits and restarts, release, deadlines."""

import asyncio
from uuid import uuid4

import pytest

from broker.adapters.redis import keys
from broker.app import Adapters
from broker.domain.agents.agents import Agent, AgentState, Transport
from broker.domain.errors import Conflict, NoPlacement, NotFound, PlanLimitReached
from broker.domain.ids import AgentId, ProxyId, SessionId, TokenId, WorkspaceId
from broker.domain.messages.steps import ReceiptState
from broker.domain.plans.plans import Plan
from broker.domain.timings import TIMINGS
from broker.protocol.agents.events import AgentBroken, AgentReady, PromptAccepted, TurnStarted
from broker.protocol.proxy import Deliver, Probe, Spawn, Stop
from tests.fixtures.desk import Desk, a_hello, live, open_desk


async def test_a_spawn_orders_the_process_and_its_first_task(desk: Desk) -> None:
    agent = await desk.spawn("Worker", task="build it", cwd="/src", model="m1")
    (order,) = await desk.commands()
    assert isinstance(order, Spawn)
    assert (order.name, order.generation, order.cwd, order.model, order.resume) == ("Worker", 1, "/src", "m1", None)
    await desk.ready(agent)
    task = (await desk.commands())[-1]
    assert isinstance(task, Deliver)
    assert "build it" in task.text


@pytest.mark.parametrize("name", ["Worker", "WORKER"])
async def test_a_name_is_taken_whatever_its_case(desk: Desk, name: str) -> None:
    await desk.spawn("Worker")
    with pytest.raises(Conflict) as refused:
        await desk.spawn(name)
    assert refused.value.code == "NAME_TAKEN"


async def test_a_name_is_free_again_when_its_agent_has_ended(desk: Desk) -> None:
    await desk.exited(await desk.spawn("Worker"))
    await desk.spawn("Worker")


async def test_of_many_who_want_a_name_one_gets_it(desk: Desk) -> None:
    results = await asyncio.gather(*(desk.spawn("Worker") for _ in range(10)), return_exceptions=True)
    assert sum(not isinstance(result, BaseException) for result in results) == 1


async def test_the_plans_limit_is_exact_under_concurrency(adapters: Adapters, workspace: WorkspaceId) -> None:
    desk = await open_desk(adapters, workspace, plan=Plan.PRO)
    results = await asyncio.gather(*(desk.spawn(f"A{i}") for i in range(15)), return_exceptions=True)
    refused = [result for result in results if isinstance(result, BaseException)]
    assert [type(error) for error in refused] == [PlanLimitReached] * 5
    ended = next(result for result in results if not isinstance(result, BaseException))
    await desk.exited(ended)
    await desk.spawn("Another")


async def test_a_repeated_spawn_is_one_agent(desk: Desk) -> None:
    wanted = AgentId(str(uuid4()))
    for _ in range(2):
        await desk.spawn("Worker", id_=wanted)
    assert len(await desk.commands()) == 1
    with pytest.raises(Conflict) as refused:
        await desk.spawn("Other", id_=wanted)
    assert refused.value.code == "IDEMPOTENCY_MISMATCH"


async def test_a_spawn_needs_its_machine_and_its_session(desk: Desk) -> None:
    await desk.detach()
    with pytest.raises(NoPlacement):
        await desk.spawn("Worker")
    await desk.attach()
    desk.session = type(desk.session)(id=SessionId("gone"), name="x", epoch="e", offset=0, created_at_ms=0)
    with pytest.raises(NotFound):
        await desk.spawn("Worker")


async def test_a_task_over_the_days_quota_starts_nothing(adapters: Adapters, workspace: WorkspaceId) -> None:
    desk = await open_desk(adapters, workspace, plan=Plan.FREE)
    agent = await desk.idle("Worker")
    for _ in range(100):
        await desk.send("Worker")
    await desk.adapters.mailroom.release(desk.workspace, agent.id, by="operator")
    await desk.exited(agent, expected=True)
    with pytest.raises(PlanLimitReached):
        await desk.spawn("Next", task="go on")
    await desk.spawn("Next")


async def test_an_agent_that_ends_before_it_is_ready_has_failed(desk: Desk) -> None:
    agent = await desk.spawn("Worker", task="never read")
    await desk.exited(agent, reason="CLI_MISSING")
    ended = await desk.agent(agent.id)
    assert (ended.state, ended.reason) == (AgentState.FAILED, "CLI_MISSING")
    failed = await desk.events("agent.failed")
    assert failed[0]["data"]["detail"] == "oops"


async def test_an_agent_that_dies_is_restarted_and_given_its_message_again(desk: Desk) -> None:
    agent = await desk.idle("Worker")
    message, _ = await desk.send("Worker")
    await desk.exited(agent)
    await desk.due(f"restart|{agent.id}|2")
    order = (await desk.commands())[-1]
    assert isinstance(order, Spawn)
    assert (order.generation, order.resume) == (2, "native-Worker")
    agent = await desk.ready(await desk.agent(agent.id))
    assert await desk.receipt(message) is ReceiptState.SENT
    assert agent.state is AgentState.WORKING


@pytest.mark.parametrize("ordered", [None, "src", "~/project"])
async def test_an_agent_goes_on_where_it_began_after_a_crash_a_restart_of_its_machine_and_a_release(
    desk: Desk, ordered: str | None
) -> None:
    agent = await desk.spawn("Worker", cwd=ordered)
    (first,) = await desk.commands()
    await desk.started(agent, cwd="/home/ann/project")
    agent = await desk.ready(agent)
    await desk.exited(agent)
    await desk.due(f"restart|{agent.id}|2")
    # An older relay-connect may have started it elsewhere by then.
    await desk.started(await desk.agent(agent.id), cwd="/elsewhere")
    agent = await desk.ready(await desk.agent(agent.id))
    await desk.attach(a_hello(boot_id="boot-2"))
    agent = await desk.ready(await desk.agent(agent.id))
    await resume(desk, await released(desk, agent))
    orders = [each for each in (first, *await desk.commands()) if isinstance(each, Spawn)]
    by_generation = {each.generation: each.cwd for each in orders}
    assert by_generation.pop(1) == ordered
    assert max(by_generation) >= 4
    assert set(by_generation.values()) == {"/home/ann/project"}
    assert (await desk.agent(agent.id)).cwd == "/home/ann/project"
    spawning, *_, resumed = await desk.events("agent.spawning")
    assert (spawning["data"]["machine"], spawning["data"]["folder"]) == ("laptop", ordered)
    assert (resumed["data"]["machine"], resumed["data"]["folder"]) == ("laptop", "/home/ann/project")
    *_, ready = await desk.events("agent.ready")
    assert (ready["data"]["machine"], ready["data"]["folder"]) == ("laptop", "/home/ann/project")


async def test_an_agent_that_keeps_dying_is_given_up(desk: Desk) -> None:
    agent = await desk.idle("Worker")
    for _ in range(3):
        await desk.exited(agent)
        agent = await desk.ready(await desk.agent(agent.id))
    await desk.exited(agent)
    assert await desk.state_of(agent) is AgentState.FAILED


async def test_messages_keep_their_order_over_a_restart(desk: Desk) -> None:
    agent = await desk.idle("Worker")
    sent = [(await desk.send("Worker"))[0] for _ in range(3)]
    await desk.exited(agent)
    agent = await desk.ready(await desk.agent(agent.id))
    for message in sent:
        await desk.turn(agent, message)
    redelivered = [c.message_id for c in await desk.commands() if isinstance(c, Deliver) and c.generation == 2]
    assert redelivered == sent


async def test_a_release_waits_for_the_end_of_the_process(desk: Desk) -> None:
    agent = await desk.idle("Worker")
    await desk.adapters.mailroom.release(desk.workspace, agent.id, by="operator")
    assert await desk.state_of(agent) is AgentState.RELEASING
    assert isinstance((await desk.commands())[-1], Stop)
    await desk.adapters.mailroom.release(desk.workspace, agent.id, by="operator")
    assert len([c for c in await desk.commands() if isinstance(c, Stop)]) == 1
    await desk.exited(agent, expected=True)
    assert await desk.state_of(agent) is AgentState.RELEASED


async def test_a_release_is_done_at_once_when_the_machine_is_away(desk: Desk) -> None:
    agent = await desk.idle("Worker")
    await desk.detach()
    await desk.adapters.mailroom.release(desk.workspace, agent.id, by="operator")
    assert await desk.state_of(agent) is AgentState.RELEASED
    again = await desk.attach(a_hello(epoch="box-epoch", commands_seen=1, agents=live(agent)))
    assert {type(c) for c in await desk.commands(after=again.commands_acked)} == {Stop}


async def test_a_stop_that_is_never_confirmed_ends_at_its_deadline(desk: Desk) -> None:
    agent = await desk.idle("Worker")
    await desk.adapters.mailroom.release(desk.workspace, agent.id, by="operator")
    await desk.due(f"stop|{agent.id}")
    assert await desk.state_of(agent) is AgentState.RELEASED


async def test_a_broken_conversation_ends_the_agent(desk: Desk) -> None:
    agent = await desk.idle("Worker")
    await desk.state(agent, AgentBroken(code="PROTOCOL_ERROR", detail="gibberish"))
    assert await desk.state_of(agent) is AgentState.FAILED
    assert isinstance((await desk.commands())[-1], Stop)


async def test_an_interrupt_goes_to_a_working_agent_only(desk: Desk) -> None:
    agent = await desk.idle("Worker")
    assert not await desk.adapters.mailroom.interrupt(desk.workspace, agent.id, by="operator")
    await desk.send("Worker")
    assert await desk.adapters.mailroom.interrupt(desk.workspace, agent.id, by="operator")


async def connected_long_ago(desk: Desk) -> None:
    """So that whatever the proxy had to report after connecting has come."""
    await desk.adapters.redis.hset(keys.key(desk.workspace, "link", desk.link), "since", "0")


async def give_a_sign(desk: Desk) -> None:
    """The proxy takes everything, certainly in a later millisecond than whatever it reported before."""
    await desk.adapters.links.acknowledge(desk.workspace, desk.link, fence=desk.attached.fence, seq=99)
    await desk.adapters.redis.hset(keys.key(desk.workspace, "link", desk.link), "heard", str(2**42))


async def asked_long_ago(desk: Desk, agent: Agent) -> None:
    """So that the link has had its time to give a sign, and gave none."""
    key = keys.key(desk.workspace, "agent", agent.id)
    of, _, _ = (await desk.adapters.redis.hget(key, "probed") or "").rpartition(" ")
    await desk.adapters.redis.hset(key, "probed", f"{of} 1")
    await desk.adapters.redis.hset(keys.key(desk.workspace, "link", desk.link), "heard", "0")


async def test_an_agent_that_does_not_react_is_deaf_and_restarted(desk: Desk) -> None:
    agent = await desk.idle("Worker")
    message, _ = await desk.send("Worker")
    await desk.handed(agent, message)
    await desk.due(f"proof|{agent.id}|1|{message}")
    assert not isinstance((await desk.commands())[-1], Probe)  # it has only just connected
    await connected_long_ago(desk)
    await desk.due(f"proof|{agent.id}|1|{message}")
    assert isinstance((await desk.commands())[-1], Probe)  # is it the agent, or does nothing come through?
    assert await desk.state_of(agent) is AgentState.WORKING
    await give_a_sign(desk)
    await desk.due(f"proof|{agent.id}|1|{message}")
    assert len(await desk.events("agent.deaf")) == 1
    assert (await desk.agent(agent.id)).generation == 2


async def test_a_proxy_that_does_not_take_a_message_is_kicked_not_the_agent(desk: Desk) -> None:
    agent = await desk.idle("Worker")
    message, _ = await desk.send("Worker")
    await connected_long_ago(desk)
    await desk.due(f"proof|{agent.id}|1|{message}")
    await desk.due(f"proof|{agent.id}|1|{message}")  # the same once more, as an answer was lost
    assert await desk.state_of(agent) is AgentState.WORKING
    await asked_long_ago(desk, agent)
    await desk.due(f"proof|{agent.id}|1|{message}")
    assert await desk.state_of(agent) is AgentState.DEAF
    assert (await desk.agent(agent.id)).generation == 1
    await desk.attach(a_hello(epoch="box-epoch", commands_seen=1, agents=live(agent)))
    assert await desk.state_of(agent) is AgentState.WORKING


async def test_what_was_heard_before_a_gateway_died_is_no_sign_that_an_agent_is_deaf(desk: Desk) -> None:
    agent = await desk.idle("Worker")
    message, _ = await desk.send("Worker")
    await desk.handed(agent, message)
    await connected_long_ago(desk)
    # Another agent of the machine went on a while longer, and so did the link.
    await desk.adapters.redis.hset(keys.key(desk.workspace, "link", desk.link), "heard", str(2**42))
    await desk.due(f"proof|{agent.id}|1|{message}")
    assert await desk.events("agent.deaf") == []
    assert isinstance((await desk.commands())[-1], Probe)
    assert (await desk.agent(agent.id)).generation == 1


@pytest.mark.parametrize("proof", ["accepted", "turn"])
async def test_a_proof_in_time_calls_the_deadline_off(desk: Desk, proof: str) -> None:
    agent = await desk.idle("Worker")
    message, _ = await desk.send("Worker")
    if proof == "accepted":
        await desk.state(agent, PromptAccepted(message_id=message))
    else:
        await desk.state(agent, TurnStarted(turn_id="t", message_id=message))
    timers = await desk.adapters.redis.zrange(f"rc:{{{desk.workspace}}}:timers", 0, -1)
    assert not [name for name in timers if name.startswith("proof|")]


async def test_deadlines_of_an_older_process_mean_nothing(desk: Desk) -> None:
    agent = await desk.idle("Worker")
    message, _ = await desk.send("Worker")
    await desk.exited(agent)
    await desk.due(f"proof|{agent.id}|1|{message}")
    await desk.due(f"spawn|{agent.id}|1")
    assert await desk.state_of(agent) is AgentState.STARTING
    assert (await desk.agent(agent.id)).generation == 2


async def start_deadline(desk: Desk, agent: Agent) -> float:
    timers = keys.key(desk.workspace, "timers")
    due = await desk.adapters.redis.zrangebyscore(timers, "-inf", "+inf", withscores=True)
    return dict(due)[f"spawn|{agent.id}|1"]


async def test_a_machine_that_starts_an_agent_has_its_own_time_to_say_that_it_does_not_become_ready(desk: Desk) -> None:
    agent = await desk.spawn("Worker")
    ordered_until = await start_deadline(desk, agent)
    await desk.started(agent)
    assert await start_deadline(desk, agent) >= ordered_until + TIMINGS.ready_deadline_ms - TIMINGS.start_deadline_ms


async def test_an_agent_that_dials_by_itself_has_no_machine_that_watches_its_start(desk: Desk) -> None:
    agent = await desk.spawn("Worker")
    ordered_until = await start_deadline(desk, agent)
    await desk.started(agent, transport=Transport.SDK_URL)
    assert await start_deadline(desk, agent) == ordered_until


@pytest.mark.parametrize("timer", ["spawn|x|1", "stop|x", "proof|x|1|m", "away|x", "ttl|x", "interrupt|x|1|t", "odd|x"])
async def test_a_deadline_about_nothing_known_is_no_error(desk: Desk, timer: str) -> None:
    await desk.due(timer)


async def test_a_claimed_timer_is_leased_and_then_due_again(desk: Desk) -> None:
    await desk.send((await desk.spawn("Worker")).name, ttl_s=0)
    due, _ = await desk.adapters.timers.claim(desk.workspace)
    assert [name.partition("|")[0] for name in due] == ["ttl"]
    again, next_s = await desk.adapters.timers.claim(desk.workspace)
    assert again == []
    assert next_s is not None
    assert 5 < next_s <= 10


async def test_ready_is_told_with_what_the_vendor_said(desk: Desk) -> None:
    agent = await desk.spawn("Worker")
    await desk.state(agent, AgentReady(native_id="n1", model="big", version="2", resumed=True))
    (event,) = await desk.events("agent.ready")
    place = {"machine": "laptop", "folder": None}
    assert event["data"] == {"native_id": "n1", "resumed": True, "model": "big", "generation": 1, **place}
    assert (await desk.agent(agent.id)).model == "big"


async def test_a_machine_with_agents_is_not_forgotten_over_their_heads(desk: Desk) -> None:
    proxy = await desk.adapters.registry.link_machine(
        desk.workspace, "machine-1", new_id=ProxyId(desk.link), token=TokenId("workspace"), member=None, take=True
    )
    agent = await desk.idle("Worker")
    with pytest.raises(Conflict) as refused:
        await desk.adapters.registry.forget_proxy(desk.workspace, proxy)
    assert refused.value.code == "PROXY_ONLINE"
    await desk.detach()
    with pytest.raises(Conflict) as refused:
        await desk.adapters.registry.forget_proxy(desk.workspace, proxy)
    assert refused.value.code == "PROXY_HAS_AGENTS"
    await desk.adapters.mailroom.release(desk.workspace, agent.id, by="operator")
    await desk.adapters.registry.forget_proxy(desk.workspace, proxy)


async def resume(desk: Desk, agent: Agent, *, plan: Plan = Plan.TEAM) -> Agent:
    await desk.adapters.mailroom.resume(desk.workspace, desk.session.id, agent.id, by="operator", plan=plan)
    return await desk.agent(agent.id)


async def released(desk: Desk, agent: Agent) -> Agent:
    await desk.adapters.mailroom.release(desk.workspace, agent.id, by="operator")
    await desk.exited(agent, expected=True)
    return await desk.agent(agent.id)


@pytest.mark.parametrize("end", ["released", "failed"])
async def test_an_ended_agent_is_resumed_with_its_conversation(desk: Desk, end: str) -> None:
    agent = await desk.idle("Worker")
    first, _ = await desk.send("Worker")
    await desk.turn(agent, first)
    if end == "released":
        await released(desk, agent)
    else:
        await desk.state(agent, AgentBroken(code="PROTOCOL_ERROR", detail="x"))
    again = await resume(desk, agent)
    assert (again.id, again.state, again.generation, again.reason) == (agent.id, AgentState.STARTING, 2, None)
    order = (await desk.commands())[-1]
    assert isinstance(order, Spawn)
    assert (order.agent, order.generation, order.name, order.resume) == (agent.id, 2, "Worker", "native-Worker")
    await desk.ready(again)
    message, _ = await desk.send("worker", "go on")
    await desk.turn(again, message)
    assert await desk.receipt(message) is ReceiptState.ANSWERED
    ttl = "return redis.call('TTL', KEYS[1])"
    assert await desk.adapters.redis.eval(ttl, 1, keys.key(desk.workspace, "agent", agent.id)) == -1
    assert (await released(desk, again)).state is AgentState.RELEASED


async def test_an_agent_that_was_never_spoken_to_comes_back_without_a_conversation(desk: Desk) -> None:
    agent = await desk.idle("Worker")
    await desk.exited(agent)
    restarted = (await desk.commands())[-1]
    agent = await desk.ready(await desk.agent(agent.id))
    again = await resume(desk, await released(desk, agent))
    resumed = (await desk.commands())[-1]
    assert isinstance(restarted, Spawn)
    assert isinstance(resumed, Spawn)
    assert (restarted.resume, resumed.generation, resumed.resume) == (None, again.generation, None)


async def test_a_repeated_resume_is_one_process(desk: Desk) -> None:
    agent = await released(desk, await desk.idle("Worker"))
    before = len(await desk.commands())
    for _ in range(3):
        await resume(desk, agent)
    assert len(await desk.commands()) == before + 1


async def test_what_an_older_process_still_says_is_not_heard_after_a_resume(desk: Desk) -> None:
    agent = await desk.idle("Worker")
    await released(desk, agent)
    again = await resume(desk, agent)
    await desk.exited(agent)
    assert (await desk.agent(again.id)).state is AgentState.STARTING


async def test_an_agent_without_a_conversation_is_not_resumed(desk: Desk) -> None:
    agent = await desk.spawn("Worker")
    await desk.exited(agent)
    with pytest.raises(Conflict) as refused:
        await resume(desk, agent)
    assert refused.value.code == "NO_CONVERSATION"


async def test_a_name_that_another_has_by_now_is_not_taken_back(desk: Desk) -> None:
    agent = await released(desk, await desk.idle("Worker"))
    await desk.idle("worker")
    with pytest.raises(Conflict) as refused:
        await resume(desk, agent)
    assert refused.value.code == "NAME_TAKEN"


async def test_a_resume_needs_the_agents_own_machine_and_a_place_in_the_plan(desk: Desk) -> None:
    agent = await released(desk, await desk.idle("Worker"))
    await desk.idle("Other")
    with pytest.raises(PlanLimitReached):
        await resume(desk, agent, plan=Plan.FREE)
    await desk.detach()
    with pytest.raises(NoPlacement):
        await resume(desk, agent)
    assert (await desk.agent(agent.id)).state is AgentState.RELEASED


async def test_an_agent_of_another_session_is_not_resumed(desk: Desk) -> None:
    agent = await released(desk, await desk.idle("Worker"))
    for session, wanted in ((SessionId("other"), agent.id), (desk.session.id, AgentId("nobody"))):
        with pytest.raises(NotFound):
            await desk.adapters.mailroom.resume(desk.workspace, session, wanted, by="x", plan=Plan.TEAM)
