"""Budgets: no turn begins beyond them, nothing is lost, and a raise lets what waits go on."""

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from broker.app import Adapters
from broker.domain.agents.agents import Agent
from broker.domain.errors import NotFound
from broker.domain.ids import MessageId, WorkspaceId
from broker.domain.messages.messages import ReceiptState
from broker.domain.plans.budgets import Budget, BudgetPlace, BudgetScope, Period, Unit, counted
from broker.protocol.proxy import FrameRecorded
from tests.fixtures.desk import Desk, open_desk

TOKENS = Unit.TOKENS


async def set_budget(
    desk: Desk,
    scope: BudgetScope,
    of: str,
    amount: float,
    *,
    unit: Unit = TOKENS,
    period: Period = Period.TOTAL,
    more: bool = False,
) -> Budget:
    place = BudgetPlace(scope=scope, of=of, unit=unit, period=period)
    limit = counted(unit, amount)
    return await desk.adapters.budgets.set(desk.workspace, place, name="x", limit=limit, more=more, by="operator")


async def spends(desk: Desk, agent: Agent, *, cumulative: bool = False, **used: Any) -> None:
    usage = {"type": "usage", "input_tokens": 0, "output_tokens": 0, "cumulative": cumulative, **used}
    frame = FrameRecorded(
        agent=agent.id, generation=agent.generation, direction="out", frame_type="result", raw="{}", events=[usage]
    )
    await desk.report(frame)


async def left(desk: Desk) -> list[float]:
    return [each.left for each in await desk.adapters.budgets.budgets(desk.workspace)]


async def state_of(desk: Desk, message: MessageId) -> tuple[ReceiptState, str | None]:
    [delivery] = (await desk.trace(message)).deliveries
    return delivery.state, delivery.because


async def test_when_it_is_spent_messages_wait_and_a_raise_lets_them_go_on(desk: Desk) -> None:
    worker = await desk.idle("Worker")
    await set_budget(desk, BudgetScope.SESSION, desk.session.id, 100)
    first, _ = await desk.send("Worker")
    second, _ = await desk.send("Worker")
    await spends(desk, worker, input_tokens=80, output_tokens=40)
    await desk.turn(worker, first)
    assert await state_of(desk, second) == (ReceiptState.QUEUED, "agent_busy")
    third, deliveries = await desk.send("Worker")
    assert deliveries[0].because == "budget_spent"
    assert await left(desk) == [0]
    [spent] = await desk.events("budget.spent")
    assert (spent["data"]["spent"], spent["data"]["limit"], spent["agent"]) == (120, 100, worker.id)
    said = spent["data"]["text"]
    assert said.startswith("the budget of the session x in total is spent: 120 tokens of 100 tokens; messages wait")
    await set_budget(desk, BudgetScope.SESSION, desk.session.id, 50, more=True)
    assert (await state_of(desk, second))[0] is ReceiptState.SENT
    await desk.turn(worker, second)
    assert (await state_of(desk, third))[0] is ReceiptState.SENT


async def test_turns_are_counted_when_they_begin_and_stop_exactly(desk: Desk) -> None:
    worker = await desk.idle("Worker")
    await set_budget(desk, BudgetScope.AGENT, worker.id, 2, unit=Unit.TURNS, period=Period.DAY)
    sent = [(await desk.send("Worker"))[0] for _ in range(4)]
    for message in sent[:2]:
        await desk.turn(worker, message)
    assert [(await state_of(desk, each))[0] for each in sent[1:]] == [
        ReceiptState.ANSWERED,
        ReceiptState.QUEUED,
        ReceiptState.QUEUED,
    ]


async def test_a_childs_spending_comes_out_of_its_parents_budget(desk: Desk) -> None:
    lead = await desk.idle("Lead")
    child = await desk.idle("Child", by=desk.acting_as(lead))
    grandchild = await desk.idle("Grandchild", by=desk.acting_as(child))
    other = await desk.idle("Other")
    await set_budget(desk, BudgetScope.TREE, lead.id, 100)
    await spends(desk, grandchild, output_tokens=60)
    await spends(desk, other, output_tokens=500)
    assert await left(desk) == [40]
    await spends(desk, child, output_tokens=40)
    for name, because in (("Lead", "budget_spent"), ("Grandchild", "budget_spent"), ("Other", None)):
        _, deliveries = await desk.send(name)
        assert deliveries[0].because == because


async def test_running_totals_count_by_what_they_have_grown(desk: Desk) -> None:
    worker = await desk.idle("Worker")
    await set_budget(desk, BudgetScope.WORKSPACE, "", 1, unit=Unit.USD)
    for total in (0.10, 0.25, 0.05):  # the last one began anew
        await spends(desk, worker, cumulative=True, cost_usd=total)
    assert await left(desk) == [pytest.approx(0.70)]


async def test_a_report_that_comes_twice_is_charged_once(desk: Desk) -> None:
    worker = await desk.idle("Worker")
    await set_budget(desk, BudgetScope.WORKSPACE, "", 100)
    await spends(desk, worker, output_tokens=10)
    desk.reported -= 1
    await spends(desk, worker, output_tokens=10)
    assert await left(desk) == [90]


async def test_a_vendors_odd_figures_charge_nothing(desk: Desk) -> None:
    worker = await desk.idle("Worker")
    await set_budget(desk, BudgetScope.WORKSPACE, "", 100)
    for odd in (-5, "7", None, True, 1e300):
        await spends(desk, worker, output_tokens=odd)
    assert await left(desk) == [100]


async def test_it_warns_once_when_four_fifths_are_spent(desk: Desk) -> None:
    worker = await desk.idle("Worker")
    await set_budget(desk, BudgetScope.WORKSPACE, "", 100)
    for _ in range(3):
        await spends(desk, worker, output_tokens=30)
    assert [each["data"]["spent"] for each in await desk.events("budget.warning")] == [90]


async def test_it_begins_anew_with_its_period_and_what_waited_goes_on(desk: Desk) -> None:
    worker = await desk.idle("Worker")
    await set_budget(desk, BudgetScope.WORKSPACE, "", 10, period=Period.DAY)
    await spends(desk, worker, output_tokens=10)
    message, _ = await desk.send("Worker")
    key, row = f"rc:{{{desk.workspace}}}:budgets", "workspace tokens day"
    budget = orjson.loads((await desk.adapters.redis.hgetall(key))[row])
    assert budget["since"] == datetime.now(UTC).date().isoformat()
    await desk.adapters.redis.hset(key, row, orjson.dumps({**budget, "since": "2026-01-01"}).decode())
    assert await left(desk) == [10]
    await desk.due(f"budget|{row}")
    assert (await state_of(desk, message))[0] is ReceiptState.SENT


async def test_removing_one_lets_what_waits_go_on(desk: Desk) -> None:
    worker = await desk.idle("Worker")
    await set_budget(desk, BudgetScope.AGENT, worker.id, 1)
    await spends(desk, worker, output_tokens=1)
    message, _ = await desk.send("Worker")
    place = BudgetPlace(scope=BudgetScope.AGENT, of=worker.id, unit=TOKENS, period=Period.TOTAL)
    assert await desk.adapters.budgets.remove(desk.workspace, place)
    assert not await desk.adapters.budgets.remove(desk.workspace, place)
    assert (await state_of(desk, message))[0] is ReceiptState.SENT


async def test_only_one_that_there_is_can_be_raised(adapters: Adapters, workspace: WorkspaceId) -> None:
    desk = await open_desk(adapters, workspace)
    with pytest.raises(NotFound, match="set it first"):
        await set_budget(desk, BudgetScope.WORKSPACE, "", 1, more=True)
