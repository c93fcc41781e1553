"""Budgets: no turn begins beyond them, nothing is lost, and a raise lets what waits go on."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from broker.app import Adapters
from broker.domain.agents.agents import Agent, Behind, RunPart
from broker.domain.approvals.answers import ApprovalStatus
from broker.domain.approvals.approvals import Approval
from broker.domain.errors import Conflict, NotFound, NotPermitted
from broker.domain.ids import ApprovalId, MemberId, MessageId, WorkflowRunId, WorkspaceId
from broker.domain.messages.steps import ReceiptState
from broker.domain.people.access import MemberRole
from broker.domain.people.token_kinds import TokenKind
from broker.domain.plans.budgets import Budget, BudgetPlace, BudgetScope, Gift, Period, Unit, count_amount
from broker.domain.workflows.runs.journal import RunState
from broker.protocol.agents.events import AgentReady, TurnStarted
from broker.protocol.proxy import FrameRecorded, Interrupt
from broker.services.ports import ClaimedRun, NewRun, Written
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
    interrupt: bool | None = None,
) -> Budget:
    place = BudgetPlace(scope=scope, of=of, unit=unit, period=period)
    limit = count_amount(unit, amount)
    return await desk.adapters.budgets.set(
        desk.workspace, place, name="x", limit=limit, more=more, by="operator", interrupt=interrupt
    )


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


async def asked(desk: Desk) -> list[Approval]:
    """What budgets ask people."""
    waiting = await desk.adapters.approvals.waiting(desk.workspace, session=None, limit=10, after=None)
    return list(waiting.approvals)


async def answer(desk: Desk, approval: ApprovalId, status: ApprovalStatus) -> None:
    await desk.adapters.approvals.answer(
        desk.workspace, approval, status=status, by="Ada", note="", answer=b"{}", told="yes"
    )


async def test_when_it_is_spent_people_are_asked_and_a_yes_lets_as_much_again_be_spent_in_this_period(
    desk: Desk,
) -> None:
    worker = await desk.idle("Worker")
    await set_budget(desk, BudgetScope.WORKSPACE, "", 100, period=Period.DAY)
    await spends(desk, worker, output_tokens=120)
    message, _ = await desk.send("Worker")
    [question] = await asked(desk)
    assert (question.tool, question.session_id) == ("budget", desk.session.id)
    assert question.title == (
        "the budget of the workspace x of today is spent: 120 tokens of 100 tokens; messages wait until somebody raises"
        " it. May 100 tokens more be spent?"
    )
    await answer(desk, question.id, ApprovalStatus.ALLOWED)
    assert (await state_of(desk, message))[0] is ReceiptState.SENT
    assert (await asked(desk), await left(desk)) == ([], [80])
    await spends(desk, worker, output_tokens=80)
    [again] = await asked(desk)
    assert again.id != question.id

    key, row = f"rc:{{{desk.workspace}}}:budgets", "workspace tokens day"
    budget = orjson.loads((await desk.adapters.redis.hgetall(key))[row])
    await desk.adapters.redis.hset(key, row, orjson.dumps({**budget, "since": "2026-01-01"}).decode())
    assert await left(desk) == [100]  # of the next day, which has what was set
    await answer(desk, again.id, ApprovalStatus.ALLOWED)  # too late for the day that it was asked in
    assert await left(desk) == [100]


async def test_a_no_leaves_it_as_it_is_and_the_answer_counts_once(desk: Desk) -> None:
    worker = await desk.idle("Worker")
    await set_budget(desk, BudgetScope.AGENT, worker.id, 10)
    await spends(desk, worker, output_tokens=10)
    message, _ = await desk.send("Worker")
    [question] = await asked(desk)
    await answer(desk, question.id, ApprovalStatus.DENIED)
    with pytest.raises(Conflict, match="already denied"):
        await answer(desk, question.id, ApprovalStatus.ALLOWED)
    assert await state_of(desk, message) == (ReceiptState.QUEUED, "budget_spent")
    assert await left(desk) == [0]


async def test_nobody_need_answer_once_it_was_raised_removed_or_is_over(desk: Desk) -> None:
    worker = await desk.idle("Worker")
    place = BudgetPlace(scope=BudgetScope.AGENT, of=worker.id, unit=TOKENS, period=Period.DAY)

    async def spent() -> ApprovalId:
        await set_budget(desk, BudgetScope.AGENT, worker.id, 10, period=Period.DAY)
        await spends(desk, worker, output_tokens=10)
        [question] = await asked(desk)
        return question.id

    first = await spent()
    await set_budget(desk, BudgetScope.AGENT, worker.id, 5, period=Period.DAY, more=True)
    assert await asked(desk) == []
    await desk.adapters.budgets.remove(desk.workspace, place)
    second = await spent()
    await desk.adapters.budgets.remove(desk.workspace, place)
    third = await spent()
    await desk.adapters.approvals.answer(
        desk.workspace, third, status=ApprovalStatus.EXPIRED, by="deadline", note="", answer=b"{}", at_deadline=True
    )
    assert await asked(desk) == []
    found = [(await desk.adapters.approvals.approval(desk.workspace, each)).status for each in (first, second, third)]
    assert found == [ApprovalStatus.WITHDRAWN, ApprovalStatus.WITHDRAWN, ApprovalStatus.EXPIRED]


async def test_a_persons_budget_pays_for_what_their_agents_spawned_too(desk: Desk) -> None:
    ada = replace(desk.person(), kind=TokenKind.MEMBER, member=MemberId("ada"), role=MemberRole.MEMBER)
    behind = Behind(kind="person", name="Ada", member=MemberId("ada"))
    lead = await desk.ready(await desk.spawn("Lead", by=ada, behind=behind))
    child = await desk.ready(await desk.spawn("Child", by=desk.acting_as(lead), behind=behind))
    other = await desk.idle("Other")
    await set_budget(desk, BudgetScope.PERSON, "ada", 100)
    await spends(desk, other, output_tokens=500)
    assert await left(desk) == [100]
    await spends(desk, child, output_tokens=60)
    await spends(desk, lead, output_tokens=40)
    for name, because in (("Lead", "budget_spent"), ("Child", "budget_spent"), ("Other", None)):
        _, deliveries = await desk.send(name)
        assert deliveries[0].because == because


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


async def interrupted(desk: Desk) -> list[str]:
    """The agents that were told to end their turn."""
    return [each.agent for each in await desk.commands() if isinstance(each, Interrupt)]


async def test_turns_set_aside_what_they_take_on_average_and_who_waits_for_that_goes_on_when_one_ends(
    desk: Desk,
) -> None:
    first, second = await desk.idle("First"), await desk.idle("Second")
    await set_budget(desk, BudgetScope.WORKSPACE, "", 100)
    learned, _ = await desk.send("First")
    await spends(desk, first, output_tokens=40)
    await desk.turn(first, learned)
    running, _ = await desk.send("First")
    [budget] = await desk.adapters.budgets.budgets(desk.workspace)
    assert (budget.spent, budget.held, budget.running) == (40, 40, 1)
    await spends(desk, first, output_tokens=20)
    waiting, deliveries = await desk.send("Second")
    assert deliveries[0].because == "budget_held"
    await desk.turn(first, running)
    await desk.due("budget|workspace tokens total")
    assert (await state_of(desk, waiting))[0] is ReceiptState.SENT
    [budget] = await desk.adapters.budgets.budgets(desk.workspace)
    assert (budget.spent, budget.held, budget.running) == (60, 35, 1)  # of 40 and 20: the later one weighs a quarter
    await spends(desk, second, output_tokens=40)
    await desk.turn(second, waiting)
    [budget] = await desk.adapters.budgets.budgets(desk.workspace)
    assert (budget.is_spent, budget.held, budget.running) == (True, 0, 0)


async def test_what_an_agent_that_ended_had_set_aside_is_given_back(desk: Desk) -> None:
    worker, other = await desk.idle("Worker"), await desk.idle("Other")
    await set_budget(desk, BudgetScope.SESSION, desk.session.id, 100)
    learned, _ = await desk.send("Worker")
    await spends(desk, worker, output_tokens=60)
    await desk.turn(worker, learned)
    await desk.send("Worker")
    waiting, deliveries = await desk.send("Other")
    assert deliveries[0].because == "budget_held"
    await desk.exited(worker, expected=True)
    await desk.due(f"budget|session:{desk.session.id} tokens total")
    assert (await state_of(desk, waiting))[0] is ReceiptState.SENT
    await desk.turn(other, waiting)


async def test_what_is_added_up_wrongly_is_put_right_when_it_is_looked_at(desk: Desk) -> None:
    await desk.idle("Worker")
    await set_budget(desk, BudgetScope.WORKSPACE, "", 100)
    key, row = f"rc:{{{desk.workspace}}}:budgets", "workspace tokens total"
    budget = orjson.loads((await desk.adapters.redis.hgetall(key))[row])
    await desk.adapters.redis.hset(key, row, orjson.dumps({**budget, "held": 500, "running": 3}).decode())
    waiting, deliveries = await desk.send("Worker")
    assert deliveries[0].because == "budget_held"
    await desk.due(f"budget|{row}")
    assert (await state_of(desk, waiting))[0] is ReceiptState.SENT


@pytest.mark.parametrize("interrupt", [True, False])
async def test_running_turns_end_only_where_the_budget_says_so(desk: Desk, interrupt: bool) -> None:
    worker, other = await desk.idle("Worker"), await desk.idle("Other")
    await set_budget(desk, BudgetScope.WORKSPACE, "", 100, interrupt=interrupt)
    for agent in (worker, other):
        message, _ = await desk.send(agent.name)
        await desk.state(agent, TurnStarted(turn_id=f"turn-{agent.name}", message_id=message))
    await spends(desk, worker, output_tokens=100)
    for _ in range(2):
        await desk.due("budget|workspace tokens total")
    assert sorted(await interrupted(desk)) == (sorted([worker.id, other.id]) if interrupt else [])
    [spent] = await desk.events("budget.spent")
    assert ("running turns are stopped" in spent["data"]["text"]) is interrupt


async def test_minutes_are_over_while_a_turn_runs_where_the_budget_says_so(desk: Desk) -> None:
    worker = await desk.idle("Worker")
    await set_budget(
        desk, BudgetScope.AGENT, worker.id, 1 / 60_000, unit=Unit.MINUTES, interrupt=True
    )  # one millisecond
    message, _ = await desk.send("Worker")
    await desk.state(worker, TurnStarted(turn_id="turn-1", message_id=message))
    async with asyncio.timeout(10):
        while not await interrupted(desk):  # that millisecond may still run
            await desk.due(f"budget|agent:{worker.id} minutes total")
    assert await interrupted(desk) == [worker.id]


async def test_a_lead_is_told_and_raises_its_childs_budget_out_of_its_own(desk: Desk) -> None:
    lead = await desk.idle("Lead")
    child = await desk.idle("Child", by=desk.acting_as(lead))
    await desk.idle("Stranger")
    await set_budget(desk, BudgetScope.TREE, child.id, 50)
    place = BudgetPlace(scope=BudgetScope.TREE, of=child.id, unit=TOKENS, period=Period.TOTAL)

    async def raise_(by: Agent, *, allow: bool = True) -> Budget:
        return await desk.adapters.budgets.answer_raise(desk.workspace, place, lead=by.id, name=by.name, allow=allow)

    with pytest.raises(Conflict, match="nobody asks"):
        await raise_(lead)
    await spends(desk, child, output_tokens=60)
    await desk.due(f"budget|{place}")
    [told] = [each for each in await desk.events("message.accepted") if each["name"] == "relay"]
    assert told["data"]["recipients"][0]["agent"] == lead.id
    assert "relay_raise_budget" in told["data"]["text"]
    with pytest.raises(NotPermitted, match="did not spawn"):
        await raise_(child)
    with pytest.raises(NotPermitted, match="no budget of tokens yourself"):
        await raise_(lead)
    await set_budget(desk, BudgetScope.TREE, lead.id, 40)
    with pytest.raises(NotPermitted, match="not that much left"):
        await raise_(lead)
    await set_budget(desk, BudgetScope.TREE, lead.id, 1000)
    waiting, deliveries = await desk.send("Child")
    assert deliveries[0].because == "budget_spent"
    assert (await raise_(lead)).left == 40
    assert (await state_of(desk, waiting))[0] is ReceiptState.SENT
    with pytest.raises(Conflict, match="nobody asks"):
        await raise_(lead)
    resolved = [each["data"] for each in await desk.events("approval.resolved")]
    assert [(each["status"], each["by"]) for each in resolved] == [("allowed", "Lead")]


async def test_a_leads_no_leaves_the_budget_spent(desk: Desk) -> None:
    lead = await desk.idle("Lead")
    child = await desk.idle("Child", by=desk.acting_as(lead))
    await set_budget(desk, BudgetScope.AGENT, child.id, 50)
    await spends(desk, child, output_tokens=60)
    place = BudgetPlace(scope=BudgetScope.AGENT, of=child.id, unit=TOKENS, period=Period.TOTAL)
    await desk.adapters.budgets.answer_raise(desk.workspace, place, lead=lead.id, name="Lead", allow=False)
    assert await left(desk) == [0]
    assert await asked(desk) == []


async def test_what_no_vendor_reported_a_cost_for_is_charged_by_the_models_price_and_called_an_estimate(
    desk: Desk,
) -> None:
    worker = await desk.spawn("Worker")
    await desk.state(worker, AgentReady(native_id="n1", model="gpt-5-codex"))
    await set_budget(desk, BudgetScope.WORKSPACE, "", 100, unit=Unit.USD)
    await spends(desk, worker, cumulative=True, input_tokens=1_000_000, cached_tokens=400_000, output_tokens=100_000)
    await spends(desk, worker, cumulative=True, input_tokens=2_000_000, cached_tokens=400_000, output_tokens=100_000)
    [budget] = await desk.adapters.budgets.budgets(desk.workspace)
    assert budget.spent == pytest.approx(1.6 * 1.25 + 0.4 * 0.125 + 0.1 * 10)
    assert budget.is_estimated
    other = await desk.spawn("Other")
    await desk.state(other, AgentReady(native_id="n2", model="of-nobodys-list"))
    await spends(desk, other, input_tokens=1_000_000)
    [same] = await desk.adapters.budgets.budgets(desk.workspace)
    assert same.spent == budget.spent


async def test_what_a_vendor_reports_is_no_estimate(desk: Desk) -> None:
    worker = await desk.spawn("Worker")
    await desk.state(worker, AgentReady(native_id="n1", model="gpt-5"))
    await set_budget(desk, BudgetScope.WORKSPACE, "", 100, unit=Unit.USD)
    await spends(desk, worker, input_tokens=1_000_000, cost_usd=0.5)
    [budget] = await desk.adapters.budgets.budgets(desk.workspace)
    assert (budget.spent, budget.is_estimated) == (0.5, False)


RUNS = [WorkflowRunId(f"00000000-0000-4000-8000-00000000000{digit}") for digit in "abc"]


async def begin_run(
    desk: Desk, run: WorkflowRunId, *, caller: WorkflowRunId | None = None, within: WorkflowRunId | None = None
) -> None:
    told = NewRun(
        id=run, digest=run, session=desk.session.id, name="file", workflow="file", text="text", definition="file",
        values={}, by=desk.person(), machine=None, folder=None, told=b"{}", origin=caller, root=caller and "file",
        within=within,
    )  # fmt: skip
    await desk.adapters.workflows.begin(desk.workspace, told)


async def put_run(desk: Desk, claimed: ClaimedRun, state: RunState) -> None:
    written = Written(entries=[], state=state)
    assert await desk.adapters.workflows.append(desk.workspace, claimed, written, after=claimed.row.entries)


async def part_of(desk: Desk, run: WorkflowRunId, name: str) -> Agent:
    """An agent that is idle, in a run."""
    part = RunPart(run=run, step="build", name=name, effect=name.ljust(32, "0"))
    return await desk.ready(await desk.spawn(name, part=part))


async def in_runs(desk: Desk) -> dict[WorkflowRunId | None, float]:
    """What is left, by run; None: of what each run may spend."""
    return {each.place.run: each.left for each in await desk.adapters.budgets.budgets(desk.workspace)}


async def test_each_run_of_a_workflow_may_spend_what_a_budget_for_runs_says(desk: Desk) -> None:
    first, second, third = RUNS
    for run, caller in ((first, None), (second, None), (third, second)):
        await begin_run(desk, run, caller=caller)
    one, other, called = [await part_of(desk, run, name) for run, name in zip(RUNS, "abc", strict=True)]
    outside = await desk.idle("Outside")
    child = await desk.idle("Child", by=desk.acting_as(one))
    await set_budget(desk, BudgetScope.SESSION, desk.session.id, 100, period=Period.RUN)
    await spends(desk, outside, output_tokens=1000)
    assert await in_runs(desk) == {None: 100}
    await spends(desk, one, output_tokens=60)
    await spends(desk, child, output_tokens=40)  # what agents of a run spawn is of the run
    await spends(desk, other, output_tokens=10)
    await spends(desk, called, output_tokens=20)  # and so is a run that it calls
    assert await in_runs(desk) == {None: 100, first: 0, second: 70}
    for name, because in (("a", "budget_spent"), ("Child", "budget_spent"), ("b", None), ("Outside", None)):
        _, deliveries = await desk.send(name)
        assert deliveries[0].because == because
    [question] = await asked(desk)
    assert "in this run is spent: 100 tokens of 100 tokens" in question.title
    await answer(desk, question.id, ApprovalStatus.ALLOWED)
    assert await in_runs(desk) == {None: 100, first: 100, second: 70}
    await set_budget(desk, BudgetScope.SESSION, desk.session.id, 50, period=Period.RUN)
    assert await in_runs(desk) == {None: 50, first: 0, second: 20}


async def test_a_run_that_an_agent_of_another_has_begun_spends_what_that_may_spend(desk: Desk) -> None:
    outer, within, called = RUNS
    await begin_run(desk, outer)
    await begin_run(desk, within, within=outer)
    await begin_run(desk, called, caller=within)
    agents = [await part_of(desk, run, name) for run, name in zip(RUNS, "abc", strict=True)]
    await set_budget(desk, BudgetScope.SESSION, desk.session.id, 100, period=Period.RUN)
    for agent in agents:
        await spends(desk, agent, output_tokens=30)
    assert await in_runs(desk) == {None: 100, outer: 10}


async def test_a_run_that_goes_on_again_has_spent_what_it_had_and_an_ended_one_is_not_listed(desk: Desk) -> None:
    run = RUNS[0]
    await begin_run(desk, run)
    worker = await part_of(desk, run, "a")
    await set_budget(desk, BudgetScope.WORKSPACE, "", 100, period=Period.RUN)
    await spends(desk, worker, output_tokens=100)
    assert len(await asked(desk)) == 1
    [claimed] = (await desk.adapters.workflows.claim(desk.workspace, most=10, lease_s=60)).runs
    await put_run(desk, claimed, RunState.FAILED)
    assert (await in_runs(desk), await asked(desk)) == ({None: 100}, [])
    await spends(desk, worker, output_tokens=5)
    assert await in_runs(desk) == {None: 100}
    await put_run(desk, claimed, RunState.RUNNING)
    await spends(desk, worker, output_tokens=1)
    assert await in_runs(desk) == {None: 100, run: 0}
    place = BudgetPlace(scope=BudgetScope.WORKSPACE, unit=TOKENS, period=Period.RUN)
    assert await desk.adapters.budgets.remove(desk.workspace, place)
    assert await in_runs(desk) == {}


async def gives(desk: Desk, lead: Agent, name: str, amount: float, *, unit: Unit = TOKENS) -> Agent:
    """The lead spawns an agent that may spend so much."""
    gift = Gift(unit=unit, amount=amount)
    return await desk.ready(await desk.spawn(name, by=desk.acting_as(lead), gift=gift))


async def test_a_lead_gives_what_it_spawns_a_budget_out_of_its_own(desk: Desk) -> None:
    lead = await desk.idle("Lead")
    await set_budget(desk, BudgetScope.TREE, lead.id, 100)
    one = await gives(desk, lead, "One", 60)
    with pytest.raises(NotPermitted, match=r"not that much left \(40 tokens that you have not given to others\)"):
        await gives(desk, lead, "Two", 41)
    assert [each.name for each in await desk.adapters.registry.agents(desk.workspace, desk.session.id)] == [
        "Lead",
        "One",
    ]
    await gives(desk, lead, "Two", 40)
    await gives(desk, lead, "Three", 5, unit=Unit.TURNS)  # of what nobody limits for itself
    await spends(desk, one, output_tokens=60)
    _, deliveries = await desk.send("One")
    assert deliveries[0].because == "budget_spent"
    found = await desk.adapters.budgets.budgets(desk.workspace)
    stand = {each.name: each for each in found if each.place.unit is TOKENS}
    assert {name: each.left for name, each in stand.items()} == {"x": 40, "main/One": 0, "main/Two": 40}
    assert (stand["main/One"].by, stand["main/One"].session) == ("Lead", desk.session.id)
    assert stand["x"].spent == 60


async def test_what_was_given_to_an_agent_that_ended_can_be_given_again(desk: Desk) -> None:
    lead = await desk.idle("Lead")
    await set_budget(desk, BudgetScope.TREE, lead.id, 100)
    one = await gives(desk, lead, "One", 100)
    with pytest.raises(NotPermitted):
        await gives(desk, lead, "Two", 1)
    await desk.adapters.mailroom.release(desk.workspace, one.id, by="Lead")
    await desk.exited(one, expected=True)
    await gives(desk, lead, "Two", 100)


async def test_an_agent_that_is_forgotten_leaves_no_budget_behind(desk: Desk) -> None:
    lead = await desk.idle("Lead")
    one = await gives(desk, lead, "One", 10)
    await desk.adapters.mailroom.release(desk.workspace, one.id, by="Lead")
    await desk.exited(one, expected=True)
    assert len(await left(desk)) == 1
    await desk.due(f"forget|{one.id}|{desk.session.id}")
    assert await left(desk) == []
