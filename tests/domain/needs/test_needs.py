"""What needs a person, and what is no longer worth their time."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from broker.domain.approvals.answers import ApprovalStatus
from broker.domain.approvals.approvals import Approval
from broker.domain.approvals.questions import QuestionPrompt
from broker.domain.ids import AgentId, ApprovalId, MessageId, ProxyId, SessionId, WorkflowRunId
from broker.domain.machines.placement import Proxy
from broker.domain.needs.needs import (
    FailedAgent,
    LimitUse,
    Need,
    NeedKind,
    Scene,
    StuckRun,
    Undelivered,
    differences,
    needs_of,
)
from broker.domain.plans.budgets import Budget, BudgetPlace, BudgetScope, Period, Unit

SESSION = SessionId("s")


def asked(id_: str, at_ms: int = 1, **changes: Any) -> Approval:
    given: dict[str, Any] = {"tool": "Bash", "title": "run ls", "command": "ls", "input": {"command": "ls"}}
    return Approval(
        id=ApprovalId(id_),
        agent="Worker",
        agent_id=AgentId("a"),
        session_id=SESSION,
        status=ApprovalStatus.PENDING,
        cwd=None,
        changes=(),
        reason=None,
        can_allow_session=True,
        asked_at_ms=at_ms,
        deadline_ms=at_ms + 1,
        answered_by=None,
        note=None,
        **{**given, **changes},
    )


FAILED = FailedAgent(
    id=AgentId("a"),
    generation=2,
    session=SESSION,
    name="Worker",
    reason="CWD_MISSING",
    detail="/nope is not a folder",
    at_ms=5,
    resumable=False,
)
LOST = Undelivered(
    message=MessageId("m"),
    agent=AgentId("a"),
    to="Worker",
    session=SESSION,
    sender="Ada",
    text="please",
    reason="expired",
    at_ms=6,
)
AWAY = Proxy(
    id=ProxyId("p"), name="box", labels=(), clis=(), version="1", online=False, session=SESSION, agents=2, since_ms=7
)


def budget(spent: float, limit: float = 10) -> Budget:
    place = BudgetPlace(scope=BudgetScope.SESSION, of="s", unit=Unit.USD, period=Period.DAY)
    return Budget(place=place, name="main", limit=limit, spent=spent, by="Ada")


def kinds(scene: Scene) -> list[NeedKind]:
    return [each.kind for each in needs_of(scene)]


def only(scene: Scene) -> Need:
    (found,) = needs_of(scene)
    return found


def test_what_is_asked_first_stands_first_whatever_its_kind() -> None:
    scene = Scene(
        approvals=[asked("late", 9), asked("early", 3)],
        failures=[FAILED, LOST],
        machines=[AWAY],
        runs=[StuckRun(id=WorkflowRunId("r"), session=SESSION, name="deploy", why="retry or skip", since_ms=8)],
    )
    assert [each.since_ms for each in needs_of(scene)] == [3, 5, 6, 7, 8, 9]


def test_those_of_one_millisecond_have_an_order_of_their_own() -> None:
    together = [asked(id_) for id_ in "cab"]
    assert [each.subject for each in needs_of(Scene(approvals=together))] == ["a", "b", "c"]
    assert needs_of(Scene(approvals=together)) == needs_of(Scene(approvals=together[::-1]))


def test_a_question_and_a_gate_are_told_from_a_permission() -> None:
    question = asked("q", 1, prompts=(QuestionPrompt(id="0", text="Which?"),))
    gate = asked("g", 2, tool="workflow", input={"run": "r", "step": "deploy"})
    assert kinds(Scene(approvals=[question, gate, asked("a", 3)])) == [
        NeedKind.QUESTION,
        NeedKind.GATE,
        NeedKind.APPROVAL,
    ]


def test_a_run_whose_gate_is_asked_for_stands_there_once() -> None:
    run = StuckRun(id=WorkflowRunId("r"), session=SESSION, name="deploy", why="", since_ms=1)
    gate = asked("g", tool="workflow", input={"run": "r"})
    assert kinds(Scene(approvals=[gate], runs=[run, replace(run, id=WorkflowRunId("other"))])) == [
        NeedKind.GATE,
        NeedKind.RUN,
    ]


def test_what_was_lost_with_an_agent_is_told_with_it() -> None:
    with_it = replace(LOST, reason="agent_failed")
    need = only(Scene(failures=[FAILED, with_it]))
    assert need.detail == "CWD_MISSING: /nope is not a folder; 1 message to it did not arrive"
    # Somebody has seen that it failed, and not yet what was lost.
    assert only(Scene(failures=[with_it])).kind is NeedKind.UNDELIVERED


def test_an_agent_that_does_not_say_why_it_failed_is_said_not_to() -> None:
    assert only(Scene(failures=[replace(FAILED, reason="", detail="")])).detail == "it did not say why"


def test_a_second_failure_of_one_agent_is_another() -> None:
    assert only(Scene(failures=[FAILED])).key != only(Scene(failures=[replace(FAILED, generation=3)])).key


def test_a_machine_is_missed_only_with_agents_on_it() -> None:
    assert only(Scene(machines=[AWAY])).detail == "2 agents of it cannot be reached"
    assert kinds(Scene(machines=[replace(AWAY, agents=0), replace(AWAY, online=True)])) == []


@pytest.mark.parametrize("scope", BudgetScope)
def test_a_budget_of_every_scope_is_told(scope: BudgetScope) -> None:
    place = BudgetPlace(scope=scope, of="1", unit=Unit.TURNS, period=Period.RUN)
    spent = Budget(place=place, name="Ada", limit=1, spent=1, by="Ada")
    assert only(Scene(budgets=[spent])).title.startswith("The budget of ")


def test_a_budget_blocks_when_it_is_spent_and_warns_ahead_of_that() -> None:
    assert kinds(Scene(budgets=[budget(7.99)])) == []
    assert [only(Scene(budgets=[budget(spent)])).blocks for spent in (8, 9.99, 10, 12)] == [False, False, True, True]
    assert only(Scene(budgets=[budget(12)])).detail == "$12.00 of $10.00 today; messages wait until somebody raises it"


def test_a_warning_stands_behind_everything_that_blocks() -> None:
    scene = Scene(approvals=[asked("a", 10**12)], budgets=[budget(8), budget(10)])
    assert [each.blocks for each in needs_of(scene)] == [True, True, False]


def test_a_limit_of_a_few_is_no_warning() -> None:
    def use(used: int, limit: int) -> LimitUse:
        return LimitUse(what="agents", used=used, limit=limit)

    assert kinds(Scene(limits=[use(1, 1), use(79, 100)])) == []
    assert only(Scene(limits=[use(80, 100)])).title == "The plan's agents are nearly all used"
    assert only(Scene(limits=[use(100, 100)])).title == "The plan's agents are all used"


def test_differences_are_what_is_new_or_another_and_what_is_over() -> None:
    before = needs_of(Scene(approvals=[asked("a")], failures=[FAILED], machines=[AWAY]))
    after = needs_of(Scene(approvals=[asked("a"), asked("b")], machines=[replace(AWAY, agents=3)]))
    changed, over = differences(before, after)
    assert {each.key for each in changed} == {"approval|b", "machine|p"}
    assert over == (FAILED.row,)
    assert differences(after, after) == ((), ())
