"""What has expired is not made again by a later decision, and wedges nobody."""

import pytest

from broker.domain.agents.agents import AgentState
from broker.domain.approvals.answers import ApprovalStatus
from broker.domain.errors import Conflict
from broker.domain.ids import ApprovalId, MessageId
from broker.domain.messages.steps import ReceiptState
from broker.protocol.proxy import Deliver, Exited, Expired
from tests.fixtures.desk import Desk, a_hello, live


def key(desk: Desk, name: str) -> str:
    return f"rc:{{{desk.workspace}}}:{name}"


async def has_expired(desk: Desk, *names: str) -> None:
    await desk.adapters.redis.delete(*(key(desk, name) for name in names))


async def exists(desk: Desk, name: str) -> bool:
    pipe = desk.adapters.redis.pipeline(transaction=False)
    pipe.exists(key(desk, name))
    return bool((await pipe.execute())[0])


async def ttl_s(desk: Desk, name: str) -> int:
    pipe = desk.adapters.redis.pipeline(transaction=False)
    pipe.ttl(key(desk, name))
    return int((await pipe.execute())[0])


async def test_an_agent_whose_message_expired_in_flight_goes_on_with_the_next(desk: Desk) -> None:
    """A machine that was switched off in the middle of a turn, for longer than messages are kept."""
    agent = await desk.idle("Worker")
    lost, _ = await desk.send("Worker")
    await desk.detach()
    await has_expired(desk, f"m:{lost}", f"m:{lost}:to")
    await desk.attach(a_hello(boot_id="boot-2", spool_id="spool-2"))
    assert not await exists(desk, f"m:{lost}")
    agent = await desk.ready(await desk.agent(agent.id))
    assert agent.state is AgentState.IDLE
    for _ in range(2):
        message, _ = await desk.send("Worker")
        await desk.turn(agent, message)
        assert await desk.receipt(message) is ReceiptState.ANSWERED
    assert await desk.state_of(agent) is AgentState.IDLE


async def test_a_message_that_expired_in_flight_is_reported_and_settled(desk: Desk) -> None:
    agent = await desk.idle("Worker")
    lost, _ = await desk.send("Worker")
    await has_expired(desk, f"m:{lost}", f"m:{lost}:to")
    await desk.exited(agent)
    last = (await desk.events("message.receipt"))[-1]["data"]
    assert last == {"message": lost, "state": "undeliverable", "reason": "expired"}
    assert (await desk.agent(agent.id)).inbox_acked == 1


async def test_a_message_that_expired_in_the_queue_is_reported_too(desk: Desk) -> None:
    agent = await desk.spawn("Worker")
    lost, _ = await desk.send("Worker")
    await has_expired(desk, f"m:{lost}", f"m:{lost}:to")
    await desk.ready(agent)
    assert (await desk.events("message.receipt"))[-1]["data"]["reason"] == "expired"
    assert await desk.state_of(agent) is AgentState.IDLE


async def test_a_message_lives_anew_when_it_is_handed_over(desk: Desk) -> None:
    agent = await desk.spawn("Worker")
    message, _ = await desk.send("Worker")
    pipe = desk.adapters.redis.pipeline(transaction=False)
    pipe.expire(key(desk, f"m:{message}"), 100)
    pipe.expire(key(desk, f"m:{message}:to"), 100)
    await pipe.execute()
    await desk.ready(agent)
    assert await ttl_s(desk, f"m:{message}") > 600_000
    assert await ttl_s(desk, f"m:{message}:to") > 600_000


async def test_an_approval_that_has_expired_is_not_made_again(desk: Desk) -> None:
    agent = await desk.idle("Worker")
    gone, kept = await desk.ask(agent, "1"), await desk.ask(agent, "2")
    await has_expired(desk, f"ap:{gone}")
    await desk.exited(agent)
    assert not await exists(desk, f"ap:{gone}")
    listed = await desk.adapters.approvals.approvals(desk.workspace, desk.session.id, status=None)
    assert [approval.id for approval in listed] == [kept]


async def test_an_approval_lives_longer_than_its_deadline(desk: Desk) -> None:
    agent = await desk.idle("Worker")
    approval = await desk.ask(agent, deadline_s=90 * 86400)
    assert await ttl_s(desk, f"ap:{approval}") > 90 * 86400


async def test_a_message_that_is_not_handed_over_in_time_leaves_its_agent_idle(desk: Desk) -> None:
    """A laptop that slept until the link was known to be away."""
    agent = await desk.idle("Worker")
    late, _ = await desk.send("Worker", ttl_s=15)
    await desk.detach()
    await desk.due(f"ttl|{late}")
    assert await desk.receipt(late) is ReceiptState.UNDELIVERABLE
    await desk.attach(a_hello(epoch="box-epoch", commands_seen=1, agents=live(agent)))
    message, _ = await desk.send("Worker")
    assert await desk.receipt(message) is ReceiptState.SENT


async def test_a_machine_that_is_here_and_silent_does_not_hold_an_expired_message(desk: Desk) -> None:
    agent = await desk.idle("Worker")
    late, _ = await desk.send("Worker", ttl_s=15)
    following, _ = await desk.send("Worker")
    await desk.adapters.links.acknowledge(desk.workspace, desk.link, fence=desk.attached.fence, seq=99)
    await desk.due(f"ttl|{late}")
    assert await desk.receipt(late) is ReceiptState.RECEIVED
    await desk.due(f"late|{late}")
    assert (await desk.trace(late)).deliveries[0].reason == "expired"
    assert await desk.receipt(following) is ReceiptState.SENT
    assert await desk.state_of(agent) is AgentState.WORKING


async def test_a_message_that_was_handed_over_in_time_is_not_ended_by_its_age(desk: Desk) -> None:
    agent = await desk.idle("Worker")
    message, _ = await desk.send("Worker", ttl_s=15)
    await desk.due(f"ttl|{message}")
    await desk.handed(agent, message)
    await desk.due(f"late|{message}")
    assert await desk.receipt(message) is ReceiptState.HANDED


async def test_a_machine_that_drops_an_expired_message_says_so(desk: Desk) -> None:
    agent = await desk.idle("Worker")
    late, _ = await desk.send("Worker", ttl_s=15)
    following, _ = await desk.send("Worker")
    await desk.report(Expired(agent=agent.id, generation=1, message_id=late))
    assert (await desk.trace(late)).deliveries[0].reason == "expired"
    assert await desk.receipt(following) is ReceiptState.SENT
    assert [c.message_id for c in await desk.commands() if isinstance(c, Deliver)] == [late, following]


async def test_a_drop_that_is_reported_for_a_running_message_is_not_believed(desk: Desk) -> None:
    agent = await desk.idle("Worker")
    message, _ = await desk.send("Worker")
    await desk.handed(agent, message)
    await desk.report(Expired(agent=agent.id, generation=1, message_id=message))
    await desk.report(Expired(agent=agent.id, generation=1, message_id=MessageId("unheard-of")))
    assert await desk.receipt(message) is ReceiptState.HANDED


async def test_an_ended_agent_is_forgotten_with_all_that_was_its_own(desk: Desk) -> None:
    agent = await desk.idle("Worker")
    await desk.adapters.mailroom.join_channel(desk.workspace, desk.session.id, channel="#dev", agent=agent.id, by="ann")
    await desk.send("Worker")
    await desk.adapters.mailroom.release(desk.workspace, agent.id, by="operator")
    await desk.report(Exited(agent=agent.id, generation=1, code=0, expected=True, reason="stopped"))
    assert not await exists(desk, f"s:{desk.session.id}:ch:#dev")
    await desk.due(f"forget|{agent.id}|{desk.session.id}")
    for part in ("", ":inbox", ":channels", ":settled", ":queue"):
        assert not await exists(desk, f"a:{agent.id}{part}")
    assert await desk.adapters.registry.agents(desk.workspace, desk.session.id) == []


async def test_an_agent_that_was_brought_back_is_not_forgotten_and_is_in_its_channels(desk: Desk) -> None:
    agent = await desk.idle("Worker")
    await desk.adapters.mailroom.join_channel(desk.workspace, desk.session.id, channel="#dev", agent=agent.id, by="ann")
    await desk.adapters.mailroom.release(desk.workspace, agent.id, by="operator")
    await desk.report(Exited(agent=agent.id, generation=1, code=0, expected=True, reason="stopped"))
    await desk.adapters.mailroom.resume(desk.workspace, desk.session.id, agent.id, by="operator", plan=desk.plan)
    await desk.due(f"forget|{agent.id}|{desk.session.id}")
    assert await desk.state_of(agent) is AgentState.STARTING
    _, (delivery,) = await desk.send("#dev")
    assert delivery.agent_id == agent.id


async def test_a_machine_that_is_not_seen_again_is_forgotten_unless_an_agent_hangs_on_it(desk: Desk) -> None:
    agent = await desk.idle("Worker")
    await desk.detach()
    await desk.due(f"unused|{desk.link}")
    assert await exists(desk, f"l:{desk.link}")
    await desk.adapters.mailroom.release(desk.workspace, agent.id, by="operator")
    await desk.due(f"unused|{desk.link}")
    for part in ("", ":out", ":agents", ":tokens"):
        assert not await exists(desk, f"l:{desk.link}{part}")
    assert await desk.adapters.registry.proxies(desk.workspace) == []


async def test_an_answer_that_its_process_never_took_is_withdrawn(desk: Desk) -> None:
    """relay-connect was killed while an approval waited, and somebody answered before it was back."""
    agent = await desk.idle("Worker")
    approval = await desk.ask(agent)
    await answer(desk, approval)
    await desk.attach(a_hello(boot_id="boot-2", spool_id="spool-2"))
    kept = await desk.adapters.approvals.approval(desk.workspace, approval)
    assert (kept.status, kept.answered_by) == ("withdrawn", "operator")
    assert kept.told == "nothing: its process ended before it heard that it is allowed"
    assert kept.told_at_ms is None
    resolved = [event["data"] for event in await desk.events("approval.resolved")]
    assert [each["status"] for each in resolved] == ["allowed", "withdrawn"]
    assert resolved[1]["told"] == kept.told


async def test_an_approval_whose_process_is_gone_cannot_be_allowed(desk: Desk) -> None:
    agent = await desk.idle("Worker")
    approval = await desk.ask(agent)
    await desk.attach(a_hello(boot_id="boot-2", spool_id="spool-2"))
    with pytest.raises(Conflict) as refused:
        await answer(desk, approval)
    assert refused.value.code == "APPROVAL_GONE"
    kept = await desk.adapters.approvals.approval(desk.workspace, approval)
    assert (kept.status, kept.told) == ("withdrawn", "nothing: its process ended")


async def test_an_answer_that_its_machine_has_taken_stays(desk: Desk) -> None:
    agent = await desk.idle("Worker")
    approval = await desk.ask(agent)
    await answer(desk, approval)
    await desk.adapters.links.acknowledge(desk.workspace, desk.link, fence=desk.attached.fence, seq=99)
    await desk.exited(agent)
    assert (await desk.adapters.approvals.approval(desk.workspace, approval)).status == "allowed"


async def answer(desk: Desk, approval: ApprovalId) -> None:
    await desk.adapters.approvals.answer(
        desk.workspace, approval, status=ApprovalStatus.ALLOWED, by="operator", note="", answer=b'{"verdict":"allow"}'
    )
