"""What a person allows for as long as an agent lives ends with the person's right to allow it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from uuid import uuid4

import pytest

from broker.adapters.redis import keys
from broker.domain.agents.agents import Agent
from broker.domain.approvals.answers import ApprovalAnswer, ApprovalStatus, Scope, Verdict
from broker.domain.ids import TokenId
from broker.domain.people.access import Maker, MemberRole, Principal
from broker.domain.people.members import Member
from broker.domain.people.token_kinds import TokenKind
from broker.protocol.agents.events import ApprovalRequested
from broker.services.approvals.desk import ApprovalDesk
from broker.services.people.members import Members
from broker.services.ports import DecidedApproval
from broker.services.redaction import Redaction
from tests.fixtures.accounts import accounts_of
from tests.fixtures.desk import Desk, a_person

LS = ApprovalRequested(native_id="1", tool="Bash", title="list", command="ls", input={"command": "ls"})
LASTING = ApprovalAnswer(verdict=Verdict.ALLOW, scope=Scope.SESSION)


def approvals_of(desk: Desk) -> ApprovalDesk:
    return ApprovalDesk(desk.adapters.approvals, Redaction(desk.adapters.redaction_rules))


def people_of(desk: Desk) -> Members:
    return Members(desk.adapters.members, desk.adapters.tokens, accounts_of(desk.adapters))


async def a_member(desk: Desk, name: str = "Bob", role: MemberRole = MemberRole.MEMBER) -> Member:
    return await people_of(desk).add(desk.person(), name=name, role=role)


def signed_in(desk: Desk, member: Member) -> Principal:
    return a_person(
        desk.workspace,
        kind=TokenKind.MEMBER,
        token_id=TokenId("sign-in"),
        name=member.name,
        member=member.id,
        role=member.role,
    )


async def a_key(desk: Desk, made_by: Maker) -> Principal:
    """A key of the workspace that is in its list."""
    key = a_person(desk.workspace, token_id=TokenId(uuid4().hex), name="script", made_by=made_by)
    await desk.adapters.tokens.add(key, sha256=uuid4().hex * 2)
    return key


async def decided(desk: Desk, agent: Agent, *, native: str, event: ApprovalRequested = LS) -> DecidedApproval:
    """What becomes of a request, before the store is told."""
    event = replace(event, native_id=native)
    return await approvals_of(desk).decide(desk.workspace, agent.id, generation=agent.generation, event=event)


async def allowed_for_good(desk: Desk, agent: Agent, by: Principal, event: ApprovalRequested = LS) -> None:
    asked = await decided(desk, agent, native="first", event=event)
    await desk.report(asked)
    await approvals_of(desk).answer(by, asked.id, LASTING)
    again = await decided(desk, agent, native="again", event=event)
    assert again.decided is not None


async def waits(desk: Desk, agent: Agent) -> bool:
    return (await decided(desk, agent, native="later")).decided is None


async def removed(desk: Desk, member: Member) -> None:
    await people_of(desk).remove(desk.person(), member.id)


async def demoted(desk: Desk, member: Member) -> None:
    await people_of(desk).set_role(desk.person(), member.id, MemberRole.VIEWER)


async def demoted_for_a_while(desk: Desk, member: Member) -> None:
    """Nobody asked meanwhile."""
    await demoted(desk, member)
    await people_of(desk).set_role(desk.person(), member.id, MemberRole.ADMIN)


Loss = Callable[[Desk, Member], Awaitable[None]]


@pytest.mark.parametrize("lose", [removed, demoted, demoted_for_a_while])
async def test_what_a_member_allowed_ends_with_the_members_right(desk: Desk, lose: Loss) -> None:
    agent, member = await desk.idle("Worker"), await a_member(desk)
    await allowed_for_good(desk, agent, signed_in(desk, member))
    await lose(desk, member)
    assert await waits(desk, agent)


@pytest.mark.parametrize("role", [MemberRole.ADMIN, MemberRole.OWNER])
async def test_what_a_member_allowed_stays_while_the_member_may_still_allow_it(desk: Desk, role: MemberRole) -> None:
    agent, member = await desk.idle("Worker"), await a_member(desk)
    await allowed_for_good(desk, agent, signed_in(desk, member))
    await people_of(desk).set_role(desk.person(), member.id, role)
    await people_of(desk).remove(desk.person(), (await a_member(desk, "Eve")).id)
    assert not await waits(desk, agent)


async def test_what_was_allowed_with_a_key_ends_with_the_key(desk: Desk) -> None:
    agent, key = await desk.idle("Worker"), await a_key(desk, Maker())
    await allowed_for_good(desk, agent, key)
    await desk.adapters.tokens.revoke(desk.workspace, key.token_id, owns=True)
    assert await waits(desk, agent)


@pytest.mark.parametrize("lose", [removed, demoted])
async def test_what_was_allowed_with_a_key_ends_with_whoever_made_it(desk: Desk, lose: Loss) -> None:
    agent = await desk.idle("Worker")
    await a_member(desk, "Ada", MemberRole.OWNER)
    member = await a_member(desk, role=MemberRole.OWNER)
    await allowed_for_good(desk, agent, await a_key(desk, Maker(member=member.id)))
    await lose(desk, member)
    assert await waits(desk, agent)


async def test_an_answer_that_overtakes_its_authors_removal_holds_once(desk: Desk) -> None:
    agent, member = await desk.idle("Worker"), await a_member(desk)
    asked = await decided(desk, agent, native="1")
    await desk.report(asked)
    await demoted(desk, member)
    await approvals_of(desk).answer(signed_in(desk, member), asked.id, LASTING)  # it was authenticated before
    await people_of(desk).set_role(desk.person(), member.id, MemberRole.MEMBER)
    assert await waits(desk, agent)


async def test_a_decision_that_overtakes_the_loss_of_the_right_waits_for_a_person(desk: Desk) -> None:
    agent, member = await desk.idle("Worker"), await a_member(desk)
    secret = "ghp_" + "a1B2c3D4e5F6" * 3
    event = replace(LS, command=f"curl -H {secret}", input={"command": f"curl -H {secret}"})
    await allowed_for_good(desk, agent, signed_in(desk, member), event)
    overtaken = await decided(desk, agent, native="2", event=event)
    await removed(desk, member)
    await desk.report(overtaken)
    kept = await desk.adapters.approvals.approval(desk.workspace, overtaken.id)
    assert (kept.status, kept.masked) == (ApprovalStatus.PENDING, True)
    assert kept.risk is not None
    waiting = await desk.adapters.approvals.pending(desk.workspace, agent.id)
    assert waiting["2"] == event.input  # whoever says yes lets run what was asked


async def test_what_an_earlier_version_kept_without_saying_whose_right_it_was_counts_no_more(desk: Desk) -> None:
    agent = await desk.idle("Worker")
    await allowed_for_good(desk, agent, desk.person())
    kept = keys.key(desk.workspace, "granted", agent.id)
    for likeness in await desk.adapters.redis.hgetall(kept):
        await desk.adapters.redis.hset(kept, likeness, "Ada")
    assert await waits(desk, agent)
    assert await desk.adapters.redis.hgetall(kept) == {}
