"""Connected peers: taking over, fencing, reports each once, redelivery."""

import asyncio
from typing import Any

import pytest

from broker.adapters.redis import keys
from broker.domain.agents.agents import AgentState, Transport
from broker.domain.errors import Conflict, Fenced, Unavailable
from broker.domain.ids import AgentId, LinkId, MessageId
from broker.domain.messages.steps import ReceiptState
from broker.domain.timings import TIMINGS
from broker.protocol.agents.events import AgentReady, TurnEnded, TurnOutcome, TurnStarted
from broker.protocol.proxy import Deliver, Exited, FrameRecorded, Handed, Hello, LiveAgent, Spawn, StateChanged, Stop
from broker.services.ports import Attached, Held, NumberedFact
from tests.fixtures.desk import Desk, a_hello, live


async def attach_beside(desk: Desk, hello: Hello) -> Attached:
    """While the desk's own connection is there."""
    return await desk.adapters.links.attach(
        desk.workspace, desk.link, hello, session=desk.session.id, epoch="box-epoch"
    )


async def test_a_new_connection_fences_the_one_before_it(desk: Desk) -> None:
    agent = await desk.spawn("Worker")
    before = desk.attached
    await desk.attach()
    assert desk.attached.fence == before.fence + 1
    ready = StateChanged(agent=agent.id, generation=1, event=AgentReady(native_id="n"))
    with pytest.raises(Fenced):
        await desk.adapters.links.apply(
            desk.workspace,
            desk.link,
            [NumberedFact(seq=1, fact=ready)],
            fence=before.fence,
            spool="spool-1",
            redactor=desk.redactor,
        )
    assert not await desk.adapters.links.acknowledge(desk.workspace, desk.link, fence=before.fence, seq=1)
    assert await desk.state_of(agent) is AgentState.STARTING


async def test_a_copy_of_a_machine_is_refused_for_as_long_as_the_first_gives_signs_of_life(desk: Desk) -> None:
    copy = a_hello(boot_id="copy", spool_id="copy")
    for _ in range(3):
        with pytest.raises(Conflict, match="connected from elsewhere") as refused:
            await attach_beside(desk, copy)
        assert refused.value.code == "ELSEWHERE"
        assert [command.type for command in await desk.commands()] == ["probe"]
        acked = await desk.adapters.links.commands(desk.workspace, desk.link, after=0)
        assert await desk.adapters.links.acknowledge(
            desk.workspace, desk.link, fence=desk.attached.fence, seq=acked[-1][0]
        )


async def test_a_machine_that_gives_no_sign_of_life_is_taken_over(desk: Desk) -> None:
    again = a_hello(boot_id="boot-2", spool_id="spool-2")
    with pytest.raises(Conflict, match="connected from elsewhere"):
        await attach_beside(desk, again)
    key = f"rc:{{{desk.workspace}}}:l:{desk.link}"
    long_ago = int(await desk.adapters.redis.hget(key, "challenged") or 0) - 60_000
    await desk.adapters.redis.hset(key, "challenged", str(long_ago))
    await desk.adapters.redis.hset(key, "heard", str(long_ago - 1))
    assert (await attach_beside(desk, again)).fence == desk.attached.fence + 1


async def test_a_machine_that_shows_that_its_predecessor_is_dead_is_taken_at_once(desk: Desk) -> None:
    await desk.attach(a_hello(boot_id="line.1", spool_id="first"))
    again = await attach_beside(desk, a_hello(boot_id="line.3", spool_id="third"))
    assert again.fence == desk.attached.fence + 1
    for other in ("line.2", "copy.4", "line", "line.x", ".9"):
        with pytest.raises(Conflict, match="connected from elsewhere"):
            await attach_beside(desk, a_hello(boot_id=other, spool_id=other))


async def test_a_peer_is_told_what_time_it_is_on_the_clock_that_dates_its_messages(desk: Desk) -> None:
    seconds, microseconds = await desk.adapters.redis.time()
    before_ms = seconds * 1000 + microseconds // 1000
    attached = await desk.attach()
    seconds, microseconds = await desk.adapters.redis.time()
    assert before_ms <= attached.now_ms <= seconds * 1000 + microseconds // 1000


async def test_a_detach_of_a_fenced_connection_changes_nothing(desk: Desk) -> None:
    before = desk.attached
    await desk.attach()
    await desk.adapters.links.detach(desk.workspace, desk.link, fence=before.fence)
    (proxy,) = [await desk.adapters.redis.hget(f"rc:{{{desk.workspace}}}:l:{desk.link}", "online")]
    assert proxy == "1"


async def test_the_same_boot_finds_its_unacknowledged_commands_again(desk: Desk) -> None:
    agent = await desk.spawn("Worker")
    again = await desk.attach(a_hello(epoch="box-epoch", commands_seen=0, agents=[]))
    assert again.commands_acked == 0
    assert [command.type for command in await desk.commands()] == ["spawn"]
    assert await desk.state_of(agent) is AgentState.STARTING


async def test_commands_the_proxy_has_seen_are_let_go_at_the_next_hello(desk: Desk) -> None:
    agent = await desk.spawn("Worker")
    again = await desk.attach(a_hello(epoch="box-epoch", commands_seen=1, agents=live(agent)))
    assert again.commands_acked == 1
    assert await desk.commands() == []


async def test_a_new_boot_restarts_live_agents_with_their_conversation(desk: Desk) -> None:
    agent = await desk.idle("Worker")
    message, _ = await desk.send("Worker")
    again = await desk.attach(a_hello(boot_id="boot-2", spool_id="spool-2"))
    (order,) = await desk.commands(after=again.commands_acked)
    assert isinstance(order, Spawn)
    assert (order.generation, order.resume) == (2, "native-Worker")
    assert await desk.receipt(message) is ReceiptState.QUEUED
    agent = await desk.ready(await desk.agent(agent.id))
    delivered = (await desk.commands())[-1]
    assert isinstance(delivered, Deliver)
    assert (delivered.message_id, delivered.generation) == (message, 2)
    assert delivered.nudge is not None


async def test_a_new_boot_ends_agents_that_were_being_released(desk: Desk) -> None:
    agent = await desk.idle("Worker")
    await desk.adapters.mailroom.release(desk.workspace, agent.id, by="operator")
    await desk.attach(a_hello(boot_id="boot-2"))
    assert await desk.state_of(agent) is AgentState.RELEASED


async def test_processes_nobody_knows_are_told_to_stop(desk: Desk) -> None:
    agent = await desk.idle("Worker")
    strange = LiveAgent(agent=AgentId("unheard-of"), generation=7)
    again = await desk.attach(a_hello(epoch="box-epoch", commands_seen=1, agents=[*live(agent), strange]))
    (order,) = await desk.commands(after=again.commands_acked)
    assert order == Stop(agent=AgentId("unheard-of"), generation=7, reason="superseded")


async def test_an_id_with_quotes_cannot_break_the_mailbox(desk: Desk) -> None:
    odd = AgentId('x","type":"spawn')
    again = await desk.attach(a_hello(agents=[LiveAgent(agent=odd, generation=1)]))
    (order,) = await desk.commands(after=again.commands_acked)
    assert order == Stop(agent=odd, generation=1, reason="superseded")


async def test_a_proxy_that_has_seen_more_than_the_store_knows_gets_a_new_epoch(desk: Desk) -> None:
    """A fail-over may lose the last commands; their numbers must not be given to new ones under the same epoch.

    What it has not taken for certain comes again: what the agent waits for must not be lost with the numbers.
    """
    agent = await desk.idle("Worker")
    message, _ = await desk.send("Worker")
    again = await desk.attach(a_hello(epoch="box-epoch", commands_seen=9, agents=live(agent)), epoch="another-epoch")
    assert (again.epoch, again.commands_acked) == ("another-epoch", 2)
    spawn, deliver = await desk.commands(after=2)
    assert isinstance(spawn, Spawn)
    assert isinstance(deliver, Deliver)
    assert deliver.message_id == message


async def test_each_report_number_is_acted_on_once(desk: Desk) -> None:
    agent = await desk.spawn("Worker")
    ready = NumberedFact(seq=1, fact=StateChanged(agent=agent.id, generation=1, event=AgentReady(native_id="n")))
    await desk.apply([ready])
    await desk.apply([ready])
    assert len(await desk.events("agent.ready")) == 1


async def test_reports_seen_are_told_at_the_next_hello_of_the_same_spool_only(desk: Desk) -> None:
    await desk.idle("Worker")
    assert (await desk.attach()).reports_seen == 1
    assert (await desk.attach(a_hello(spool_id="spool-2"))).reports_seen == 0


async def test_a_report_after_a_hole_is_refused_and_forgotten(desk: Desk) -> None:
    agent = await desk.spawn("Worker")
    ready = StateChanged(agent=agent.id, generation=1, event=AgentReady(native_id="n"))
    with pytest.raises(Conflict) as refused:
        await desk.apply([NumberedFact(seq=2, fact=ready)])
    assert refused.value.code == "REPORT_GAP"
    await desk.apply([NumberedFact(seq=1, fact=ready)])
    assert await desk.state_of(agent) is AgentState.IDLE


async def test_a_server_that_forgot_some_scripts_loses_no_report_of_a_batch(desk: Desk) -> None:
    agent = await desk.idle("Worker")
    message, _ = await desk.send("Worker")
    frame = FrameRecorded(agent=agent.id, generation=1, direction="out", frame_type="t", raw={})
    await _flush_scripts(desk)
    await desk.report(frame)  # known again, and the only one
    await desk.report(
        Handed(agent=agent.id, generation=1, message_id=message),
        frame,
        StateChanged(agent=agent.id, generation=1, event=TurnStarted(turn_id="t", message_id=message)),
        frame,
    )
    assert await desk.receipt(message) is ReceiptState.IN_TURN
    steps = [event["data"]["state"] for event in await desk.events("message.receipt")]
    assert steps == ["queued", "sent", "received", "handed", "in_turn"]
    assert len(await desk.events("agent.frame")) == 3


async def _flush_scripts(desk: Desk) -> None:
    pipe = desk.adapters.redis.pipeline(transaction=False)
    pipe.execute_command("SCRIPT FLUSH")
    await pipe.execute()


async def test_reports_of_an_older_generation_are_not_heard(desk: Desk) -> None:
    agent = await desk.idle("Worker")
    await desk.exited(agent)
    assert (await desk.agent(agent.id)).generation == 2
    await desk.exited(agent)
    await desk.state(agent, AgentReady(native_id="old"))
    assert (await desk.agent(agent.id)).generation == 2
    assert await desk.state_of(agent) is AgentState.STARTING


async def test_what_an_older_process_said_is_in_the_log_all_the_same(desk: Desk) -> None:
    agent = await desk.idle("Worker")
    await desk.exited(agent)
    frame: dict[str, Any] = {"direction": "out", "frame_type": "odd", "raw": {}, "events": [], "transient": False}
    await desk.report(FrameRecorded(agent=agent.id, generation=1, **frame))
    await desk.adapters.mailroom.release(desk.workspace, agent.id, by="operator")
    await desk.exited(await desk.agent(agent.id), expected=True)
    await desk.report(FrameRecorded(agent=agent.id, generation=1, **frame))
    await desk.report(FrameRecorded(agent=agent.id, generation=9, **frame))
    assert len(await desk.events("agent.frame")) == 2


async def test_a_proxy_cannot_speak_for_anothers_agent(desk: Desk) -> None:
    agent = await desk.idle("Worker")
    await desk.attach(a_hello(machine_id="machine-2", boot_id="b", spool_id="s"), link=LinkId("proxy-2"))
    await desk.exited(agent)
    assert await desk.state_of(agent) is AgentState.IDLE


async def test_a_proxy_cannot_make_receipts_for_messages_to_others(desk: Desk) -> None:
    await desk.idle("Worker")
    other = await desk.idle("Other")
    message, _ = await desk.send("Worker")
    await desk.handed(other, message)
    row = await desk.adapters.redis.hgetall(f"rc:{{{desk.workspace}}}:m:{message}")
    assert not [field for field in row if other.id in field]


async def test_reports_about_messages_nobody_knows_leave_no_trace(desk: Desk) -> None:
    agent = await desk.idle("Worker")
    unknown = MessageId("00000000-0000-4000-8000-000000000000")
    await desk.turn(agent, unknown)
    assert await desk.adapters.redis.hgetall(f"rc:{{{desk.workspace}}}:m:{unknown}") == {}
    assert await desk.state_of(agent) is AgentState.IDLE


async def test_acknowledged_commands_are_received_and_let_go(desk: Desk) -> None:
    await desk.idle("Worker")
    message, _ = await desk.send("Worker")
    assert await desk.adapters.links.acknowledge(desk.workspace, desk.link, fence=desk.attached.fence, seq=99)
    assert await desk.receipt(message) is ReceiptState.RECEIVED
    assert await desk.commands() == []


async def test_acknowledging_a_delivery_to_an_older_process_is_no_receipt(desk: Desk) -> None:
    agent = await desk.idle("Worker")
    message, _ = await desk.send("Worker")
    await desk.exited(agent)
    await desk.adapters.links.acknowledge(desk.workspace, desk.link, fence=desk.attached.fence, seq=99)
    assert await desk.receipt(message) is ReceiptState.QUEUED


async def is_online(desk: Desk) -> bool:
    return await desk.adapters.redis.hget(f"rc:{{{desk.workspace}}}:l:{desk.link}", "online") == "1"


async def test_a_link_whose_lease_stands_still_is_detached_once(desk: Desk) -> None:
    ((link, lease),) = (await desk.adapters.links.leases(desk.workspace)).items()
    assert await desk.adapters.links.lapse(desk.workspace, link, lease)
    assert not await is_online(desk)
    assert await desk.adapters.links.leases(desk.workspace) == {}
    assert not await desk.adapters.links.lapse(desk.workspace, link, lease)


async def test_a_link_that_was_renewed_or_taken_over_meanwhile_is_left_alone(desk: Desk) -> None:
    links = desk.adapters.links
    seen = (await links.leases(desk.workspace))[desk.link]
    await links.renew(desk.workspace, {desk.link: Held(fence=desk.attached.fence, reports=desk.reported)})
    assert not await links.lapse(desk.workspace, desk.link, seen)
    seen = (await links.leases(desk.workspace))[desk.link]
    before = desk.attached.fence
    await desk.attach()
    assert not await links.lapse(desk.workspace, desk.link, seen)
    # Of a gateway that has not noticed yet.
    await links.renew(desk.workspace, {desk.link: Held(fence=before, reports=0)})
    assert (await links.leases(desk.workspace))[desk.link] == f"{desk.attached.fence} 0"
    assert await is_online(desk)


async def test_a_gateway_that_was_given_up_by_mistake_has_its_peers_come_again(desk: Desk) -> None:
    heard: asyncio.Queue[str | None] = asyncio.Queue()
    running = asyncio.create_task(desk.adapters.bus.run())
    stop = await desk.adapters.bus.listen(f"rc:{{{desk.workspace}}}:l:{desk.link}", heard.put_nowait)
    ((link, lease),) = (await desk.adapters.links.leases(desk.workspace)).items()
    await desk.adapters.links.lapse(desk.workspace, link, lease)
    await desk.adapters.links.renew(desk.workspace, {desk.link: Held(fence=desk.attached.fence, reports=desk.reported)})
    async with asyncio.timeout(5):
        assert await heard.get() == "!kick"
    await stop()
    running.cancel()


async def test_a_link_that_an_earlier_version_left_online_gets_a_lease(desk: Desk) -> None:
    proxies = f"rc:{{{desk.workspace}}}:proxies"
    await desk.adapters.redis.hset(proxies, "machine-1", desk.link)
    await desk.adapters.redis.delete(f"rc:{{{desk.workspace}}}:leases")
    await desk.adapters.links.adopt(desk.workspace)
    assert await desk.adapters.links.leases(desk.workspace) == {desk.link: f"{desk.attached.fence} 0"}


async def test_a_graceful_stop_of_relay_connect_is_nobodys_fault(desk: Desk) -> None:
    """The agents go on when it is back, however often that happens, and also when they were just starting."""
    agent = await desk.idle("Worker")
    for generation in range(2, 7):
        await desk.exited(agent, reason="PROXY_STOPPED")
        assert await desk.state_of(agent) is AgentState.LOST
        await desk.attach(a_hello(boot_id=f"boot-{generation}", spool_id=f"spool-{generation}"))
        agent = await desk.agent(agent.id)
        assert (agent.state, agent.generation) == (AgentState.STARTING, generation)


async def test_an_agent_that_dials_in_itself_is_served_over_its_own_link(desk: Desk) -> None:
    agent = await desk.spawn("Claude")
    await desk.started(agent, transport=Transport.SDK_URL)
    direct = LinkId(f"direct:{agent.id}")
    hello = a_hello(machine_id=str(direct), boot_id=f"{agent.id}.1", spool_id="d", agents=live(agent))
    again = await desk.attach(hello, link=direct)
    assert await desk.commands(link=direct, after=again.commands_acked) == []
    await desk.ready(agent)
    assert await desk.state_of(agent) is AgentState.IDLE
    message, _ = await desk.send("Claude")
    (order,) = await desk.commands(link=direct)
    assert isinstance(order, Deliver)
    assert order.message_id == message
    await desk.turn(agent, message)
    assert await desk.receipt(message) is ReceiptState.ANSWERED


async def test_a_direct_agent_goes_back_to_its_proxy_when_it_is_restarted(desk: Desk) -> None:
    agent = await desk.spawn("Claude")
    await desk.started(agent, transport=Transport.SDK_URL)
    direct = LinkId(f"direct:{agent.id}")
    proxy = desk.attached
    hello = a_hello(machine_id=str(direct), boot_id=f"{agent.id}.1", spool_id="d", agents=live(agent))
    await desk.attach(hello, link=direct)
    await desk.ready(agent)
    await desk.detach()
    desk.attached, desk.spool, desk.reported = proxy, "spool-1", 1
    await desk.exited(agent)
    assert (await desk.agent(agent.id)).generation == 2
    await desk.due(f"away|{direct}")
    assert await desk.state_of(agent) is AgentState.STARTING


async def test_concurrent_takeovers_leave_exactly_one_connection_valid(desk: Desk) -> None:
    async with asyncio.TaskGroup() as tasks:
        attaching = [
            tasks.create_task(
                desk.adapters.links.attach(desk.workspace, desk.link, a_hello(), session=desk.session.id, epoch="e")
            )
            for _ in range(10)
        ]
    fences = [task.result().fence for task in attaching]
    assert len(set(fences)) == 10
    valid = [
        await desk.adapters.links.acknowledge(desk.workspace, desk.link, fence=fence, seq=0) for fence in sorted(fences)
    ]
    assert valid == [False] * 9 + [True]


async def test_an_agent_that_never_became_ready_is_not_taken_for_ready_after_an_outage(desk: Desk) -> None:
    agent = await desk.spawn("Worker")
    await desk.detach()
    await desk.due(f"away|{desk.link}")
    assert await desk.state_of(agent) is AgentState.LOST
    await desk.attach(a_hello(epoch="box-epoch", commands_seen=1, agents=live(agent)))
    assert await desk.state_of(agent) is AgentState.STARTING
    await desk.report(Exited(agent=agent.id, generation=1, code=1, expected=False, reason="exited"))
    assert await desk.state_of(agent) is AgentState.FAILED


async def test_a_start_is_not_given_up_while_the_machine_is_away(desk: Desk) -> None:
    agent = await desk.spawn("Worker")
    await desk.detach()
    await desk.due(f"spawn|{agent.id}|1")
    assert await desk.state_of(agent) is AgentState.STARTING
    await desk.attach()
    await desk.due(f"spawn|{agent.id}|1")
    assert await desk.state_of(agent) is AgentState.FAILED


async def test_lost_agents_come_back_with_what_they_were_doing(desk: Desk) -> None:
    idle, busy = await desk.idle("Idle"), await desk.idle("Busy")
    await desk.send("Busy")
    await desk.detach()
    await desk.due(f"away|{desk.link}")
    assert [await desk.state_of(a) for a in (idle, busy)] == [AgentState.LOST] * 2
    await desk.attach(a_hello(epoch="box-epoch", commands_seen=3, agents=live(idle, busy)))
    assert [await desk.state_of(a) for a in (idle, busy)] == [AgentState.IDLE, AgentState.WORKING]


async def test_an_outage_shorter_than_the_grace_loses_nobody(desk: Desk) -> None:
    agent = await desk.idle("Worker")
    await desk.detach()
    await desk.attach(a_hello(agents=live(agent)))
    await desk.due(f"away|{desk.link}")
    assert await desk.state_of(agent) is AgentState.IDLE


async def test_a_turn_nobody_prompted_makes_the_agent_busy_for_its_time(desk: Desk) -> None:
    agent = await desk.idle("Worker")
    await desk.state(agent, TurnStarted(turn_id="own"))
    assert await desk.state_of(agent) is AgentState.WORKING
    await desk.state(agent, TurnEnded(turn_id="own", outcome=TurnOutcome.COMPLETED))
    assert await desk.state_of(agent) is AgentState.IDLE


async def test_a_store_that_went_back_does_not_take_a_machine_for_one_that_has_everything(desk: Desk) -> None:
    await desk.spawn("Worker")
    assert len(await desk.adapters.links.commands(desk.workspace, desk.link, after=0)) == 1
    assert await desk.adapters.links.commands(desk.workspace, desk.link, after=1) == []
    link = f"rc:{{{desk.workspace}}}:l:{desk.link}"
    await desk.adapters.redis.hset(link, "sent", "0")  # as a replica has it that never got the command
    with pytest.raises(Unavailable) as lost:
        await desk.adapters.links.commands(desk.workspace, desk.link, after=1)
    assert (lost.value.code, lost.value.retryable) == ("COMMANDS_LOST", True)


async def test_a_machine_that_takes_nothing_is_not_told_of_ever_more_agents_that_are_over(desk: Desk) -> None:
    """It may name thousands that nobody knows in every hello."""
    over = [LiveAgent(agent=AgentId("over"), generation=1)]
    link = keys.key(desk.workspace, "link", desk.link)
    await desk.spawn("Waits")  # a command that it does not take
    told = []
    for waiting in (TIMINGS.outbox_bytes, 0):
        await desk.adapters.redis.hset(link, "out_bytes", str(waiting))
        await desk.attach(a_hello(agents=over))
        told.append(sum(isinstance(each, Stop) for each in await desk.commands()))
    assert told == [0, 1]
