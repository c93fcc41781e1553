"""Rules that require people: who may say yes, whose yes is kept, and what ends it. On a real store."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import Any

import pytest

from broker.app import Adapters, build_services
from broker.domain.approvals.answers import ApprovalAnswer, ApprovalStatus, Scope, Verdict
from broker.domain.approvals.approvals import Approval
from broker.domain.approvals.effects import Effect
from broker.domain.approvals.risk.findings import Risk
from broker.domain.approvals.rules import Rule
from broker.domain.audit.acts import Act
from broker.domain.audit.records import AuditFilter
from broker.domain.errors import Conflict, NotFound, NotPermitted, RelayError
from broker.domain.ids import ApprovalId, WorkspaceId
from broker.domain.people.access import Credential, MemberRole, Principal, TokenScope
from broker.domain.people.erasure import erased_name
from broker.domain.people.members import Member
from broker.domain.people.privacy import Level
from broker.domain.people.token_kinds import TokenKind
from broker.domain.plans.plans import Plan
from broker.protocol.agents.events import ApprovalRequested, HookOpinion
from broker.protocol.proxy import Answer
from broker.services.container import Services
from broker.services.people.access import new_token
from broker.settings import Settings
from tests.fixtures.desk import Desk

RM = ApprovalRequested(
    native_id="1", tool="Bash", title="clean", command="rm -rf build", input={"command": "rm -rf build"}
)
YES = ApprovalAnswer(verdict=Verdict.ALLOW)
NO = ApprovalAnswer(verdict=Verdict.DENY)
TWO = Rule(effect=Effect.REQUIRE, people=2, risk=Risk.HIGH)
OPS = Rule(effect=Effect.REQUIRE, group="ops")
TWO_OPS = Rule(effect=Effect.REQUIRE, group="ops", people=2)
ADMIN = Rule(effect=Effect.REQUIRE, role=MemberRole.ADMIN)


@dataclass(slots=True, kw_only=True)
class Scene:
    """A workspace with an agent, and people who answer it."""

    services: Services
    adapters: Adapters
    desk: Desk
    key: Principal
    asked: int = 0

    async def person(self, name: str, role: MemberRole = MemberRole.MEMBER, *, group: str = "") -> tuple[Member, str]:
        """A member who is signed in, and their token."""
        member = await self.services.members.add(self.key, name=name, role=role)
        code = await self.services.sign_in.invite(self.key, member)
        token = await self.services.sign_in.redeem(code.code, address="192.0.2.7")
        if group:
            await self.services.groups.change(self.key, group, member.id, joins=True)
        return member, token

    async def caller(self, token: str) -> Principal:
        return await self.services.access.authenticate(Credential(token=token, workspace=self.key.workspace))

    async def answer(self, token: str, approval: ApprovalId, answer: ApprovalAnswer = YES) -> Approval:
        return await self.services.desk.answer(await self.caller(token), approval, answer)

    async def refused(self, token: str, approval: ApprovalId, answer: ApprovalAnswer = YES) -> RelayError:
        with pytest.raises(RelayError) as caught:
            await self.answer(token, approval, answer)
        return caught.value

    async def rules(self, *rules: Rule) -> None:
        await self.services.rules.replace(self.key, rules)

    async def ask(self, event: ApprovalRequested = RM) -> ApprovalId:
        """An agent asks; its request."""
        self.asked += 1
        agent = await self.desk.idle(f"Agent{self.asked}")
        decided = await self.services.desk.decide(
            self.desk.workspace, agent.id, generation=agent.generation, event=event
        )
        await self.desk.report(decided)
        return decided.id

    async def approval(self, approval: ApprovalId) -> Approval:
        return await self.services.desk.get(self.key, approval)

    async def orders(self) -> list[Verdict]:
        """What machines are told."""
        return [each.answer.verdict for each in await self.desk.commands() if isinstance(each, Answer)]


@pytest.fixture
async def scene(adapters: Adapters, desk: Desk, workspace: WorkspaceId) -> Scene:
    services = build_services(Settings(), adapters)
    token = new_token(TokenKind.WORKSPACE)
    await services.access.adopt_workspace(token, workspace=workspace, name="acme", plan=Plan.TEAM)
    key = await services.access.authenticate(token)
    await services.groups.create(key, "ops")
    return Scene(services=services, adapters=adapters, desk=desk, key=key)


async def test_two_people_allow_what_is_risky_and_the_first_yes_is_kept_and_shown(scene: Scene) -> None:
    (ada, ada_token), (_, bob_token) = await scene.person("Ada"), await scene.person("Bob")
    await scene.rules(TWO)
    asked = await scene.ask()
    assert [each.words for each in (await scene.approval(asked)).needs] == ["2 people"]

    first = await scene.answer(ada_token, asked)
    assert (first.status, first.answered_by) == (ApprovalStatus.PENDING, None)
    assert [(each.member, each.by) for each in first.assents] == [(ada.id, "Ada")]
    assert [(each.words, each.missing) for each in first.needs] == [("1 more person", 1)]
    assert await scene.orders() == []

    again = await scene.refused(ada_token, asked)
    assert (again.code, again.message) == ("ALREADY_ASSENTED", "you have said yes to it: it still needs 1 more person")

    second = await scene.answer(bob_token, asked)
    assert (second.status, second.answered_by, second.needs) == (ApprovalStatus.ALLOWED, "Ada, Bob", ())
    assert await scene.orders() == [Verdict.ALLOW]


async def test_the_log_and_the_audit_trail_say_who_said_yes_and_who_is_missing(scene: Scene) -> None:
    _, ada = await scene.person("Ada", group="ops")
    _, bob = await scene.person("Bob", group="ops")
    await scene.rules(TWO_OPS)
    asked = await scene.ask()
    await scene.answer(ada, asked)
    await scene.answer(bob, asked)
    (requested,) = [each["data"] for each in await scene.desk.events("approval.requested")]
    assert [each["words"] for each in requested["needs"]] == ["2 people of the group ops"]
    (said,) = [each["data"] for each in await scene.desk.events("approval.assented")]
    assert (said["id"], said["by"], said["status"]) == (asked, "Ada", "pending")
    assert said["needs"] == [
        {
            "rule": "rule require *",
            "of": "group",
            "name": "ops",
            "missing": 1,
            "words": "1 more person of the group ops",
        }
    ]
    page = await scene.services.audit.page(scene.key, AuditFilter())
    acts = [(each.act, each.after) for each in page.records if each.act.startswith("approval.")]
    assert sorted(acts) == [
        (Act.APPROVAL_ANSWERED, "allowed"),
        (Act.APPROVAL_ASSENTED, "yes; it needs 1 more person of the group ops"),
    ]


async def test_one_no_denies(scene: Scene) -> None:
    (_, ada), (_, bob) = await scene.person("Ada"), await scene.person("Bob")
    await scene.rules(TWO)
    asked = await scene.ask()
    await scene.answer(ada, asked)
    assert (await scene.answer(bob, asked, NO)).status is ApprovalStatus.DENIED
    assert await scene.orders() == [Verdict.DENY]


async def test_what_is_less_risky_needs_one_person(scene: Scene) -> None:
    _, ada = await scene.person("Ada")
    await scene.rules(TWO)
    asked = await scene.ask(replace(RM, command="ls", input={"command": "ls"}))
    assert (await scene.approval(asked)).needs == ()
    assert (await scene.answer(ada, asked)).status is ApprovalStatus.ALLOWED


@pytest.mark.parametrize(
    ("rule", "words"),
    [(OPS, "1 person of the group ops"), (ADMIN, "1 person with the role admin or above")],
    ids=["group", "role"],
)
async def test_only_those_that_a_rule_names_say_yes(scene: Scene, rule: Rule, words: str) -> None:
    _, ada = await scene.person("Ada")
    _, cleo = await scene.person("Cleo", MemberRole.OWNER, group="ops")
    await scene.rules(rule)
    asked = await scene.ask()
    refusal = await scene.refused(ada, asked)
    assert isinstance(refusal, NotPermitted)
    assert (refusal.code, refusal.message) == (
        "APPROVAL_REQUIRES",
        f"it needs {words}: you are none of them, and may deny it",
    )
    assert (await scene.answer(cleo, asked)).status is ApprovalStatus.ALLOWED
    denied = await scene.ask()
    assert (await scene.answer(ada, denied, NO)).status is ApprovalStatus.DENIED


async def test_no_key_program_rule_hook_or_earlier_answer_stands_in_for_people(scene: Scene) -> None:
    _, ada = await scene.person("Ada", MemberRole.ADMIN, group="ops")
    caller = await scene.caller(ada)
    _, personal = await scene.services.scoped_tokens.mint_personal(
        caller, name="ci", scopes=(TokenScope.READ, TokenScope.APPROVE)
    )
    await scene.answer(ada, await scene.ask(), replace(YES, scope=Scope.SESSION))
    await scene.rules(OPS, Rule(effect=Effect.ALLOW))
    event = replace(RM, hooks=(HookOpinion(hook="lint", says="allow", why="fine"),))
    asked = await scene.ask(event)
    assert (await scene.approval(asked)).status is ApprovalStatus.PENDING
    with pytest.raises(NotPermitted) as of_key:
        await scene.services.desk.answer(scene.key, asked, YES)
    of_program = await scene.refused(personal, asked)
    for refusal in (of_key.value, of_program):
        assert refusal.code == "APPROVAL_REQUIRES"
        assert "who sign in and say yes themselves" in refusal.message
    assert (await scene.answer(ada, asked)).status is ApprovalStatus.ALLOWED


async def test_an_answer_that_holds_for_good_is_not_remembered_where_people_are_required(scene: Scene) -> None:
    _, ada = await scene.person("Ada", group="ops")
    await scene.rules(OPS)
    agent = await scene.desk.idle("Worker")
    desk = scene.services.desk
    first = await desk.decide(scene.desk.workspace, agent.id, generation=agent.generation, event=RM)
    await scene.desk.report(first)
    assert not (await scene.approval(first.id)).can_allow_session
    await scene.answer(ada, first.id, replace(YES, scope=Scope.SESSION))
    await scene.rules()
    again = await desk.decide(
        scene.desk.workspace, agent.id, generation=agent.generation, event=replace(RM, native_id="2")
    )
    assert again.decided is None


async def test_several_rules_must_all_be_met(scene: Scene) -> None:
    _, ada = await scene.person("Ada", group="ops")
    _, cleo = await scene.person("Cleo", MemberRole.ADMIN)
    await scene.rules(OPS, ADMIN)
    asked = await scene.ask()
    kept = await scene.answer(cleo, asked)
    assert [each.words for each in kept.needs] == ["1 person of the group ops"]
    assert (await scene.answer(ada, asked)).answered_by == "Cleo, Ada"


async def lose_role(scene: Scene, member: Member) -> None:
    await scene.services.members.set_role(scene.key, member.id, MemberRole.VIEWER)


async def lose_and_regain_role(scene: Scene, member: Member) -> None:
    await lose_role(scene, member)
    await scene.services.members.set_role(scene.key, member.id, MemberRole.MEMBER)


async def leave_group(scene: Scene, member: Member) -> None:
    await scene.services.groups.change(scene.key, "ops", member.id, joins=False)


async def be_suspended(scene: Scene, member: Member) -> None:
    await scene.services.members.suspend(scene.key, member.id)


async def be_removed(scene: Scene, member: Member) -> None:
    await scene.services.members.remove(scene.key, member.id)


async def lose_session(scene: Scene, member: Member) -> None:
    open_to = {"Bob": Level.DRIVER, "Cleo": Level.DRIVER, member.name: Level.VIEWER}
    await scene.services.groups.set_access(scene.key, scene.desk.session, people=open_to, groups={})


LOSSES: list[Any] = [lose_role, lose_and_regain_role, leave_group, be_suspended, be_removed, lose_session]


@pytest.mark.parametrize("lose", LOSSES)
async def test_who_loses_the_right_meanwhile_has_said_nothing(scene: Scene, lose: Any) -> None:
    member, ada = await scene.person("Ada", group="ops")
    _, bob = await scene.person("Bob", group="ops")
    _, cleo = await scene.person("Cleo", group="ops")
    await scene.rules(TWO_OPS)
    asked = await scene.ask()
    await scene.answer(ada, asked)
    await lose(scene, member)
    assert [each.missing for each in (await scene.approval(asked)).needs] == [2]
    assert (await scene.answer(bob, asked)).status is ApprovalStatus.PENDING
    assert (await scene.answer(cleo, asked)).answered_by == "Bob, Cleo"


async def test_a_rule_made_since_it_was_asked_holds(scene: Scene) -> None:
    (_, ada), (_, bob) = await scene.person("Ada"), await scene.person("Bob")
    asked = await scene.ask()
    await scene.rules(TWO)
    assert (await scene.answer(ada, asked)).status is ApprovalStatus.PENDING
    await scene.rules()
    assert (await scene.approval(asked)).needs == ()
    assert (await scene.answer(bob, asked)).status is ApprovalStatus.ALLOWED


async def test_a_rule_that_comes_while_an_answer_is_given_holds(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between what the service reads and the script that answers."""
    _, ada = await scene.person("Ada")
    asked = await scene.ask()
    approvals = scene.adapters.approvals
    read, comes = approvals.standing, [TWO]

    async def standing(*about: Any) -> Any:
        found = await read(*about)
        if comes:
            await approvals.set_rules(scene.desk.workspace, [comes.pop()], by="operator")
        return found

    monkeypatch.setattr(type(approvals), "standing", lambda _, *about: standing(*about))
    assert (await scene.answer(ada, asked)).status is ApprovalStatus.PENDING
    assert comes == []


async def test_several_people_allow_what_was_asked_for_and_nothing_else(scene: Scene) -> None:
    (_, ada), (_, bob) = await scene.person("Ada"), await scene.person("Bob")
    await scene.rules(replace(TWO, risk=None))
    asked = await scene.ask()
    await scene.answer(ada, asked)
    changed = await scene.refused(bob, asked, replace(YES, updated_input={"command": "rm -rf /"}))
    assert (changed.code, isinstance(changed, Conflict)) == ("REQUIRES_AS_ASKED", True)
    assert await scene.orders() == []


async def test_a_changed_input_is_measured_by_its_own_risk(scene: Scene) -> None:
    _, ada = await scene.person("Ada")
    await scene.rules(TWO)
    asked = await scene.ask(replace(RM, command="ls", input={"command": "ls"}))
    riskier = await scene.refused(ada, asked, replace(YES, updated_input={"command": "rm -rf /"}))
    assert riskier.code == "REQUIRES_AS_ASKED"
    assert (await scene.answer(ada, asked)).status is ApprovalStatus.ALLOWED


async def test_a_group_that_a_rule_names_stays_what_it_is_called(scene: Scene) -> None:
    with pytest.raises(NotFound) as unknown:
        await scene.services.rules.add(scene.key, replace(OPS, group="nobody"))
    assert unknown.value.code == "GROUP_NOT_FOUND"
    await scene.services.rules.add(scene.key, replace(OPS, group="OPS"))
    assert [each.rule for each in await scene.services.rules.rules(scene.key)] == [OPS]
    for change in (
        scene.services.groups.remove(scene.key, "ops"),
        scene.services.groups.rename(scene.key, "ops", "operations"),
    ):
        with pytest.raises(Conflict) as refused:
            await change
        assert refused.value.code == "GROUP_IN_RULE"
    assert await scene.services.rules.remove(scene.key, OPS)
    await scene.services.groups.remove(scene.key, "ops")


async def test_many_answers_at_once_allow_it_once(scene: Scene) -> None:
    people = [await scene.person(f"P{number}") for number in range(6)]
    await scene.rules(replace(TWO, people=3))
    asked = await scene.ask()
    answers = await asyncio.gather(
        *(scene.answer(token, asked) for _, token in people for _ in range(2)), return_exceptions=True
    )
    assert await scene.orders() == [Verdict.ALLOW]
    assert all(isinstance(each, Approval | Conflict) for each in answers)
    found = await scene.approval(asked)
    assert len({each.member for each in found.assents}) == len(found.assents) == 3


async def test_who_is_erased_is_in_no_yes_any_more(scene: Scene) -> None:
    (ada, ada_token), (_, bob_token) = await scene.person("Ada O, K"), await scene.person("Bob")
    await scene.rules(replace(TWO, risk=None))
    kept, allowed = await scene.ask(), await scene.ask()
    for token, asked in ((ada_token, kept), (ada_token, allowed), (bob_token, allowed)):
        await scene.answer(token, asked)
    await scene.services.members.erase(scene.key, ada.id)
    erased = erased_name(ada.id)
    assert (await scene.approval(allowed)).answered_by == f"{erased}, Bob"
    for asked in (kept, allowed):
        found = await scene.approval(asked)
        assert "Ada" not in str(found.assents)
        assert found.assents[0].by == erased
    assert [each.missing for each in (await scene.approval(kept)).needs] == [2]
