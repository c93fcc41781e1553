"""Rules as people keep them: who made them, in which order, and what one would have answered."""

from __future__ import annotations

import pytest

from broker.app import build_services
from broker.domain.approvals.effects import Effect
from broker.domain.approvals.rule_trial import TrialOutcome, examples
from broker.domain.approvals.rules import KeptRule, Rule
from broker.domain.approvals.tool_use import tool_use
from broker.domain.errors import Conflict
from broker.protocol.agents.events import ApprovalRequested
from broker.services.approvals.rule_book import RuleBook, RuleTrials
from broker.services.ports import DecidedApproval
from broker.settings import Settings
from tests.fixtures.desk import Desk, a_person

STATUS = Rule(effect=Effect.ALLOW, tool="Bash", command="git status*")
NO_RM = Rule(effect=Effect.DENY, tool="Bash", command="rm *")
ASK = Rule(effect=Effect.ASK, tool="Bash", command="git *")


def book(desk: Desk) -> RuleBook:
    return RuleBook(desk.adapters.approvals)


async def makers(desk: Desk) -> list[tuple[Rule, str | None]]:
    return [(each.rule, each.by) for each in await book(desk).rules(desk.person())]


async def test_a_rule_says_who_made_it_and_when(desk: Desk) -> None:
    ada, bob = a_person(desk.workspace, name="Ada"), a_person(desk.workspace, name="Bob")
    await book(desk).add(ada, STATUS)
    await book(desk).add(bob, STATUS)  # it is Ada's
    await book(desk).replace(bob, [NO_RM, STATUS])
    assert await makers(desk) == [(NO_RM, "Bob"), (STATUS, "Ada")]
    assert all(each.at_ms for each in await book(desk).rules(ada))
    await book(desk).remove(bob, STATUS)
    await book(desk).add(bob, STATUS)
    assert await makers(desk) == [(STATUS, "Bob"), (NO_RM, "Bob")]


async def test_a_rule_of_an_earlier_version_has_no_maker(desk: Desk) -> None:
    await book(desk).add(desk.person(), STATUS)
    await desk.adapters.redis.delete(f"rc:{{{desk.workspace}}}:rules:made")
    assert await book(desk).rules(desk.person()) == [KeptRule(rule=STATUS)]


async def test_a_rule_is_moved_and_nothing_is_lost_that_came_meanwhile(desk: Desk) -> None:
    await book(desk).replace(desk.person(), [STATUS, NO_RM])
    await book(desk).move(desk.person(), NO_RM, ahead_of=STATUS)
    assert [rule for rule, _ in await makers(desk)] == [NO_RM, STATUS]
    await book(desk).move(desk.person(), NO_RM, ahead_of=None)
    assert [rule for rule, _ in await makers(desk)] == [STATUS, NO_RM]
    # Another person's rule came between the look and the move.
    await book(desk).add(desk.person(), ASK)
    assert not await desk.adapters.approvals.move_rule(desk.workspace, [STATUS, NO_RM], NO_RM, STATUS)
    with pytest.raises(Conflict) as refused:
        await book(desk).move(desk.person(), Rule(effect=Effect.DENY), ahead_of=None)
    assert refused.value.code == "RULES_CHANGED"
    assert [rule for rule, _ in await makers(desk)] == [ASK, STATUS, NO_RM]


async def asked(desk: Desk, native: str, command: str) -> None:
    services = build_services(Settings(), desk.adapters)
    [agent] = await desk.adapters.registry.agents(desk.workspace, desk.session.id)
    event = ApprovalRequested(native_id=native, tool="Bash", title=command, command=command, input={"command": command})
    decision: DecidedApproval = await services.desk.decide(
        desk.workspace, agent.id, generation=agent.generation, event=event
    )
    await desk.report(decision)


async def test_a_trial_says_which_requests_a_rule_would_have_answered(desk: Desk) -> None:
    await desk.idle("Worker")
    await book(desk).replace(desk.person(), [NO_RM])
    for native, command in enumerate(("git status", "rm -rf build", "git push", "git status -s")):
        await asked(desk, str(native), command)
    trials = RuleTrials(desk.adapters.approvals, desk.adapters.registry)
    found = await trials.try_rule(desk.person(), STATUS, days=7)
    assert (found.looked_at, found.whole, found.matched) == (4, True, 2)
    assert {(each.approval.title, each.outcome) for each in found.shown} == {
        ("git status", TrialOutcome.ALLOWS),
        ("git status -s", TrialOutcome.ALLOWS),
    }
    everything = await trials.try_rule(desk.person(), Rule(effect=Effect.ALLOW, tool="Bash"), days=7)
    assert {each.approval.title: each.outcome for each in everything.shown} == {
        "git status": TrialOutcome.ALLOWS,
        "rm -rf build": TrialOutcome.OVERRULED,
        "git push": TrialOutcome.ALLOWS,
        "git status -s": TrialOutcome.ALLOWS,
    }
    assert all(each.approval.risk for each in everything.shown)
    # A trial changes nothing.
    assert [rule for rule, _ in await makers(desk)] == [NO_RM]


async def test_a_trial_looks_back_so_many_days(desk: Desk) -> None:
    await desk.idle("Worker")
    await asked(desk, "1", "git status")
    later = (await desk.adapters.pressure.now_ms()) / 1000 + 2 * 24 * 3600
    trials = RuleTrials(desk.adapters.approvals, desk.adapters.registry, clock=lambda: later)
    assert [(await trials.try_rule(desk.person(), STATUS, days=days)).looked_at for days in (1, 3)] == [0, 1]


def test_examples_are_tried_and_a_second_command_is_never_covered() -> None:
    use = tool_use(tool="Bash", command="git status -s", paths=(), given=None, folder="/p")
    covered = {each.text: each.covered for each in examples(STATUS, use)}
    assert covered["git status -s"]
    assert covered["git status -s --help"]
    assert not covered["git status -s && rm -rf ~"]
    assert not covered["git status -s > ~/.bashrc"]
    assert not covered["rm -rf ~"]
    edit = tool_use(tool="Edit", command=None, paths=("/p/a.py",), given=None, folder="/p")
    files = {each.text: each.covered for each in examples(Rule(effect=Effect.ALLOW, tool="Edit", path="/p/*.py"), edit)}
    assert files == {
        "/p/a.py": True,
        "/p/another.py": True,
        "/p/below/another.py": True,
        "/p/.env": False,
        "/etc/passwd": False,
    }
