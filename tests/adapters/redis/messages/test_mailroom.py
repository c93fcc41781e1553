"""Messages: quota, recipients, numbers, hand-over, receipts, the inbox's cumulative ack."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest

from broker.app import Adapters
from broker.domain.agents.agents import AgentState
from broker.domain.errors import Conflict, NotFound, PlanLimitReached, RelayError
from broker.domain.ids import MessageId, SessionId, WorkspaceId
from broker.domain.messages.messages import Channel, Mode
from broker.domain.messages.steps import ReceiptState
from broker.domain.plans.plans import Plan
from broker.protocol.agents.events import PromptAccepted, PromptJoinedTurn, PromptRefused, TurnStarted
from broker.protocol.proxy import Deliver, Interrupt
from tests.fixtures.desk import Desk, a_hello, live, open_desk


def new_id() -> MessageId:
    return MessageId(str(uuid4()))


async def deliveries(desk: Desk) -> list[MessageId]:
    return [command.message_id for command in await desk.commands() if isinstance(command, Deliver)]


async def test_a_repeated_send_meets_the_first(desk: Desk) -> None:
    await desk.idle("Worker")
    wanted = new_id()
    _, first = await desk.send("Worker", id_=wanted)
    _, second = await desk.send("Worker", id_=wanted)
    assert first == second
    assert await deliveries(desk) == [wanted]
    assert len(await desk.events("message.accepted")) == 1


async def test_twenty_repetitions_at_once_are_one_message(desk: Desk) -> None:
    await desk.idle("Worker")
    wanted = new_id()
    await asyncio.gather(*(desk.send("Worker", id_=wanted) for _ in range(20)))
    assert await deliveries(desk) == [wanted]


async def test_a_key_used_again_for_another_text_is_refused(desk: Desk) -> None:
    await desk.idle("Worker")
    wanted, _ = await desk.send("Worker", "one")
    with pytest.raises(Conflict) as refused:
        await desk.send("Worker", "two", id_=wanted)
    assert refused.value.code == "IDEMPOTENCY_MISMATCH"


async def test_the_days_quota_is_exact_under_concurrency(adapters: Adapters, workspace: WorkspaceId) -> None:
    desk = await open_desk(adapters, workspace, plan=Plan.FREE)
    await desk.idle("Worker")
    results = await asyncio.gather(*(desk.send("Worker") for _ in range(120)), return_exceptions=True)
    refused = [result for result in results if isinstance(result, BaseException)]
    assert len(refused) == 20
    assert {type(error) for error in refused} == {PlanLimitReached}
    assert len(await desk.events("message.accepted")) == 100


async def test_a_repeated_send_costs_no_quota_and_succeeds_at_the_limit(
    adapters: Adapters, workspace: WorkspaceId
) -> None:
    desk = await open_desk(adapters, workspace, plan=Plan.FREE)
    await desk.idle("Worker")
    sent = [(await desk.send("Worker"))[0] for _ in range(100)]
    await desk.send("Worker", id_=sent[0])
    with pytest.raises(PlanLimitReached):
        await desk.send("Worker")


@pytest.mark.parametrize(
    ("to", "code"), [("Nobody", "AGENT_NOT_FOUND"), ("#empty", "NO_RECIPIENTS"), ("*", "NO_RECIPIENTS")]
)
async def test_a_message_nobody_would_get_is_refused_and_nothing_changes(desk: Desk, to: str, code: str) -> None:
    before = await desk.events()
    with pytest.raises(NotFound) as refused:
        await desk.send(to)
    assert refused.value.code == code
    assert await desk.events() == before


async def test_a_message_into_an_unknown_session_is_refused(desk: Desk) -> None:
    await desk.idle("Worker")
    desk.session = type(desk.session)(id=SessionId("gone"), name="x", epoch="e", offset=0, created_at_ms=0)
    with pytest.raises(NotFound) as refused:
        await desk.send("Worker")
    assert refused.value.code == "SESSION_NOT_FOUND"


async def test_names_are_found_whatever_their_case(desk: Desk) -> None:
    await desk.idle("Worker")
    _, (delivery,) = await desk.send("wORKER")
    assert delivery.to == "Worker"


async def test_a_broadcast_reaches_everybody_but_its_sender(desk: Desk) -> None:
    first = await desk.idle("First")
    await desk.idle("Second")
    await desk.idle("Third")
    _, rows = await desk.send("*", by=desk.acting_as(first))
    assert sorted(row.to for row in rows) == ["Second", "Third"]


async def test_a_channel_reaches_its_living_members(desk: Desk) -> None:
    member, gone, _ = await desk.idle("Member"), await desk.idle("Gone"), await desk.idle("Stranger")
    dev: Any = {"channel": "#dev", "by": "ann"}
    for each in (member, gone):
        await desk.adapters.mailroom.join_channel(desk.workspace, desk.session.id, agent=each.id, **dev)
    await desk.adapters.mailroom.release(desk.workspace, gone.id, by="operator")
    await desk.exited(gone, expected=True)
    _, rows = await desk.send("#dev")
    assert [row.to for row in rows] == ["Member"]
    await desk.adapters.mailroom.leave_channel(desk.workspace, desk.session.id, agent=member.id, **dev)
    with pytest.raises(NotFound, match="no agent has joined #dev"):
        await desk.send("#dev")


async def test_channels_are_listed_with_their_living_members_and_each_change_is_an_event_once(desk: Desk) -> None:
    lead, worker = await desk.idle("Lead"), await desk.idle("Worker")
    mailroom, session = desk.adapters.mailroom, desk.session.id
    assert await mailroom.channels(desk.workspace, session) == []
    for agent, channel in [(worker, "#dev"), (lead, "#dev"), (lead, "#all"), (lead, "#all")]:
        await mailroom.join_channel(desk.workspace, session, channel=channel, agent=agent.id, by="ann")
    assert await mailroom.channels(desk.workspace, session) == [
        Channel(name="#all", members=("Lead",)),
        Channel(name="#dev", members=("Lead", "Worker")),
    ]
    for _ in range(2):
        await mailroom.leave_channel(desk.workspace, session, channel="#all", agent=lead.id, by="Lead")
    await mailroom.release(desk.workspace, worker.id, by="operator")
    await desk.exited(worker, expected=True)
    assert await mailroom.channels(desk.workspace, session) == [Channel(name="#dev", members=("Lead",))]
    assert [(e["name"], e["data"]) for e in await desk.events("channel.joined")] == [
        ("Worker", {"channel": "#dev", "by": "ann"}),
        ("Lead", {"channel": "#dev", "by": "ann"}),
        ("Lead", {"channel": "#all", "by": "ann"}),
    ]
    assert [(e["name"], e["data"]) for e in await desk.events("channel.left")] == [
        ("Lead", {"channel": "#all", "by": "Lead"})
    ]


async def test_the_senders_role_depends_on_the_recipient(desk: Desk) -> None:
    lead = await desk.idle("Lead")
    await desk.idle("Child", by=desk.acting_as(lead))
    await desk.idle("Peer")
    await desk.send("*", by=desk.acting_as(lead))
    texts = {c.agent: c.text for c in await desk.commands() if isinstance(c, Deliver)}
    roles = {(await desk.agent(agent)).name: text.split('role="')[1].split('"')[0] for agent, text in texts.items()}
    assert roles == {"Child": "lead", "Peer": "peer"}


async def test_an_idle_agent_gets_one_message_at_a_time_in_order(desk: Desk) -> None:
    agent = await desk.idle("Worker")
    first, _ = await desk.send("Worker")
    second, rows = await desk.send("Worker")
    third, _ = await desk.send("Worker")
    assert [(row.state, row.because) for row in rows] == [(ReceiptState.QUEUED, "agent_busy")]
    assert await deliveries(desk) == [first]
    await desk.turn(agent, first)
    assert await deliveries(desk) == [first, second]
    await desk.turn(agent, second)
    assert await deliveries(desk) == [first, second, third]


async def test_an_interrupt_stops_the_turn_and_goes_first(desk: Desk) -> None:
    agent = await desk.idle("Worker")
    running, _ = await desk.send("Worker")
    waiting, _ = await desk.send("Worker")
    urgent, _ = await desk.send("Worker", mode=Mode.INTERRUPT)
    assert isinstance((await desk.commands())[-1], Interrupt)
    await desk.turn(agent, running)
    await desk.turn(agent, urgent)
    assert await deliveries(desk) == [running, urgent, waiting]


async def test_steering_joins_the_running_turn_where_the_agent_can(desk: Desk) -> None:
    agent = await desk.idle("Worker", can_steer=True)
    running, _ = await desk.send("Worker")
    await desk.state(agent, TurnStarted(turn_id="t1", message_id=running))
    steering, rows = await desk.send("Worker", mode=Mode.STEER)
    assert rows[0].state is ReceiptState.SENT
    order = (await desk.commands())[-1]
    assert isinstance(order, Deliver)
    assert (order.message_id, order.steer) == (steering, True)
    await desk.state(agent, PromptJoinedTurn(message_id=steering, turn_id="t1"))
    assert await desk.receipt(steering) is ReceiptState.IN_TURN


@pytest.mark.parametrize("started", [True, False])
async def test_steering_waits_where_the_agent_cannot(desk: Desk, started: bool) -> None:
    agent = await desk.idle("Worker", can_steer=not started)
    running, _ = await desk.send("Worker")
    if started:
        await desk.state(agent, TurnStarted(turn_id="t1", message_id=running))
    _, (row,) = await desk.send("Worker", mode=Mode.STEER)
    assert (row.state, row.because) == (ReceiptState.QUEUED, "agent_busy")


async def test_messages_wait_for_a_starting_agent_and_for_an_absent_machine(desk: Desk) -> None:
    agent = await desk.spawn("Worker")
    first, (row,) = await desk.send("Worker")
    assert row.because == "agent_starting"
    await desk.ready(agent)
    assert await deliveries(desk) == [first]
    await desk.turn(agent, first)
    await desk.detach()
    second, (row,) = await desk.send("Worker")
    assert row.because == "proxy_away"
    await desk.attach(a_hello(agents=live(agent)))
    assert (await deliveries(desk))[-1] == second


async def test_receipts_only_go_forward(desk: Desk) -> None:
    agent = await desk.idle("Worker")
    message, _ = await desk.send("Worker")
    await desk.state(agent, TurnStarted(turn_id="t1", message_id=message))
    await desk.handed(agent, message)
    await desk.adapters.links.acknowledge(desk.workspace, desk.link, fence=desk.attached.fence, seq=9)
    assert await desk.receipt(message) is ReceiptState.IN_TURN
    steps = [event["data"]["state"] for event in await desk.events("message.receipt")]
    assert steps == ["queued", "sent", "in_turn"]


async def test_a_trace_tells_each_step_and_the_answer(desk: Desk) -> None:
    agent = await desk.idle("Worker")
    message, _ = await desk.send("Worker", "how are you?")
    await desk.handed(agent, message)
    await desk.state(agent, PromptAccepted(message_id=message))
    await desk.turn(agent, message, text="fine")
    trace = await desk.trace(message)
    (delivery,) = trace.deliveries
    assert [step.state for step in delivery.steps if step.state != "confirmed"] == [
        "queued",
        "sent",
        "received",
        "handed",
        "in_turn",
        "answered",
    ]
    assert (delivery.answer, delivery.outcome, delivery.attempts) == ("fine", "completed", 1)
    assert trace.message["text"] == "how are you?"


async def test_a_refused_prompt_is_undeliverable_and_the_next_goes_on(desk: Desk) -> None:
    agent = await desk.idle("Worker")
    refused, _ = await desk.send("Worker")
    following, _ = await desk.send("Worker")
    await desk.state(agent, PromptRefused(message_id=refused, reason="too long"))
    (delivery,) = (await desk.trace(refused)).deliveries
    assert (delivery.state, delivery.reason) == (ReceiptState.UNDELIVERABLE, "too long")
    assert await deliveries(desk) == [refused, following]


async def test_what_the_agent_had_before_the_store_remembers_is_gone_on_with(desk: Desk) -> None:
    agent = await desk.idle("Worker")
    forgotten, _ = await desk.send("Worker")
    following, _ = await desk.send("Worker")
    await desk.state(agent, PromptAccepted(message_id=forgotten, already_seen=True))
    assert await deliveries(desk) == [forgotten, forgotten]
    assert [order.nudge is not None for order in await desk.commands() if isinstance(order, Deliver)] == [False, True]
    # With the nudge it says the same once more, and begins: that is no reason for a third time.
    await desk.state(agent, PromptAccepted(message_id=forgotten, already_seen=True))
    await desk.turn(agent, forgotten, text="done already")
    assert await deliveries(desk) == [forgotten, forgotten, following]
    (delivery,) = (await desk.trace(forgotten)).deliveries
    assert (delivery.state, delivery.answer, delivery.attempts) == (ReceiptState.ANSWERED, "done already", 2)


async def test_a_running_message_that_the_agent_is_given_again_goes_on(desk: Desk) -> None:
    agent = await desk.idle("Worker")
    message, _ = await desk.send("Worker")
    await desk.state(agent, TurnStarted(turn_id="t1", message_id=message))
    await desk.state(agent, PromptAccepted(message_id=message, already_seen=True))
    assert await deliveries(desk) == [message]
    assert await desk.receipt(message) is ReceiptState.IN_TURN


async def test_the_inbox_is_acknowledged_cumulatively_without_holes(desk: Desk) -> None:
    agent = await desk.idle("Worker", can_steer=True)
    first, _ = await desk.send("Worker")
    second, _ = await desk.send("Worker")
    urgent, _ = await desk.send("Worker", mode=Mode.INTERRUPT)
    await desk.state(agent, PromptRefused(message_id=first, reason="no"))
    assert (await desk.agent(agent.id)).inbox_acked == 1
    await desk.turn(agent, urgent)
    assert (await desk.agent(agent.id)).inbox_acked == 1
    await desk.turn(agent, second)
    assert (await desk.agent(agent.id)).inbox_acked == 3
    inbox = await desk.adapters.mailroom.inbox(desk.workspace, agent.id, after=1, limit=10)
    assert [(number, body["id"]) for number, body in inbox] == [(2, second), (3, urgent)]


async def test_a_message_that_waited_too_long_is_undeliverable(desk: Desk) -> None:
    agent = await desk.spawn("Worker")
    message, _ = await desk.send("Worker")
    await desk.due(f"ttl|{message}")
    (delivery,) = (await desk.trace(message)).deliveries
    assert (delivery.state, delivery.reason) == (ReceiptState.UNDELIVERABLE, "expired")
    await desk.ready(agent)
    assert await deliveries(desk) == []


async def test_a_message_under_way_does_not_expire(desk: Desk) -> None:
    await desk.idle("Worker")
    message, _ = await desk.send("Worker")
    await desk.due(f"ttl|{message}")
    assert await desk.receipt(message) is ReceiptState.SENT


async def test_a_message_in_the_mailbox_of_an_absent_machine_expires(desk: Desk) -> None:
    await desk.idle("Worker")
    message, _ = await desk.send("Worker")
    await desk.detach()
    await desk.due(f"ttl|{message}")
    (delivery,) = (await desk.trace(message)).deliveries
    assert (delivery.state, delivery.reason) == (ReceiptState.UNDELIVERABLE, "expired")


async def test_everything_unsettled_is_undeliverable_when_the_agent_ends(desk: Desk) -> None:
    agent = await desk.idle("Worker")
    sent = [(await desk.send("Worker"))[0] for _ in range(2)]
    await desk.adapters.mailroom.release(desk.workspace, agent.id, by="operator")
    await desk.exited(agent, expected=True)
    assert [await desk.receipt(message) for message in sent] == [ReceiptState.UNDELIVERABLE] * 2
    with pytest.raises(NotFound):
        await desk.send("Worker")


async def test_a_message_that_kills_its_reader_becomes_a_dead_letter(desk: Desk) -> None:
    agent = await desk.idle("Worker")
    message, _ = await desk.send("Worker")
    for number in range(5):
        await desk.attach(a_hello(boot_id=f"b{number}", spool_id=f"s{number}"))
        agent = await desk.ready(await desk.agent(agent.id))
    (delivery,) = (await desk.trace(message)).deliveries
    assert (delivery.state, delivery.reason) == (ReceiptState.UNDELIVERABLE, "dead_letter")
    assert await desk.state_of(agent) is AgentState.IDLE


async def test_a_trace_is_found_in_its_own_session_only(desk: Desk) -> None:
    await desk.idle("Worker")
    message, _ = await desk.send("Worker")
    for session, wanted in ((SessionId("other"), message), (desk.session.id, MessageId(f"{message}:to"))):
        with pytest.raises(RelayError) as refused:
            await desk.adapters.mailroom.trace(desk.workspace, wanted, seen=session.__eq__)
        assert refused.value.code == "MESSAGE_NOT_FOUND"
