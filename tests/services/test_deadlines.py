"""Deadlines: each timer on its own, whatever becomes of another."""

from broker.domain.agents.agents import AgentState
from broker.services.approvals.desk import ApprovalDesk
from broker.services.deadlines import Deadlines
from broker.services.redaction import Redaction
from tests.fixtures.desk import Desk


def deadlines_of(desk: Desk) -> Deadlines:
    approvals = ApprovalDesk(desk.adapters.approvals, Redaction(desk.adapters.redaction_rules))
    return Deadlines(desk.adapters.timers, approvals)


async def put(desk: Desk, **timers: int) -> None:
    pipe = desk.adapters.redis.pipeline(transaction=False)
    pipe.zadd(f"rc:{{{desk.workspace}}}:timers", timers)
    await pipe.execute()


async def test_a_timer_that_fails_does_not_hold_up_the_others(desk: Desk) -> None:
    agent = await desk.idle("Worker")
    await desk.adapters.mailroom.release(desk.workspace, agent.id, by="operator")
    await put(desk, **{"proof|cut short": 1, f"stop|{agent.id}": 2})
    await deadlines_of(desk).run_due(desk.workspace)
    assert await desk.state_of(agent) is AgentState.RELEASED


async def test_a_process_that_dies_is_started_again_after_pauses_that_grow(desk: Desk) -> None:
    agent = await desk.idle("Worker")
    pauses = []
    for generation in (2, 3, 4):
        await desk.exited(agent)
        timer = f"restart|{agent.id}|{generation}"
        agent = await desk.agent(agent.id)
        assert agent.state is AgentState.STARTING
        pauses.append(await due_in_ms(desk, timer, since_ms=agent.since_ms))
        before = len(await desk.commands())
        await desk.due(timer)
        assert len(await desk.commands()) == before + 1
        await desk.ready(agent)
    assert pauses == [500, 2000, 8000]


async def due_in_ms(desk: Desk, timer: str, *, since_ms: int) -> int:
    rows = await desk.adapters.redis.zrangebyscore(f"rc:{{{desk.workspace}}}:timers", "-inf", "+inf", withscores=True)
    return int(dict(rows)[timer]) - since_ms


async def test_a_restart_that_was_overtaken_starts_nothing(desk: Desk) -> None:
    agent = await desk.idle("Worker")
    await desk.exited(agent)
    await desk.adapters.mailroom.release(desk.workspace, agent.id, by="operator")
    before = len(await desk.commands())
    await desk.due(f"restart|{agent.id}|2")
    assert len(await desk.commands()) == before
