"""Parked permission requests: one answer, wherever it comes from."""

import asyncio

import orjson
import pytest

from broker.adapters.redis import keys
from broker.domain.agents.agents import AgentState
from broker.domain.agents.sessions import Session
from broker.domain.approvals.answers import ApprovalAnswer, ApprovalStatus, Verdict
from broker.domain.approvals.approvals import parse_approval_place
from broker.domain.approvals.effects import Effect
from broker.domain.approvals.rules import Rule
from broker.domain.errors import BadRequest, Conflict, NotFound
from broker.domain.ids import ApprovalId
from broker.domain.people.access import Principal
from broker.protocol.agents.events import ApprovalWithdrawn
from broker.protocol.proxy import Answer
from broker.services.approvals.desk import ApprovalDesk
from broker.services.redaction import Redaction
from tests.fixtures.desk import Desk, a_person

ALLOW = orjson.dumps(ApprovalAnswer(verdict=Verdict.ALLOW))


async def answer(desk: Desk, approval: ApprovalId, *, by: str = "ada") -> None:
    await desk.adapters.approvals.answer(
        desk.workspace, approval, status=ApprovalStatus.ALLOWED, by=by, note="", answer=ALLOW
    )


async def status(desk: Desk, approval: ApprovalId) -> ApprovalStatus:
    return (await desk.adapters.approvals.approval(desk.workspace, approval)).status


async def test_a_request_waits_and_its_answer_goes_to_the_agent(desk: Desk) -> None:
    agent = await desk.idle("Worker")
    approval = await desk.ask(agent, "7")
    assert (await desk.agent(agent.id)).waiting_approvals == 1
    await answer(desk, approval)
    order = (await desk.commands())[-1]
    assert isinstance(order, Answer)
    assert (order.native_id, order.answer.verdict) == ("7", Verdict.ALLOW)
    assert (await desk.agent(agent.id)).waiting_approvals == 0
    found = await desk.adapters.approvals.approval(desk.workspace, approval)
    assert (found.status, found.answered_by) == (ApprovalStatus.ALLOWED, "ada")


async def test_the_first_of_many_answers_wins(desk: Desk) -> None:
    approval = await desk.ask(await desk.idle("Worker"))
    results = await asyncio.gather(*(answer(desk, approval, by=f"p{i}") for i in range(10)), return_exceptions=True)
    refused = [result for result in results if isinstance(result, Conflict)]
    assert len(refused) == 9
    assert {error.code for error in refused} == {"APPROVAL_ALREADY_ANSWERED"}
    assert len([c for c in await desk.commands() if isinstance(c, Answer)]) == 1
    assert len(await desk.events("approval.resolved")) == 1


async def test_a_request_asked_again_by_a_reconnected_agent_is_the_same(desk: Desk) -> None:
    agent = await desk.idle("Worker")
    await desk.ask(agent, "7")
    await desk.ask(agent, "7")
    assert len(await desk.events("approval.requested")) == 1


async def test_a_withdrawn_request_can_no_longer_be_answered(desk: Desk) -> None:
    agent = await desk.idle("Worker")
    approval = await desk.ask(agent, "7")
    await desk.state(agent, ApprovalWithdrawn(native_id="7"))
    assert await status(desk, approval) is ApprovalStatus.WITHDRAWN
    with pytest.raises(Conflict):
        await answer(desk, approval)


@pytest.mark.parametrize("end", ["restart", "release"])
async def test_requests_disappear_with_the_process_that_asked(desk: Desk, end: str) -> None:
    agent = await desk.idle("Worker")
    approval = await desk.ask(agent)
    if end == "release":
        await desk.adapters.mailroom.release(desk.workspace, agent.id, by="operator")
    await desk.exited(agent)
    assert await status(desk, approval) is ApprovalStatus.WITHDRAWN


async def test_a_rules_answer_comes_in_the_same_step(desk: Desk) -> None:
    agent = await desk.idle("Worker")
    approval = await desk.ask(agent, decided=(ApprovalStatus.ALLOWED, "rule allow Bash", ALLOW))
    assert await status(desk, approval) is ApprovalStatus.ALLOWED
    assert isinstance((await desk.commands())[-1], Answer)
    assert (await desk.agent(agent.id)).waiting_approvals == 0


async def test_an_expired_request_is_denied_and_an_early_deadline_is_not(desk: Desk) -> None:
    agent = await desk.idle("Worker")
    service = ApprovalDesk(desk.adapters.approvals, Redaction(desk.adapters.redaction_rules))
    early, late = await desk.ask(agent, "1"), await desk.ask(agent, "2", deadline_s=0)
    await service.expire(desk.workspace, early)
    await service.expire(desk.workspace, late)
    assert await status(desk, early) is ApprovalStatus.PENDING
    assert await status(desk, late) is ApprovalStatus.EXPIRED
    order = (await desk.commands())[-1]
    assert isinstance(order, Answer)
    assert order.answer.verdict is Verdict.DENY


async def test_a_deadline_of_a_request_that_is_no_longer_kept_is_no_error(desk: Desk) -> None:
    await ApprovalDesk(desk.adapters.approvals, Redaction(desk.adapters.redaction_rules)).expire(
        desk.workspace, ApprovalId("0" * 32)
    )


async def test_requests_survive_a_reconnect_of_the_proxy(desk: Desk) -> None:
    agent = await desk.idle("Worker")
    approval = await desk.ask(agent)
    await desk.attach()
    await answer(desk, approval)
    assert isinstance((await desk.commands())[-1], Answer)
    assert await desk.state_of(agent) is AgentState.IDLE


@pytest.mark.parametrize("name", ["nothing", "x:y", ""])
async def test_an_unknown_request_is_not_found(desk: Desk, name: str) -> None:
    with pytest.raises(NotFound):
        await desk.adapters.approvals.approval(desk.workspace, ApprovalId(name))
    with pytest.raises(NotFound):
        await answer(desk, ApprovalId(name))


async def test_rules_are_kept_in_order(desk: Desk) -> None:
    rules = [Rule(effect=Effect.ALLOW, tool="Bash", command="git *"), Rule(effect=Effect.DENY, path="/etc/*")]
    await desk.adapters.approvals.set_rules(desk.workspace, rules, by="operator")
    assert await desk.adapters.approvals.rules(desk.workspace) == rules


async def test_a_sessions_requests_are_listed_newest_first(desk: Desk) -> None:
    agent = await desk.idle("Worker")
    asked = [await desk.ask(agent, str(number)) for number in range(3)]
    await answer(desk, asked[1])
    pending = await desk.adapters.approvals.approvals(desk.workspace, desk.session.id, status=ApprovalStatus.PENDING)
    assert {a.id for a in pending} == {asked[0], asked[2]}


async def waiting(desk: Desk) -> list[ApprovalId]:
    page = await desk.adapters.approvals.waiting(desk.workspace, session=None, limit=100, after=None)
    assert page.total == len(page.approvals)
    return [approval.id for approval in page.approvals]


@pytest.mark.parametrize("how", ["answer", "withdraw", "deadline", "restart", "release", "relay-connect ends"])
async def test_a_request_waits_until_it_is_resolved_in_whatever_way(desk: Desk, how: str) -> None:
    agent = await desk.idle("Worker")
    approval, other = await desk.ask(agent, "1", deadline_s=0), await desk.ask(await desk.idle("Other"), "1")
    assert sorted(await waiting(desk)) == sorted([approval, other])
    match how:
        case "answer":
            await answer(desk, approval)
        case "withdraw":
            await desk.state(agent, ApprovalWithdrawn(native_id="1"))
        case "deadline":
            service = ApprovalDesk(desk.adapters.approvals, Redaction(desk.adapters.redaction_rules))
            await service.expire(desk.workspace, approval)
        case "relay-connect ends":
            await desk.exited(agent, reason="PROXY_STOPPED")
        case "release":
            await desk.adapters.mailroom.release(desk.workspace, agent.id, by="operator")
            await desk.exited(agent)
        case _:
            await desk.exited(agent)
    assert await waiting(desk) == [other]


async def test_what_a_rule_answers_never_waits(desk: Desk) -> None:
    await desk.ask(await desk.idle("Worker"), decided=(ApprovalStatus.ALLOWED, "rule allow Bash", ALLOW))
    assert await waiting(desk) == []


async def test_a_request_that_is_no_longer_kept_waits_until_its_deadline_at_most(desk: Desk) -> None:
    approval = await desk.ask(await desk.idle("Worker"))
    await desk.adapters.redis.delete(keys.key(desk.workspace, "approval", approval))
    assert (await desk.adapters.approvals.waiting(desk.workspace, session=None, limit=9, after=None)).approvals == []
    await ApprovalDesk(desk.adapters.approvals, Redaction(desk.adapters.redaction_rules)).expire(
        desk.workspace, approval
    )
    assert await waiting(desk) == []


async def test_pages_of_what_waits_are_stable_while_it_is_answered(desk: Desk) -> None:
    agent = await desk.idle("Worker")
    asked = [await desk.ask(agent, str(number)) for number in range(7)]
    whole = await waiting(desk)
    assert sorted(whole) == sorted(asked)
    first = await desk.adapters.approvals.waiting(desk.workspace, session=None, limit=3, after=None)
    assert [a.id for a in first.approvals] == whole[:3]
    assert first.next is not None
    assert parse_approval_place(str(first.next)) == first.next
    for approval in whole[1:4]:
        await answer(desk, approval)
    rest = await desk.adapters.approvals.waiting(desk.workspace, session=None, limit=3, after=first.next)
    assert ([a.id for a in rest.approvals], rest.next, rest.total) == (whole[4:], None, 4)


async def test_a_caller_sees_what_waits_in_its_own_session_only(desk: Desk) -> None:
    agent = await desk.idle("Worker")
    approval = await desk.ask(agent)
    service = ApprovalDesk(desk.adapters.approvals, Redaction(desk.adapters.redaction_rules))
    elsewhere = desk.session
    desk.session = await desk.adapters.registry.create_session(
        desk.workspace, desk.new_session_id(), name="other", epoch="e"
    )
    other = await desk.ask(await desk.idle("Worker"))

    async def seen(principal: Principal, session: Session | None = None) -> set[ApprovalId]:
        page = await service.waiting(principal, session=session)
        assert page.total == len(page.approvals)
        return {each.id for each in page.approvals}

    assert await seen(desk.person()) == {approval, other}
    assert await seen(desk.person(), elsewhere) == {approval}
    assert await seen(a_person(desk.workspace, session=desk.session.id)) == {other}
    pending = await service.of_session(desk.person(), elsewhere, status=ApprovalStatus.PENDING)
    assert [each.id for each in pending] == [approval]


@pytest.mark.parametrize("text", ["", "1", "~x", "1~", "1~x:y", "x~y"])
async def test_a_place_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(BadRequest):
        parse_approval_place(text)
