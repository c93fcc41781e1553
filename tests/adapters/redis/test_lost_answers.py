"""A command whose answer is lost is sent again, and does nothing a second time."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from broker.adapters.redis.requests import RedisRequests
from broker.adapters.redis.scripts import Scripts
from broker.app import Adapters, build_adapters
from broker.domain.approvals.answers import ApprovalStatus
from broker.domain.errors import Conflict, NotFound
from broker.domain.ids import LinkId, MemberId, ProxyId, SessionId, TokenId, WorkspaceId
from broker.domain.people.access import MemberRole
from broker.domain.people.members import Member, PendingSignIn
from broker.domain.plans.plans import Plan
from broker.services.requests import Requests
from tests.fixtures.desk import Desk, a_person
from tests.fixtures.redis_servers import AnswerLoser, data_server, losing_answers

WORKSPACE = WorkspaceId("w1")


@pytest.fixture
async def loser(tmp_path: Path) -> AsyncIterator[AnswerLoser]:
    async with data_server(tmp_path / "store") as store, losing_answers(store) as made:
        yield made


async def desk_on(adapters: Adapters) -> Desk:
    return await Desk(adapters=adapters, workspace=WORKSPACE, plan=Plan.TEAM, link=LinkId("link-1")).open()


@pytest.fixture
async def flaky(loser: AnswerLoser) -> AsyncIterator[Adapters]:
    """Adapters whose answers are lost."""
    made = build_adapters(loser.url)
    yield made
    await made.redis.aclose()


async def test_a_sign_in_code_is_good_although_the_answer_to_its_use_was_lost(
    loser: AnswerLoser, flaky: Adapters
) -> None:
    pending = PendingSignIn(workspace=WORKSPACE, member=MemberId("m1"), generation=1)
    await flaky.sign_in_codes.keep("hash", pending, expires_at_ms=2**42)
    loser.lose_answer("taken by ")
    assert await flaky.sign_in_codes.take("hash") == pending
    assert loser.lost == 1
    assert await flaky.sign_in_codes.take("hash") is None


async def test_of_several_who_use_a_code_at_once_one_succeeds(adapters: Adapters) -> None:
    pending, code = PendingSignIn(workspace=WORKSPACE, member=MemberId("m1"), generation=1), uuid4().hex
    await adapters.sign_in_codes.keep(code, pending, expires_at_ms=2**42)
    taken = await asyncio.gather(*(adapters.sign_in_codes.take(code) for _ in range(8)))
    assert [each for each in taken if each] == [pending]


async def test_a_failed_sign_in_counts_once(loser: AnswerLoser, flaky: Adapters) -> None:
    loser.lose_answer("SADD")
    await flaky.sign_in_codes.count_failure("address", window_s=60)
    assert (loser.lost, await flaky.sign_in_codes.failures("address")) == (1, 1)


async def test_a_request_is_not_held_up_by_its_own_entry(loser: AnswerLoser, flaky: Adapters) -> None:
    requests = Requests(RedisRequests(flaky.redis, Scripts(flaky.redis)))
    times = 0

    async def act() -> str:
        nonlocal times
        times += 1
        return "done"

    loser.lose_answer("attempt")
    first = await requests.once(a_person(WORKSPACE), "key", about=(), act=act)
    again = await requests.once(a_person(WORKSPACE), "key", about=(), act=act)
    assert (first.repeated, again.repeated, times, loser.lost) == (False, True, 1, 1)


async def test_a_repeated_interrupt_leaves_the_next_turn_alone(loser: AnswerLoser, flaky: Adapters) -> None:
    desk = await desk_on(flaky)
    agent = await desk.idle("Worker")
    await desk.send("Worker")
    await flaky.mailroom.interrupt(WORKSPACE, agent.id, by="warm-up")
    loser.lose_answer("operator")
    assert await flaky.mailroom.interrupt(WORKSPACE, agent.id, by="operator")
    assert loser.lost == 1
    assert len(await desk.events("agent.interrupted")) == 2


async def test_who_answers_an_approval_is_not_told_that_somebody_did(loser: AnswerLoser, flaky: Adapters) -> None:
    desk = await desk_on(flaky)
    agent = await desk.idle("Worker")
    earlier, approval = await desk.ask(agent, "1"), await desk.ask(agent, "2")
    allowed: dict[str, Any] = {"status": ApprovalStatus.ALLOWED, "note": "", "answer": b"{}"}
    await flaky.approvals.answer(WORKSPACE, earlier, by="warm-up", **allowed)  # from now on the script is known
    loser.lose_answer("first-one")
    await flaky.approvals.answer(WORKSPACE, approval, by="first-one", **allowed)
    assert loser.lost == 1
    with pytest.raises(Conflict):
        await flaky.approvals.answer(WORKSPACE, approval, by="second", **allowed)


async def test_who_removes_a_member_is_not_told_that_it_is_gone(loser: AnswerLoser, flaky: Adapters) -> None:
    await flaky.members.add(WORKSPACE, member("m1", MemberRole.OWNER), by=None, plan=Plan.TEAM)
    await flaky.members.add(WORKSPACE, member("m2", MemberRole.MEMBER), by=None, plan=Plan.TEAM)
    await flaky.members.add(WORKSPACE, member("m3", MemberRole.MEMBER), by=None, plan=Plan.TEAM)
    await flaky.members.remove(WORKSPACE, MemberId("m3"), by=None)  # from now on the script is known
    loser.lose_answer("m2")
    await flaky.members.remove(WORKSPACE, MemberId("m2"), by=None)
    assert loser.lost == 1
    with pytest.raises(NotFound):
        await flaky.members.remove(WORKSPACE, MemberId("m2"), by=None)


async def test_who_removes_a_session_is_not_told_that_it_is_gone(loser: AnswerLoser, flaky: Adapters) -> None:
    for name in ("warm-up", "old"):
        await flaky.registry.create_session(WORKSPACE, SessionId(name), name=name, epoch="e")
    await flaky.retention.remove_session(WORKSPACE, SessionId("warm-up"))  # from now on the script is known
    loser.lose_answer("old")
    await flaky.retention.remove_session(WORKSPACE, SessionId("old"))
    assert loser.lost == 1
    with pytest.raises(NotFound):
        await flaky.retention.remove_session(WORKSPACE, SessionId("old"))


async def test_who_forgets_a_machine_is_not_told_that_it_is_gone(loser: AnswerLoser, flaky: Adapters) -> None:
    warm_up, proxy = await linked(flaky, "warm-up"), await linked(flaky, "old-laptop")
    await flaky.registry.forget_proxy(WORKSPACE, warm_up)  # from now on the script is known
    loser.lose_answer("old-laptop")
    await flaky.registry.forget_proxy(WORKSPACE, proxy)
    assert loser.lost == 1
    with pytest.raises(NotFound):
        await flaky.registry.forget_proxy(WORKSPACE, proxy)


async def test_what_signs_in_after_a_members_sign_ins_ended_is_not_ended_with_them(
    loser: AnswerLoser, flaky: Adapters
) -> None:
    for name in ("m1", "m2"):
        await flaky.members.add(WORKSPACE, member(name, MemberRole.OWNER), by=None, plan=Plan.TEAM)
    await flaky.members.end_sign_ins(WORKSPACE, MemberId("m1"))  # from now on the script is known
    loser.lose_answer("m2")
    await flaky.members.end_sign_ins(WORKSPACE, MemberId("m2"))
    assert loser.lost == 1
    found = await flaky.members.member(WORKSPACE, MemberId("m2"))
    assert found is not None
    assert found.generation == 2


async def linked(adapters: Adapters, machine: str) -> ProxyId:
    new_id = ProxyId(uuid4().hex)
    return await adapters.registry.link_machine(
        WORKSPACE, machine, new_id=new_id, token=TokenId("workspace"), take=True
    )


def member(id_: str, role: MemberRole) -> Member:
    return Member(id=MemberId(id_), name=id_, role=role, generation=1, created_at_ms=0)
