"""What is kept is bounded in bytes as well as in numbers, and a reader gets no more at once than it can hold."""

import pytest

from broker.adapters.redis.logs.event_log import last_within
from broker.domain.agents.agents import Agent
from broker.domain.errors import NoPlacement, RateLimited, Unavailable
from broker.domain.ids import AgentId
from broker.domain.logs.events import Cursor
from broker.domain.messages.messages import Mode
from broker.domain.messages.steps import ReceiptState
from broker.protocol.agents.events import TurnStarted
from broker.protocol.proxy import Deliver, FrameRecorded
from broker.services.live.hub import position_of
from tests.fixtures.desk import Desk

MIB = 1024 * 1024


def key(desk: Desk, name: str) -> str:
    return f"rc:{{{desk.workspace}}}:{name}"


async def say(desk: Desk, agent: Agent, *, mib: float, times: int = 1) -> None:
    raw = {"text": "x" * int(mib * MIB)}
    for _ in range(times):
        await desk.report(
            FrameRecorded(agent=agent.id, generation=agent.generation, direction="out", frame_type="t", raw=raw)
        )


async def kept_bytes(desk: Desk) -> int:
    entries = await desk.adapters.redis.xrange(key(desk, f"s:{desk.session.id}:log"))
    return sum(len(entry["e"]) for _, entry in entries)


async def written(desk: Desk, more: int) -> None:
    """As if so many bytes more had been written."""
    pipe = desk.adapters.redis.pipeline(transaction=False)
    pipe.hincrby(key(desk, f"s:{desk.session.id}"), "written", more)
    await pipe.execute()


@pytest.mark.parametrize(
    ("marks", "start", "end"),
    [
        ([], 0, None),
        ([(5, 100), (9, 200)], 0, None),
        ([(5, 100), (9, 300)], 0, 8),
        ([(5, 100), (9, 300)], 5, None),
        ([(5, 100), (6, 900)], 5, 6),  # one event at least
        ([(5, 900)], 0, 4),
        ([(1, 900)], 0, 1),
    ],
)
def test_a_page_ends_ahead_of_what_is_too_much(marks: list[tuple[int, int]], start: int, end: int | None) -> None:
    assert last_within(marks, start, 200) == end


async def test_pages_of_large_events_are_small_and_join_without_gap(desk: Desk) -> None:
    agent = await desk.idle("Worker")
    await say(desk, agent, mib=0.7, times=20)
    cursor, sizes, offsets = Cursor("log-epoch", 0), [], []
    while True:
        page = await desk.adapters.log.read(
            desk.workspace, desk.session.id, after=cursor, limit=1000, max_bytes=2 * MIB
        )
        if not page.events:
            break
        sizes.append(sum(map(len, page.events)))
        offsets += [position_of(event).offset for event in page.events]
        cursor = page.next
    assert offsets == list(range(1, page.head.offset + 1))
    assert max(sizes) < 3 * MIB
    assert len(sizes) > 5


async def test_an_event_larger_than_a_page_is_a_page(desk: Desk) -> None:
    agent = await desk.idle("Worker")
    head = await desk.adapters.log.head(desk.workspace, desk.session.id)
    await say(desk, agent, mib=3, times=2)
    page = await desk.adapters.log.read(desk.workspace, desk.session.id, after=head, limit=10, max_bytes=MIB)
    assert [position_of(event).offset for event in page.events] == [head.offset + 1]


async def test_a_log_without_a_history_keeps_its_newest_bytes(desk: Desk) -> None:
    agent = await desk.idle("Worker")
    await say(desk, agent, mib=8, times=12)
    assert 55 * MIB < await kept_bytes(desk) < 75 * MIB
    page = await desk.adapters.log.read(desk.workspace, desk.session.id, after=Cursor("log-epoch", 0), limit=1)
    assert page.reset


async def test_behind_what_was_shipped_a_few_bytes_are_kept(desk: Desk) -> None:
    agent = await desk.idle("Worker")
    await desk.adapters.backlog.begin(desk.workspace)
    await say(desk, agent, mib=1, times=20)
    head = await desk.adapters.log.head(desk.workspace, desk.session.id)
    await desk.adapters.backlog.mark(desk.workspace, desk.session.id, head, keep=2000)
    assert 7 * MIB < await kept_bytes(desk) < 10 * MIB


async def test_too_many_bytes_that_wait_for_the_log_store_are_refused_with_the_reason(desk: Desk) -> None:
    await desk.idle("Worker")
    await desk.adapters.backlog.begin(desk.workspace)
    await written(desk, 256 * MIB)
    with pytest.raises(Unavailable) as refused:
        await desk.send("Worker")
    assert refused.value.code == "LOG_BACKLOG_FULL"


async def test_bytes_that_were_shipped_long_ago_do_not_count(desk: Desk) -> None:
    agent = await desk.idle("Worker")
    await written(desk, 300 * MIB)
    await say(desk, agent, mib=0.3)
    await desk.adapters.backlog.begin(desk.workspace)
    head = await desk.adapters.log.head(desk.workspace, desk.session.id)
    await desk.adapters.backlog.mark(desk.workspace, desk.session.id, head, keep=2000)
    await desk.send("Worker")


async def held(desk: Desk) -> int:
    """Bytes of all logs of the workspace, as they are counted."""
    return int(await desk.adapters.redis.hget(f"rc:{{{desk.workspace}}}", "log_bytes") or 0)


async def as_if_held(desk: Desk, more: int) -> None:
    """As if other sessions had so many bytes more."""
    pipe = desk.adapters.redis.pipeline(transaction=False)
    pipe.hincrby(f"rc:{{{desk.workspace}}}", "log_bytes", more)
    await pipe.execute()


async def test_the_bytes_of_a_workspaces_logs_are_known_whatever_is_trimmed(desk: Desk) -> None:
    agent = await desk.idle("Worker")
    await say(desk, agent, mib=1, times=80)
    assert await held(desk) == pytest.approx(await kept_bytes(desk), abs=MIB)
    await desk.adapters.backlog.begin(desk.workspace)
    head = await desk.adapters.log.head(desk.workspace, desk.session.id)
    await desk.adapters.backlog.mark(desk.workspace, desk.session.id, head, keep=2000)
    assert await held(desk) == pytest.approx(await kept_bytes(desk), abs=MIB)
    await desk.adapters.retention.clear_log(desk.workspace, desk.session.id)
    assert await held(desk) == 0
    await say(desk, agent, mib=0.5)
    assert await held(desk) == await kept_bytes(desk)
    await desk.adapters.mailroom.release(desk.workspace, agent.id, by="operator")
    await desk.exited(agent, expected=True)
    await desk.adapters.retention.remove_session(desk.workspace, desk.session.id)
    assert await held(desk) == 0


async def test_a_workspace_whose_logs_take_all_its_room_is_refused_with_the_reason_and_no_other_one(
    desk: Desk,
) -> None:
    await desk.idle("Worker")
    await as_if_held(desk, 2048 * MIB)
    with pytest.raises(Unavailable) as refused:
        await desk.send("Worker")
    assert (refused.value.code, refused.value.retryable) == ("WORKSPACE_LOGS_FULL", True)
    await as_if_held(desk, -1024 * MIB)
    await desk.send("Worker")


async def test_where_a_workspaces_logs_take_half_its_room_each_keeps_less(desk: Desk) -> None:
    agent = await desk.idle("Worker")
    await as_if_held(desk, 1024 * MIB)
    await say(desk, agent, mib=1, times=6)
    assert await kept_bytes(desk) < 4 * MIB
    await desk.adapters.backlog.begin(desk.workspace)
    head = await desk.adapters.log.head(desk.workspace, desk.session.id)
    await desk.adapters.backlog.mark(desk.workspace, desk.session.id, head, keep=2000)
    before = await held(desk) - await kept_bytes(desk)
    await desk.adapters.retention.expire_tail(desk.workspace, desk.session.id, days=30)
    assert await kept_bytes(desk) == 0
    assert await held(desk) == pytest.approx(before, abs=MIB)
    await say(desk, agent, mib=0.5)
    await desk.send("Worker")  # what was shipped and is here no longer does not count as waiting


async def test_what_was_held_before_it_was_counted_never_makes_room(desk: Desk) -> None:
    agent = await desk.idle("Worker")
    await say(desk, agent, mib=1, times=3)
    pipe = desk.adapters.redis.pipeline(transaction=False)
    pipe.hdel(f"rc:{{{desk.workspace}}}", "log_bytes")
    pipe.hdel(key(desk, f"s:{desk.session.id}"), "dropped")
    await pipe.execute()
    await say(desk, agent, mib=1, times=2)
    assert 2 * MIB < await held(desk) < 3 * MIB
    await desk.adapters.retention.clear_log(desk.workspace, desk.session.id)
    assert await held(desk) == 0


async def test_steers_to_a_machine_that_takes_nothing_wait_in_the_queue(desk: Desk) -> None:
    agent = await desk.idle("Worker", can_steer=True)
    first, _ = await desk.send("Worker")
    await desk.state(agent, TurnStarted(turn_id="t", message_id=first))
    await say_behind(desk)
    message, (delivery,) = await desk.send("Worker", mode=Mode.STEER)
    assert (delivery.state, delivery.because) == (ReceiptState.QUEUED, "agent_busy")
    await desk.adapters.links.acknowledge(desk.workspace, desk.link, fence=desk.attached.fence, seq=99)
    _, (delivery,) = await desk.send("Worker", mode=Mode.STEER)
    assert delivery.state is ReceiptState.SENT
    assert await desk.receipt(message) is ReceiptState.QUEUED


async def say_behind(desk: Desk) -> None:
    """Its machine has not taken 32 MiB of commands."""
    await desk.adapters.redis.hset(key(desk, f"l:{desk.link}"), "out_bytes", str(32 * MIB))


async def test_a_machine_that_takes_nothing_gets_no_more_agents_nor_interrupts(desk: Desk) -> None:
    await desk.idle("Worker")
    await desk.send("Worker")
    await say_behind(desk)
    with pytest.raises(NoPlacement):
        await desk.spawn("Another")
    with pytest.raises(Unavailable):
        await desk.adapters.mailroom.interrupt(desk.workspace, await id_of(desk, "Worker"), by="operator")


async def id_of(desk: Desk, name: str) -> AgentId:
    return (await desk.adapters.registry.agent_named(desk.workspace, desk.session.id, name)).id


async def test_an_idle_agent_goes_on_when_its_machine_takes_its_commands_again(desk: Desk) -> None:
    await desk.idle("Worker")
    await say_behind(desk)
    message, (delivery,) = await desk.send("Worker")
    assert (delivery.state, delivery.because) == (ReceiptState.QUEUED, "proxy_behind")
    await desk.adapters.links.acknowledge(desk.workspace, desk.link, fence=desk.attached.fence, seq=1)
    assert await desk.receipt(message) is ReceiptState.SENT


async def test_what_a_mailbox_holds_is_counted_exactly(desk: Desk) -> None:
    await desk.idle("Worker")
    await desk.send("Worker", "x" * 1000)
    rows = await desk.adapters.links.commands(desk.workspace, desk.link, after=0)
    held = await desk.adapters.redis.hget(key(desk, f"l:{desk.link}"), "out_bytes")
    assert int(held or 0) == sum(len(text) for _, text in rows)
    await desk.adapters.links.acknowledge(desk.workspace, desk.link, fence=desk.attached.fence, seq=1)
    held = await desk.adapters.redis.hget(key(desk, f"l:{desk.link}"), "out_bytes")
    assert int(held or 0) == len(rows[1][1])


async def test_an_agent_that_has_not_room_for_a_message_more_refuses_it(desk: Desk) -> None:
    await desk.spawn("Worker")
    await desk.idle("Other")
    queue = key(desk, f"a:{await id_of(desk, 'Worker')}:queue")
    pipe = desk.adapters.redis.pipeline(transaction=False)
    pipe.zadd(queue, {f"m{n}": n for n in range(1000)})
    await pipe.execute()
    with pytest.raises(RateLimited) as refused:
        await desk.send("Worker")
    assert refused.value.code == "INBOX_FULL"
    _, deliveries = await desk.send("*")
    assert {d.to: d.state for d in deliveries} == {
        "Worker": ReceiptState.UNDELIVERABLE,
        "Other": ReceiptState.SENT,
    }


async def test_settled_messages_make_room_for_new_ones_and_waiting_ones_do_not(desk: Desk) -> None:
    agent = await desk.idle("Worker")
    settled, _ = await desk.send("Worker")
    await desk.turn(agent, settled)
    waiting, _ = await desk.send("Worker")
    await desk.adapters.redis.hset(key(desk, f"s:{desk.session.id}"), "message_bytes", str(200 * MIB))
    with pytest.raises(RateLimited) as refused:
        await desk.send("Worker")
    assert refused.value.code == "MESSAGES_FULL"
    assert await desk.adapters.redis.hgetall(key(desk, f"m:{settled}")) == {}
    assert await desk.receipt(waiting) is ReceiptState.SENT


async def test_too_much_that_waits_for_an_answer_is_denied(desk: Desk) -> None:
    agent = await desk.idle("Worker")
    waits = await desk.ask(agent, "1")
    await desk.adapters.redis.hset(key(desk, f"ap:{waits}"), "body", "x" * (65 * MIB))
    await desk.adapters.redis.hset(key(desk, f"s:{desk.session.id}"), "approval_bytes", str(65 * MIB))
    denied = await desk.ask(agent, "2")
    approval = await desk.adapters.approvals.approval(desk.workspace, denied)
    assert (approval.status, approval.answered_by) == ("denied", "relay")
    assert not [c for c in await desk.commands() if isinstance(c, Deliver)]


async def test_answered_approvals_make_room_for_new_ones(desk: Desk) -> None:
    agent = await desk.idle("Worker")
    answered = await desk.ask(agent, "1", decided=None)
    await desk.adapters.redis.hset(key(desk, f"ap:{answered}"), "status", "allowed")
    await desk.adapters.redis.hset(key(desk, f"ap:{answered}"), "body", "x" * (65 * MIB))
    await desk.adapters.redis.hset(key(desk, f"s:{desk.session.id}"), "approval_bytes", str(65 * MIB))
    waits = await desk.ask(agent, "2")
    assert (await desk.adapters.approvals.approval(desk.workspace, waits)).status == "pending"
    assert await desk.adapters.redis.hgetall(key(desk, f"ap:{answered}")) == {}
