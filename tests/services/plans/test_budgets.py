"""Budgets: who sets, sees and follows them, and how they are named."""

import asyncio
from contextlib import aclosing
from dataclasses import replace
from typing import cast

import pytest
from redis.asyncio import Redis

from broker.adapters.redis import keys
from broker.domain.agents.agents import Behind
from broker.domain.approvals.answers import ApprovalAnswer, ApprovalStatus, Verdict
from broker.domain.errors import BadRequest, Conflict, NotFound, NotPermitted
from broker.domain.ids import MemberId, WorkflowRunId
from broker.domain.people.access import MemberRole
from broker.domain.people.members import Member
from broker.domain.people.privacy import Privacy
from broker.domain.people.token_kinds import TokenKind
from broker.domain.plans.budgets import (
    Budget,
    BudgetPlace,
    BudgetScope,
    BudgetState,
    Period,
    Unit,
    count_amount,
    parse_place,
)
from broker.domain.plans.pauses import Pause
from broker.domain.plans.plans import Limit, Plan
from broker.domain.timings import TIMINGS
from broker.services.agents.sessions import Sessions
from broker.services.approvals.desk import ApprovalDesk
from broker.services.plans.budgets import Budgets
from broker.services.redaction import Redaction
from tests.fixtures.desk import Desk, a_person
from tests.services.live.test_activity import running_bus


def budgets(desk: Desk, *, pace_s: float = 1) -> Budgets:
    adapters = desk.adapters
    sessions = Sessions(adapters.registry, adapters.log)
    return Budgets(adapters.budgets, sessions, adapters.registry, members=adapters.members, signals=adapters.signals)


async def test_an_agent_sees_what_it_is_paid_from_and_changes_nothing(desk: Desk) -> None:
    lead = await desk.idle("Lead")
    child = await desk.idle("Child", by=desk.acting_as(lead))
    service = budgets(desk)
    for scope in ("workspace", "session:main", "tree:main/Lead", "agent:main/Lead"):
        await service.set(desk.person(), scope, unit=Unit.TOKENS, period=Period.DAY, amount=10)
    own = await service.own(desk.acting_as(child))
    assert {each.place.scope for each in own} == {BudgetScope.WORKSPACE, BudgetScope.SESSION, BudgetScope.TREE}
    assert {each.name for each in own} == {"", "main", "main/Lead"}
    with pytest.raises(NotPermitted, match="ask a person"):
        await service.set(desk.acting_as(lead), "workspace", unit=Unit.TOKENS, period=Period.DAY, amount=99)
    with pytest.raises(NotPermitted):
        await service.set(
            a_person(desk.workspace, kind=TokenKind.OBSERVER), "workspace", unit=Unit.USD, period=Period.DAY, amount=1
        )


@pytest.mark.parametrize(
    "scope", ["", "workspace:x", "session", "session:main/Lead", "agent:main", "planet:x", "person"]
)
async def test_a_scope_that_names_nothing_is_refused(desk: Desk, scope: str) -> None:
    with pytest.raises(BadRequest):
        await budgets(desk).set(desk.person(), scope, unit=Unit.USD, period=Period.DAY, amount=1)


async def test_what_is_not_there_has_no_budget(desk: Desk) -> None:
    service = budgets(desk)
    for scope in ("session:nope", "agent:main/Nobody"):
        with pytest.raises(NotFound):
            await service.set(desk.person(), scope, unit=Unit.USD, period=Period.DAY, amount=1)
    with pytest.raises(NotFound, match="no such budget"):
        await service.remove(desk.person(), "workspace", unit=Unit.USD, period=Period.DAY)


async def test_a_persons_budget_is_named_by_them_and_their_agents_see_it(desk: Desk) -> None:
    ada = Member(id=MemberId("ada"), name="Ada", role=MemberRole.MEMBER, generation=1, created_at_ms=0)
    await desk.adapters.members.add(desk.workspace, ada, by=None, plan=Plan.TEAM)
    worker = await desk.ready(
        await desk.spawn("Worker", behind=Behind(kind="person", name="Ada", member=MemberId("ada")))
    )
    service = budgets(desk)
    made = await service.set(desk.person(), "person:Ada", unit=Unit.TOKENS, period=Period.DAY, amount=10)
    assert (made.place.of, made.name) == ("ada", "Ada")
    assert [each.place.scope for each in await service.own(desk.acting_as(worker))] == [BudgetScope.PERSON]
    with pytest.raises(NotFound, match="no member called 'Bob'"):
        await service.set(desk.person(), "person:Bob", unit=Unit.TOKENS, period=Period.DAY, amount=10)


async def test_only_who_could_set_a_budget_lets_more_be_spent(desk: Desk) -> None:
    worker = await desk.idle("Worker")
    await budgets(desk).set(desk.person(), "agent:main/Worker", unit=Unit.TURNS, period=Period.TOTAL, amount=1)
    message, _ = await desk.send("Worker")
    await desk.turn(worker, message)
    waiting = await desk.adapters.approvals.waiting(desk.workspace, session=None, limit=10, after=None)
    [question] = waiting.approvals
    approvals = ApprovalDesk(desk.adapters.approvals, Redaction(desk.adapters.redaction_rules))
    member = a_person(desk.workspace, kind=TokenKind.MEMBER, role=MemberRole.MEMBER)
    with pytest.raises(NotPermitted):
        await approvals.answer(member, question.id, ApprovalAnswer(verdict=Verdict.ALLOW))
    answered = await approvals.answer(desk.person(), question.id, ApprovalAnswer(verdict=Verdict.ALLOW))
    assert answered.status is ApprovalStatus.ALLOWED
    assert [each.left for each in await budgets(desk).all(desk.person())] == [1]


async def test_a_lead_answers_for_an_agent_that_it_spawned_and_nobody_else_does_so(desk: Desk) -> None:
    lead = await desk.idle("Lead")
    child = await desk.idle("Child", by=desk.acting_as(lead))
    service, turns = budgets(desk), Unit.TURNS
    for scope, amount in (("tree:main/Child", 1), ("tree:main/Lead", 5)):
        await service.set(desk.person(), scope, unit=turns, period=Period.TOTAL, amount=amount)
    with pytest.raises(Conflict, match="no budget of turns that asks"):
        await service.answer_raise(desk.acting_as(lead), "Child", unit=turns, allow=True)
    message, _ = await desk.send("Child")
    await desk.turn(child, message)
    with pytest.raises(NotPermitted):
        await service.answer_raise(desk.person(), "Child", unit=turns, allow=True)
    with pytest.raises(NotPermitted, match="did not spawn"):
        await service.answer_raise(desk.acting_as(child), "Child", unit=turns, allow=True)
    raised = await service.answer_raise(desk.acting_as(lead), "Child", unit=turns, allow=True)
    assert (raised.place.of, raised.limit, raised.left) == (child.id, 2, 1)


async def test_what_is_told_of_budgets_names_no_session_that_the_caller_does_not_see(desk: Desk) -> None:
    await desk.idle("Worker")
    service = budgets(desk)
    for scope in ("workspace", "session:main", "agent:main/Worker", "tree:main/Worker"):
        await service.set(desk.person(), scope, unit=Unit.TOKENS, period=Period.DAY, amount=10)
    outsider = replace(
        a_person(desk.workspace, kind=TokenKind.MEMBER, role=MemberRole.MEMBER),
        privacy=Privacy(levels={desk.session.id: {}}),
    )
    assert [each.place.scope for each in await service.all(outsider)] == [BudgetScope.WORKSPACE]
    assert len(await service.all(desk.person())) == 4


async def test_what_a_budget_or_a_limit_made_wait_is_told_until_it_is_over(desk: Desk) -> None:
    worker = await desk.idle("Worker")
    service = budgets(desk)
    own = "agent:main/Worker"
    await service.set(desk.person(), own, unit=Unit.TURNS, period=Period.TOTAL, amount=1)
    await service.set(desk.person(), "workspace", unit=Unit.TURNS, period=Period.DAY, amount=1)
    await desk.send("Worker")
    told = await service.pauses(desk.person())
    assert [(each.agent_name, each.session, over) for each, over in told] == 2 * [("Worker", desk.session.id, False)]
    until = {each.budget.scope: each.until_ms is not None for each, _ in told if each.budget}
    assert until == {BudgetScope.AGENT: False, BudgetScope.WORKSPACE: True}  # the day is over by itself
    await service.set(desk.person(), own, unit=Unit.TURNS, period=Period.TOTAL, amount=5, more=True)
    over = {each.budget.of: over for each, over in await service.pauses(desk.person()) if each.budget}
    assert over == {worker.id: True, "": False}

    payer = a_person(desk.workspace, kind=TokenKind.MEMBER, role=MemberRole.BILLING)
    assert [(each.agent_name, each.session) for each, _ in await service.pauses(payer)] == [("", None)]
    outsider = replace(
        a_person(desk.workspace, kind=TokenKind.MEMBER, role=MemberRole.MEMBER),
        privacy=Privacy(levels={desk.session.id: {}}),
    )
    assert await service.pauses(outsider) == []
    with pytest.raises(NotPermitted):
        await service.pauses(a_person(desk.workspace, kind=TokenKind.PROXY))


async def test_a_limit_of_the_plan_that_is_reached_is_told_with_what_stopped(desk: Desk) -> None:
    desk.plan = Plan.FREE
    await desk.idle("Worker")
    [(agents, is_over)] = await budgets(desk).pauses(desk.person())
    assert (agents.limit, agents.until_ms, is_over) == (Limit.AGENTS, None, None)
    while not (await desk.send("Worker"))[1] or len(await budgets(desk).pauses(desk.person())) < 2:
        pass
    (messages, is_over), _ = await budgets(desk).pauses(desk.person())
    assert (messages.limit, messages.until_ms is not None, is_over) == (Limit.MESSAGES, True, False)


async def test_a_session_and_an_agent_have_what_stopped_them_and_nothing_of_others(desk: Desk) -> None:
    worker, other = await desk.idle("Worker"), await desk.idle("Other")
    elsewhere = await desk.adapters.registry.create_session(
        desk.workspace, desk.new_session_id(), name="elsewhere", epoch="log-epoch"
    )
    service = budgets(desk)
    await service.set(desk.person(), "agent:main/Worker", unit=Unit.TURNS, period=Period.TOTAL, amount=1)
    await service.set(desk.person(), "workspace", unit=Unit.TURNS, period=Period.DAY, amount=1)
    await desk.send("Worker")
    assert scopes(await service.pauses_in(desk.person(), desk.session)) == {BudgetScope.AGENT, BudgetScope.WORKSPACE}
    assert scopes(await service.pauses_in(desk.person(), elsewhere)) == {BudgetScope.WORKSPACE}
    assert scopes(await service.pauses_over(desk.person(), worker)) == {BudgetScope.AGENT, BudgetScope.WORKSPACE}
    told = await service.pauses_over(desk.person(), other)
    assert [(each.agent_name, over) for each, over in told] == [("Worker", False)]  # paid from the same budget
    later = replace(other, spawned_at_ms=other.spawned_at_ms + 60_000)
    assert await service.pauses_over(desk.person(), later) == []


async def test_what_stopped_everybody_is_told_in_another_session_without_where_it_came_from(desk: Desk) -> None:
    await desk.idle("Worker")
    elsewhere = await desk.adapters.registry.create_session(
        desk.workspace, desk.new_session_id(), name="elsewhere", epoch="log-epoch"
    )
    service = budgets(desk)
    await service.set(desk.person(), "workspace", unit=Unit.TURNS, period=Period.DAY, amount=1)
    await desk.send("Worker")
    outsider = replace(
        a_person(desk.workspace, kind=TokenKind.MEMBER, role=MemberRole.MEMBER),
        privacy=Privacy(levels={desk.session.id: {}}),
    )
    [(pause, _)] = await service.pauses_in(outsider, elsewhere)
    assert (pause.session, pause.agent, pause.agent_name) == (None, None, "")
    with pytest.raises(NotFound):
        await service.pauses_in(outsider, desk.session)
    shared = a_person(desk.workspace, kind=TokenKind.OBSERVER, session=elsewhere.id)
    assert await service.pauses_in(shared, elsewhere) == []  # it sees no more than its session's log
    with pytest.raises(NotPermitted):
        await service.pauses_in(a_person(desk.workspace, kind=TokenKind.PROXY), elsewhere)


async def test_what_stopped_a_session_is_found_however_much_others_were_stopped(desk: Desk) -> None:
    worker = await desk.idle("Worker")
    service = budgets(desk)
    own = "agent:main/Worker"
    await service.set(desk.person(), own, unit=Unit.TURNS, period=Period.TOTAL, amount=1)
    await desk.turn(worker, (await desk.send("Worker"))[0])
    redis, key = cast(Redis, desk.adapters.redis), keys.key(desk.workspace, "pauses")
    await redis.ltrim(key, 1, 0)  # as when 200 others have come since
    assert await service.pauses(desk.person()) == []
    assert len(await service.pauses_in(desk.person(), desk.session)) == 1
    assert len(await service.pauses_over(desk.person(), worker)) == 1
    for number in range(TIMINGS.pauses_of_one + 5):
        await service.set(desk.person(), own, unit=Unit.TURNS, period=Period.TOTAL, amount=number + 2)
        await desk.turn(worker, (await desk.send("Worker"))[0])
    for name, of in (("session_pauses", desk.session.id), ("agent_pauses", worker.id)):
        assert await redis.llen(keys.key(desk.workspace, name, of)) == TIMINGS.pauses_of_one


def scopes(told: list[tuple[Pause, bool | None]]) -> set[BudgetScope]:
    return {each.budget.scope for each, _ in told if each.budget}


async def test_an_agent_is_in_one_run_at_most_and_has_no_budget_for_each(desk: Desk) -> None:
    await desk.idle("Worker")
    with pytest.raises(BadRequest, match="one run"):
        await budgets(desk).set(desk.person(), "agent:main/Worker", unit=Unit.USD, period=Period.RUN, amount=1)


async def test_who_follows_budgets_is_told_of_each_change(desk: Desk) -> None:
    await desk.idle("Worker")
    service = budgets(desk, pace_s=0)
    async with running_bus(desk), asyncio.timeout(10), aclosing(service.follow(desk.person())) as told:
        assert await anext(told) == []
        await service.set(desk.person(), "workspace", unit=Unit.TURNS, period=Period.DAY, amount=2)
        assert [each.left for each in await anext(told)] == [2]
        await desk.send("Worker")
        [budget] = await anext(told)
        assert (budget.left, budget.running, budget.state) == (1, 1, BudgetState.OPEN)
        await service.remove(desk.person(), "workspace", unit=Unit.TURNS, period=Period.DAY)
        assert await anext(told) == []
        with pytest.raises(NotPermitted):
            await anext(service.follow(a_person(desk.workspace, kind=TokenKind.PROXY)))


@pytest.mark.parametrize(
    ("spent", "held", "state"),
    [(79, 0, "open"), (80, 0, "near"), (79, 21, "held"), (100, 0, "spent"), (120, 5, "spent")],
)
def test_the_state_of_a_budget_says_whether_turns_begin(spent: float, held: float, state: str) -> None:
    place = BudgetPlace(scope=BudgetScope.WORKSPACE, unit=Unit.TOKENS, period=Period.DAY)
    assert Budget(place=place, name="", limit=100, spent=spent, held=held, by="Ada").state == state


async def test_a_budget_of_turns_interrupts_none(desk: Desk) -> None:
    with pytest.raises(BadRequest, match="between turns"):
        await budgets(desk).set(
            desk.person(), "workspace", unit=Unit.TURNS, period=Period.DAY, amount=1, interrupt=True
        )


def test_a_place_is_read_as_it_is_written_and_amounts_are_whole_numbers() -> None:
    for scope, of in ((BudgetScope.WORKSPACE, ""), (BudgetScope.TREE, "a1")):
        for period, run in ((Period.MONTH, None), (Period.RUN, None), (Period.RUN, WorkflowRunId("r1"))):
            place = BudgetPlace(scope=scope, of=of, unit=Unit.USD, period=period, run=run)
            assert parse_place(str(place)) == place
    assert count_amount(Unit.USD, 0.1) == 100_000
    assert count_amount(Unit.MINUTES, 1.5) == 90_000
    for wrong in (0, -1, 1e18, 1e-9):
        with pytest.raises(BadRequest):
            count_amount(Unit.USD, wrong)
