"""What is masked before it is stored: in every kind of report and message, and only there."""

import pytest
from prometheus_client import REGISTRY, generate_latest

from broker.adapters.redis import keys
from broker.domain.approvals.answers import ApprovalAnswer, ApprovalStatus, Verdict
from broker.domain.errors import BadRequest, NotPermitted
from broker.domain.ids import ApprovalId
from broker.domain.logs.redaction import Redactor
from broker.domain.logs.redaction.rules import secret_forms
from broker.protocol.agents.events import ApprovalRequested, TurnEnded, TurnOutcome
from broker.protocol.proxy import Deliver, Exited, FrameRecorded, StateChanged
from broker.services.approvals.desk import ApprovalDesk
from broker.services.ports import DecidedApproval
from broker.services.redaction import Redaction
from tests.fixtures.desk import Desk, a_person

SECRET = "sk-ant-" + "abcDEF0123456789" * 2
MARK = "[redacted:anthropic-key]"


async def everything_kept(desk: Desk) -> str:
    """All that readers of the session can be shown."""
    page = await desk.adapters.log.read(desk.workspace, desk.session.id, after=None, limit=1000)
    return "\n".join(page.events)


async def test_no_report_brings_a_secret_into_the_log(desk: Desk) -> None:
    agent = await desk.idle("Worker")
    await desk.report(
        FrameRecorded(
            agent=agent.id,
            generation=1,
            direction="out",
            frame_type="assistant",
            events=[{"type": "text", "text": f"the key is {SECRET}"}],
            raw={"content": [f"the key is {SECRET}"]},
        ),
        StateChanged(
            agent=agent.id,
            generation=1,
            event=TurnEnded(turn_id="t", outcome=TurnOutcome.FAILED, text=SECRET, reason=f"bad {SECRET}"),
        ),
        Exited(agent=agent.id, generation=1, code=1, expected=False, reason="exited", detail=f"stderr: {SECRET}"),
    )
    kept = await everything_kept(desk)
    assert SECRET not in kept
    assert kept.count(MARK) == 5


async def test_a_message_is_delivered_whole_and_logged_masked(desk: Desk) -> None:
    await desk.idle("Worker")
    message, _ = await desk.send("Worker", f"use {SECRET}")
    (order,) = [command for command in await desk.commands() if isinstance(command, Deliver)]
    assert SECRET in order.text
    assert SECRET not in await everything_kept(desk)
    assert MARK in str((await desk.trace(message)).message)


async def test_people_see_a_masked_approval_and_the_agent_gets_its_own_input_back(desk: Desk) -> None:
    agent = await desk.idle("Worker")
    asked = ApprovalRequested(native_id="1", tool="Bash", title="run", input={"command": f"login {SECRET}"})
    wanted = ApprovalId("a" * 32)
    await desk.report(
        DecidedApproval(agent=agent.id, generation=1, id=wanted, event=asked, deadline_s=60, decided=None)
    )
    shown = await desk.adapters.approvals.approval(desk.workspace, wanted)
    assert shown.input == {"command": f"login {MARK}"}
    assert shown.masked
    assert SECRET not in await everything_kept(desk)
    assert await desk.adapters.approvals.pending(desk.workspace, agent.id) == {"1": asked.input}


async def test_an_approval_without_secrets_is_not_said_to_be_masked(desk: Desk) -> None:
    agent = await desk.idle("Worker")
    asked = ApprovalRequested(native_id="1", tool="Edit", title="edit", input={"new": "password = getPass1(x)"})
    wanted = ApprovalId("a" * 32)
    await desk.report(
        DecidedApproval(agent=agent.id, generation=1, id=wanted, event=asked, deadline_s=60, decided=None)
    )
    shown = await desk.adapters.approvals.approval(desk.workspace, wanted)
    assert (shown.input, shown.masked) == (asked.input, False)


async def test_what_was_kept_for_the_agent_ends_with_the_answer(desk: Desk) -> None:
    agent = await desk.idle("Worker")
    asked = ApprovalRequested(native_id="1", tool="Bash", title="run", input={"command": f"login {SECRET}"})
    for number, settle in enumerate(("answer", "end")):
        wanted = ApprovalId(str(number) * 32)
        await desk.report(
            DecidedApproval(agent=agent.id, generation=1, id=wanted, event=asked, deadline_s=60, decided=None)
        )
        if settle == "answer":
            await desk.adapters.approvals.answer(
                desk.workspace,
                wanted,
                status=ApprovalStatus.DENIED,
                by="me",
                note="",
                answer=b"{}",
            )
        else:
            await desk.exited(agent, expected=True)
        row = await desk.adapters.redis.hgetall(keys.key(desk.workspace, "approval", wanted))
        assert row["status"] in {"denied", "withdrawn"}
        assert SECRET not in str(row)


async def test_a_note_on_an_answer_is_masked(desk: Desk) -> None:
    await desk.ask(await desk.idle("Worker"))
    (approval,) = await desk.adapters.approvals.approvals(desk.workspace, desk.session.id, status=None)
    answers = ApprovalDesk(desk.adapters.approvals, Redaction(desk.adapters.redaction_rules))

    answered = await answers.answer(
        desk.person(), approval.id, ApprovalAnswer(verdict=Verdict.DENY, note=f"not with {SECRET}")
    )
    assert answered.note == f"not with {MARK}"


async def test_a_workspaces_own_rule_masks_what_is_reported_from_then_on(desk: Desk) -> None:
    now = 0.0
    redaction = Redaction(desk.adapters.redaction_rules, clock=lambda: now)
    other = Redaction(desk.adapters.redaction_rules, clock=lambda: now)
    text = "ticket ACME-12345678"
    assert (await other.redactor(desk.workspace)).text(text).hits == 0
    await redaction.set_rules(desk.person(), [("acme-ticket", r"ACME-\d{8}")])
    assert (await redaction.redactor(desk.workspace)).text(text).text == "ticket [redacted:acme-ticket]"
    assert (await other.redactor(desk.workspace)).text(text).hits == 0
    now = 60.0
    assert (await other.redactor(desk.workspace)).text(text).hits == 1
    assert await other.rules(desk.person()) == [("acme-ticket", r"ACME-\d{8}")]


async def test_rules_are_checked_and_are_the_administrators(desk: Desk) -> None:
    redaction = Redaction(desk.adapters.redaction_rules)
    with pytest.raises(BadRequest):
        await redaction.set_rules(desk.person(), [("slow", "(a+)+b")])
    agent = await desk.idle("Worker")
    with pytest.raises(NotPermitted):
        await redaction.rules(desk.acting_as(agent))
    assert await redaction.rules(a_person(desk.workspace)) == []


async def test_a_stored_rule_that_is_refused_now_does_not_hold_up_reports(desk: Desk) -> None:
    await desk.adapters.redaction_rules.set_redaction_rules(
        desk.workspace, [("jwt", "abcd"), ("mine", "MINE-[0-9]{4}")]
    )
    redactor = await Redaction(desk.adapters.redaction_rules).redactor(desk.workspace)
    assert redactor.text("abcd MINE-1234").text == "abcd [redacted:mine]"


async def test_masked_secrets_are_counted_by_rule(desk: Desk) -> None:
    def counted() -> float:
        return REGISTRY.get_sample_value("relaycast_redactions_total", {"rule": "anthropic-key"}) or 0.0

    before = counted()
    redactor = await Redaction(desk.adapters.redaction_rules).redactor(desk.workspace)
    redactor.json_text(f'{{"a":"{SECRET}","b":["{SECRET}"]}}')
    assert counted() == before + 2


def test_a_redactor_tells_what_it_masks() -> None:
    told: list[tuple[str, int]] = []
    Redactor(secret_forms([("mine", "MINE-[0-9]{4}")]), told=lambda name, hits: told.append((name, hits))).json(
        {"password": "hunter22", "text": "MINE-1234 and MINE-5678"}
    )
    assert sorted(told) == [("field", 1), ("mine", 2)]


async def test_the_names_of_a_workspaces_own_rules_are_not_in_the_metrics(desk: Desk) -> None:
    redaction = Redaction(desk.adapters.redaction_rules)
    await redaction.set_rules(desk.person(), [("project-nightfall", r"NF-\d{8}")])
    masked = (await redaction.redactor(desk.workspace)).text("NF-12345678 and ghp_" + "a" * 36)
    assert "[redacted:project-nightfall]" in masked.text
    shown = generate_latest().decode()
    assert 'relaycast_redactions_total{rule="own"}' in shown
    assert "nightfall" not in shown
