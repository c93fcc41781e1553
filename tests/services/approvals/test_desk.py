"""Requests as they come from machines: what rules say of them, and what a person's answer says of later ones."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import pytest

from broker.domain.agents.agents import Agent
from broker.domain.approvals.answers import AnswerOption, ApprovalAnswer, ApprovalStatus, Scope, Verdict
from broker.domain.approvals.approvals import Approval
from broker.domain.approvals.effects import Effect
from broker.domain.approvals.questions import Choice, QuestionPrompt
from broker.domain.approvals.rules import Rule
from broker.domain.errors import BadRequest, Conflict, NotFound, NotPermitted
from broker.domain.people.access import MemberRole, Principal
from broker.domain.people.token_kinds import TokenKind
from broker.protocol.agents.events import ApprovalRequested, FileChange, HookOpinion
from broker.protocol.proxy import Answer
from broker.services.approvals.desk import ApprovalDesk
from broker.services.ports import DecidedApproval
from broker.services.redaction import Redaction
from tests.fixtures.desk import Desk, a_person

LS = ApprovalRequested(native_id="1", tool="Bash", title="list", command="ls", input={"command": "ls"})
EDIT = ApprovalRequested(
    native_id="1",
    tool="Edit",
    title="edit",
    changes=(FileChange(path="/p/a.py", diff="one"),),
    input={"file_path": "/p/a.py", "old_string": "a", "new_string": "b"},
)
FETCH = ApprovalRequested(native_id="1", tool="WebFetch", title="fetch", input={"url": "https://a.example"})
LASTING = ApprovalAnswer(verdict=Verdict.ALLOW, scope=Scope.SESSION)
ONCE = ApprovalAnswer(verdict=Verdict.ALLOW)


def service_of(desk: Desk) -> ApprovalDesk:
    return ApprovalDesk(desk.adapters.approvals, Redaction(desk.adapters.redaction_rules))


async def decided(desk: Desk, agent: Agent, event: ApprovalRequested) -> DecidedApproval:
    """What the service decides, without telling the store."""
    return await service_of(desk).decide(desk.workspace, agent.id, generation=agent.generation, event=event)


async def asked(desk: Desk, agent: Agent, event: ApprovalRequested) -> DecidedApproval:
    """The same, as a machine's report."""
    decision = await decided(desk, agent, event)
    await desk.report(decision)
    return decision


def outcome(decision: DecidedApproval) -> ApprovalStatus | None:
    return decision.decided[0] if decision.decided else None


async def rules(desk: Desk, *wanted: Rule) -> None:
    await desk.adapters.approvals.set_rules(desk.workspace, wanted, by="operator")


async def answered(desk: Desk, decision: DecidedApproval, answer: ApprovalAnswer = LASTING) -> Principal:
    person = desk.person()
    await service_of(desk).answer(person, decision.id, answer)
    return person


async def test_a_rule_decides_by_all_that_a_request_is_about(desk: Desk) -> None:
    agent = await desk.idle("Worker")
    await rules(desk, Rule(effect=Effect.DENY, tool="Read", path="*.env"), Rule(effect=Effect.ALLOW, tool="Read"))
    read = ApprovalRequested(native_id="1", tool="Read", title="read", input={"file_path": "/p/.env"})
    located = replace(read, tool="read", paths=("/p/.env",), input={"title": "Read .env"})
    for event in (read, located):
        assert outcome(await decided(desk, agent, event)) is ApprovalStatus.DENIED
    assert outcome(await decided(desk, agent, replace(read, input={"file_path": "/p/a"}))) is ApprovalStatus.ALLOWED


async def test_a_relative_path_is_inside_the_folder_that_the_agent_works_in(desk: Desk) -> None:
    agent = await desk.idle("Worker")
    await desk.started(agent)  # in /
    await rules(desk, Rule(effect=Effect.DENY, path="/etc/*"))
    read = ApprovalRequested(native_id="1", tool="Read", title="read", input={"file_path": "etc/passwd"})
    assert outcome(await decided(desk, agent, read)) is ApprovalStatus.DENIED


async def test_what_cannot_be_read_is_put_before_a_person(desk: Desk) -> None:
    agent = await desk.idle("Worker")
    await rules(desk, Rule(effect=Effect.DENY, command="rm *"), Rule(effect=Effect.ALLOW, tool="Bash"))
    assert outcome(await decided(desk, agent, replace(LS, command="eval $X"))) is None
    assert outcome(await decided(desk, agent, LS)) is ApprovalStatus.ALLOWED


@pytest.mark.parametrize("event", [LS, EDIT, FETCH], ids=["command", "edit", "fetch"])
async def test_what_is_allowed_while_the_agent_lives_is_not_asked_again(desk: Desk, event: ApprovalRequested) -> None:
    agent = await desk.idle("Worker")
    await answered(desk, await asked(desk, agent, event))
    again = await asked(desk, agent, replace(event, native_id="2"))
    assert outcome(again) is ApprovalStatus.ALLOWED
    kept = await desk.adapters.approvals.approval(desk.workspace, again.id)
    assert kept.answered_by == "operator, for as long as the agent lives"


async def test_the_vendor_is_told_that_the_answer_holds_once(desk: Desk) -> None:
    agent = await desk.idle("Worker")
    await answered(desk, await asked(desk, agent, EDIT))
    order = (await desk.commands())[-1]
    assert isinstance(order, Answer)
    assert (order.answer.verdict, order.answer.scope) == (Verdict.ALLOW, Scope.ONCE)


async def test_a_deny_rule_holds_for_what_was_allowed_while_the_agent_lives(desk: Desk) -> None:
    agent = await desk.idle("Worker")
    await answered(desk, await asked(desk, agent, EDIT))
    await rules(desk, Rule(effect=Effect.DENY, path="*.py"))
    assert outcome(await decided(desk, agent, EDIT)) is ApprovalStatus.DENIED
    await rules(desk, Rule(effect=Effect.ASK, path="*.py"))
    assert outcome(await decided(desk, agent, EDIT)) is None


@pytest.mark.parametrize(
    ("allowed", "other"),
    [
        (LS, replace(LS, command="ls -la")),
        (LS, replace(LS, cwd="/elsewhere")),
        (LS, replace(LS, widens=("runs with more permissions",))),
        (EDIT, replace(EDIT, changes=(FileChange(path="/p/.env"),), input={"file_path": "/p/.env"})),
        (EDIT, replace(EDIT, changes=(FileChange(path="/p/a.py", change="delete"),))),
        (EDIT, replace(EDIT, tool="delete")),
        (FETCH, replace(FETCH, input={"url": "https://b.example"})),
        (FETCH, replace(FETCH, tool="mcp__web__fetch")),
    ],
    ids=["command", "folder", "more", "file", "delete", "tool", "input", "mcp"],
)
async def test_only_the_same_is_allowed_again(desk: Desk, allowed: ApprovalRequested, other: ApprovalRequested) -> None:
    agent = await desk.idle("Worker")
    await answered(desk, await asked(desk, agent, allowed))
    assert outcome(await decided(desk, agent, other)) is None


async def test_another_edit_of_the_same_file_is_the_same(desk: Desk) -> None:
    agent = await desk.idle("Worker")
    await answered(desk, await asked(desk, agent, EDIT))
    further = replace(EDIT, changes=(FileChange(path="/p/a.py", diff="two"),), input={"file_path": "/p/a.py"})
    assert outcome(await decided(desk, agent, further)) is ApprovalStatus.ALLOWED


@pytest.mark.parametrize(
    "answer",
    [
        ONCE,
        ApprovalAnswer(verdict=Verdict.DENY, scope=Scope.SESSION),
        replace(LASTING, updated_input={"command": "ls x"}),
    ],
    ids=["once", "denied", "changed"],
)
async def test_other_answers_are_not_remembered(desk: Desk, answer: ApprovalAnswer) -> None:
    agent = await desk.idle("Worker")
    await answered(desk, await asked(desk, agent, LS), answer)
    assert outcome(await decided(desk, agent, LS)) is None


async def test_what_is_allowed_is_allowed_to_that_agent_alone(desk: Desk) -> None:
    agent, other = await desk.idle("Worker"), await desk.idle("Other")
    await answered(desk, await asked(desk, agent, LS))
    assert outcome(await decided(desk, other, LS)) is None


async def test_it_survives_the_process_and_ends_with_the_agent(desk: Desk) -> None:
    agent = await desk.idle("Worker")
    await answered(desk, await asked(desk, agent, LS))
    await desk.exited(agent)
    assert outcome(await decided(desk, agent, LS)) is ApprovalStatus.ALLOWED
    await desk.adapters.mailroom.release(desk.workspace, agent.id, by="operator")
    await desk.exited(await desk.agent(agent.id), expected=True)
    assert outcome(await decided(desk, agent, LS)) is None


async def test_it_is_not_offered_where_a_rule_asks_each_time(desk: Desk) -> None:
    agent = await desk.idle("Worker")
    assert (await decided(desk, agent, LS)).event.can_allow_session
    await rules(desk, Rule(effect=Effect.ASK, command="ls*"))
    assert not (await decided(desk, agent, LS)).event.can_allow_session


async def test_a_request_for_more_than_itself_waits_whatever_is_allowed(desk: Desk) -> None:
    agent = await desk.idle("Worker")
    await rules(desk, Rule(effect=Effect.ALLOW))
    assert outcome(await decided(desk, agent, replace(LS, widens=("reaches a host",)))) is None


async def test_a_request_is_kept_with_all_its_files_and_what_it_widens(desk: Desk) -> None:
    agent = await desk.idle("Worker")
    decision = await asked(desk, agent, replace(LS, paths=("/p/a",), widens=("reaches a host",)))
    kept = await desk.adapters.approvals.approval(desk.workspace, decision.id)
    assert (kept.paths, kept.widens) == (("/p/a",), ("reaches a host",))


@pytest.mark.parametrize(
    "event",
    [
        replace(EDIT, tool="fileChange", changes=(), input=None),
        replace(FETCH, tool="mcp__db__query", input=None),
        replace(LS, widens=("types into a program that is running",)),
    ],
    ids=["hidden files", "hidden input", "more"],
)
async def test_what_does_not_say_what_it_is_about_is_allowed_once_at_most(desk: Desk, event: ApprovalRequested) -> None:
    agent = await desk.idle("Worker")
    first = await asked(desk, agent, event)
    assert not first.event.can_allow_session
    await answered(desk, first)
    assert outcome(await decided(desk, agent, event)) is None


async def test_no_answer_goes_before_a_rule_that_denies(desk: Desk) -> None:
    agent = await desk.idle("Worker")
    first = await asked(desk, agent, LS)
    await rules(desk, Rule(effect=Effect.DENY, command="rm *"))
    with pytest.raises(Conflict, match="rule deny"):
        await answered(desk, first, replace(ONCE, updated_input={"command": "/bin/rm -rf x"}))
    await rules(desk, Rule(effect=Effect.DENY, command="ls*"))
    with pytest.raises(Conflict, match="rule deny"):
        await answered(desk, first, ONCE)
    await answered(desk, first, ApprovalAnswer(verdict=Verdict.DENY))


async def test_the_relays_own_tools_never_wait(desk: Desk) -> None:
    agent = await desk.idle("Worker")
    await rules(desk, Rule(effect=Effect.ASK))
    tool = replace(FETCH, tool="mcp__relay__relay_send", relay_tool=True)
    assert outcome(await decided(desk, agent, tool)) is ApprovalStatus.ALLOWED
    await rules(desk, Rule(effect=Effect.DENY, tool="mcp__relay__relay_send"))
    assert outcome(await decided(desk, agent, tool)) is ApprovalStatus.DENIED


def options(*kinds: str) -> tuple[AnswerOption, ...]:
    return tuple(AnswerOption(id=f"o{number}", name=f"Option {number}", kind=kind) for number, kind in enumerate(kinds))


async def kept(desk: Desk, decision: DecidedApproval) -> Approval:
    return await desk.adapters.approvals.approval(desk.workspace, decision.id)


async def told(desk: Desk) -> ApprovalAnswer:
    """What the machine has to tell the agent."""
    return [each for each in await desk.commands() if isinstance(each, Answer)][-1].answer


async def test_a_deny_rule_sees_the_command_that_a_person_sees(desk: Desk) -> None:
    agent = await desk.idle("Worker")
    await desk.started(agent)
    await rules(desk, Rule(effect=Effect.DENY, command="touch *"))
    kimi = ApprovalRequested(native_id="1", tool="execute", title="Bash", command="touch /p/x")
    assert outcome(await decided(desk, agent, kimi)) is ApprovalStatus.DENIED
    from_input = replace(kimi, command=None, input={"command": "ls", "timeout": 5})
    waiting = await asked(desk, agent, from_input)
    shown = await kept(desk, waiting)
    assert (shown.command, shown.cwd) == ("ls", "/")


async def test_a_command_that_is_not_told_is_put_before_a_person_where_a_rule_restricts(desk: Desk) -> None:
    agent = await desk.idle("Worker")
    hidden = ApprovalRequested(native_id="1", tool="execute", title="git status", input={"title": "git status"})
    await rules(desk, Rule(effect=Effect.DENY, command="touch *"), Rule(effect=Effect.ALLOW, tool="shell"))
    assert outcome(await decided(desk, agent, hidden)) is None
    await rules(desk, Rule(effect=Effect.DENY, path="/p/*"), Rule(effect=Effect.ALLOW, tool="shell"))
    assert outcome(await decided(desk, agent, hidden)) is None
    await rules(desk, Rule(effect=Effect.ALLOW, tool="shell", command="git status*"))
    assert outcome(await decided(desk, agent, hidden)) is None


async def test_no_rule_chooses_between_several_answers_of_one_kind(desk: Desk) -> None:
    agent = await desk.idle("Worker")
    await rules(desk, Rule(effect=Effect.ALLOW, tool="Bash"))
    several = replace(LS, options=options("allow_once", "allow_once", "reject_once"))
    assert outcome(await decided(desk, agent, several)) is None
    assert outcome(await decided(desk, agent, replace(several, relay_tool=True))) is None
    plain = replace(LS, options=options("allow_always", "allow_once", "reject_once"))
    assert outcome(await asked(desk, agent, plain)) is ApprovalStatus.ALLOWED
    assert (await told(desk)).option_id == "o1"


async def test_a_mere_yes_is_refused_where_an_answer_has_to_be_chosen(desk: Desk) -> None:
    agent = await desk.idle("Worker")
    decision = await asked(desk, agent, replace(LS, options=options("allow_once", "allow_once", "reject_once")))
    with pytest.raises(Conflict) as refused:
        await answered(desk, decision, ONCE)
    assert refused.value.code == "CHOOSE_OPTION"
    assert "o1: Option 1" in refused.value.message
    await answered(desk, decision, replace(ONCE, option_id="o1"))
    assert (await told(desk)).option_id == "o1"
    record = await kept(desk, decision)
    assert (record.status, record.option, record.told) == (ApprovalStatus.ALLOWED, "o1", "Option 1 (allow_once)")


async def test_an_answer_has_to_be_one_that_is_offered_and_mean_what_is_said(desk: Desk) -> None:
    agent = await desk.idle("Worker")
    decision = await asked(desk, agent, replace(LS, options=options("allow_once", "reject_once")))
    for wrong in (replace(ONCE, option_id="o9"), replace(ONCE, option_id="o1")):
        with pytest.raises(BadRequest):
            await answered(desk, decision, wrong)


async def test_an_answer_that_lasts_is_for_who_administers(desk: Desk) -> None:
    agent = await desk.idle("Worker")
    decision = await asked(desk, agent, replace(LS, options=options("allow_once", "allow_always", "invented")))
    member = a_person(desk.workspace, kind=TokenKind.MEMBER, role=MemberRole.MEMBER)
    for lasting in ("o1", "o2"):
        with pytest.raises(NotPermitted):
            await service_of(desk).answer(member, decision.id, replace(ONCE, option_id=lasting))
    await service_of(desk).answer(desk.person(), decision.id, replace(ONCE, option_id="o2"))
    assert (await kept(desk, decision)).told == "Option 2 (invented)"


async def test_the_record_says_when_the_agent_could_only_be_told_that_it_is_cancelled(desk: Desk) -> None:
    agent = await desk.idle("Worker")
    decision = await asked(desk, agent, replace(LS, options=options("allow_once")))
    await answered(desk, decision, ApprovalAnswer(verdict=Verdict.DENY))
    assert (await kept(desk, decision)).told == "cancelled: none of the answers it offers is a plain no"


async def test_the_record_says_that_the_machine_has_taken_the_answer(desk: Desk) -> None:
    agent = await desk.idle("Worker")
    decision = await asked(desk, agent, LS)
    await answered(desk, decision, ONCE)
    assert (await kept(desk, decision)).told_at_ms is None
    await desk.adapters.links.acknowledge(desk.workspace, desk.link, fence=desk.attached.fence, seq=99)
    record = await kept(desk, decision)
    assert record.told == "yes"
    assert record.told_at_ms is not None


DATABASE = QuestionPrompt(id="db", text="Which?", choices=(Choice(label="A"), Choice(label="B")), free_text=False)
KEY = QuestionPrompt(id="key", text="Your key?", secret=True)
QUESTION = ApprovalRequested(native_id="1", tool="AskUserQuestion", title="Which?", prompts=(DATABASE, KEY))


async def test_a_question_is_answered_in_words_and_keeps_no_secret(desk: Desk) -> None:
    agent = await desk.idle("Worker")
    decision = await asked(desk, agent, QUESTION)
    found = await service_of(desk).answer_question(desk.person(), decision.id, {"db": ["B"], "key": ["hunter2"]})
    assert (found.status, found.answers, found.told) == (ApprovalStatus.ANSWERED, {"db": ["B"]}, "the answers")
    assert (await told(desk)).answers == {"db": ["B"], "key": ["hunter2"]}
    assert "hunter2" not in str(await desk.events("approval.resolved"))
    with pytest.raises(Conflict) as late:
        await service_of(desk).answer_question(desk.person(), decision.id, {"db": ["A"], "key": ["x"]})
    assert late.value.code == "APPROVAL_ALREADY_ANSWERED"


@pytest.mark.parametrize(
    "answers",
    [
        {},
        {"db": ["A"]},
        {"db": ["C"], "key": ["x"]},
        {"db": ["A", "B"], "key": ["x"]},
        {"db": ["A"], "key": ["x"], "more": ["y"]},
        {"db": ["A"], "key": ["  "]},
    ],
)
async def test_an_answer_that_does_not_fit_is_refused(desk: Desk, answers: dict[str, list[str]]) -> None:
    agent = await desk.idle("Worker")
    decision = await asked(desk, agent, QUESTION)
    with pytest.raises(BadRequest) as refused:
        await service_of(desk).answer_question(desk.person(), decision.id, answers)
    assert refused.value.code == "BAD_ANSWER"
    assert (await kept(desk, decision)).status is ApprovalStatus.PENDING


async def test_a_question_is_not_answered_by_a_yes_nor_by_a_rule(desk: Desk) -> None:
    agent = await desk.idle("Worker")
    await rules(desk, Rule(effect=Effect.ALLOW))
    decision = await asked(desk, agent, QUESTION)
    assert outcome(decision) is None
    with pytest.raises(BadRequest) as refused:
        await answered(desk, decision, ONCE)
    assert refused.value.code == "IS_QUESTION"
    permission = await asked(desk, agent, replace(FETCH, native_id="2", tool="mcp__x__y"))
    assert outcome(permission) is ApprovalStatus.ALLOWED


async def test_a_permission_request_is_no_question(desk: Desk) -> None:
    agent = await desk.idle("Worker")
    decision = await asked(desk, agent, LS)
    service, person = service_of(desk), desk.person()
    with pytest.raises(BadRequest):
        await service.answer_question(person, decision.id, {})
    with pytest.raises(BadRequest):
        await service.decline_question(person, decision.id)
    with pytest.raises(NotFound):
        await service.question(person, decision.id)


async def test_a_question_may_be_declined(desk: Desk) -> None:
    agent = await desk.idle("Worker")
    decision = await asked(desk, agent, QUESTION)
    found = await service_of(desk).decline_question(desk.person(), decision.id, note="decide yourself")
    assert (found.status, found.note) == (ApprovalStatus.DENIED, "decide yourself")
    assert (await told(desk)).verdict is Verdict.DENY


@pytest.mark.parametrize(
    ("says", "rule", "status", "by"),
    [
        ("deny", Effect.ALLOW, ApprovalStatus.DENIED, "hook guard"),
        ("deny", None, ApprovalStatus.DENIED, "hook guard"),
        ("allow", Effect.DENY, ApprovalStatus.DENIED, "rule deny Bash"),
        ("allow", Effect.ASK, None, ""),
        ("allow", None, ApprovalStatus.ALLOWED, "hook guard"),
        ("ask", Effect.ALLOW, None, ""),
    ],
)
async def test_what_hooks_on_the_machine_said_has_its_place_among_rules(
    desk: Desk, says: Literal["deny", "ask", "allow"], rule: Effect | None, status: ApprovalStatus | None, by: str
) -> None:
    agent = await desk.idle("Worker")
    await rules(desk, *([Rule(effect=rule, tool="Bash")] if rule else []))
    event = replace(LS, hooks=(HookOpinion(hook="guard", says=says, why="not on Fridays"),))
    decision = await decided(desk, agent, event)
    assert outcome(decision) is status
    assert (decision.decided[1] if decision.decided else "") == by
    if says == "ask":
        assert decision.event.reason == "hook guard: not on Fridays"
