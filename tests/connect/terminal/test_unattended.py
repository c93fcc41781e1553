"""Tasks and commands without a person."""

from __future__ import annotations

import asyncio
import io
import json
from typing import Any

import pytest

from connect.sdk import AgentRelay
from connect.terminal.actions import LeadAgent
from connect.terminal.json_lines import JsonLines
from connect.terminal.output.view import View
from connect.terminal.plain_lines import PlainLines
from connect.terminal.unattended import Terms, Unattended
from connect.terminal.verbosity import Verbosity
from tests.connect.api_double import SESSION, ApiDouble, granted, refusal

ONE_SHOT: dict[str, Any] = {"task": "Build it", "waits_for_people": False}
APPROVAL = {"id": "f" * 28 + "eecf", "agent": "Lead", "tool": "Bash", "command": "rm -rf build"}


async def run(
    relay: AgentRelay, *, typed: str = "", verbosity: Verbosity = Verbosity.NORMAL, as_json: bool = False, **terms: Any
) -> int:
    view = View(verbosity)
    output = JsonLines(view) if as_json else PlainLines(verbosity)
    lead = LeadAgent(cli="codex")
    unattended = Unattended(relay, view, lead=lead, output=output, terms=Terms(**terms))
    async with asyncio.timeout(10):
        return await unattended.run(io.StringIO(typed))


async def until(broker: ApiDouble, kind: str) -> None:
    async with asyncio.timeout(10), broker._grown:
        await broker._grown.wait_for(lambda: any(event["kind"] == kind for event in broker.events))


async def test_a_task_gives_its_answer_on_standard_output_and_its_work_beside_it(
    relay: AgentRelay, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await run(relay, **ONE_SHOT) == 0
    output, work = capsys.readouterr()
    assert output == "Lead is done\n"
    assert "✓ Auto-spawning Lead (Codex)..." in work
    assert "Lead has it" in work


async def test_a_quiet_task_gives_its_answer_alone(relay: AgentRelay, capsys: pytest.CaptureFixture[str]) -> None:
    assert await run(relay, verbosity=Verbosity.QUIET, **ONE_SHOT) == 0
    assert capsys.readouterr() == ("Lead is done\n", "")


async def test_a_task_as_json_ends_with_its_result(relay: AgentRelay, capsys: pytest.CaptureFixture[str]) -> None:
    assert await run(relay, as_json=True, **ONE_SHOT) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    results = [{"agent": "Lead", "text": "Lead is done"}]
    assert lines[-1] == {"kind": "result", "ending": "answered", "status": 0, "results": results}


async def test_piped_text_that_begins_with_no_command_is_one_task(relay: AgentRelay, broker: ApiDouble) -> None:
    assert await run(relay, typed="\nRead this:\n\n  spawn point\n", waits_for_people=False) == 0
    [task] = [body["task"] for method, path, body in broker.calls if method == "POST" and path.endswith("/agents")]
    assert task == "Read this:\n\n  spawn point"


async def test_piped_commands_are_carried_out_one_after_the_other(
    relay: AgentRelay, broker: ApiDouble, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await run(relay, typed="spawn Worker codex\nsend Worker hello\nagents\n", waits_for_people=False) == 0
    assert [body["text"] for _, path, body in broker.calls if path.endswith("/messages") and body] == ["hello"]
    assert any(line.startswith("Worker  Codex") for line in capsys.readouterr().out.splitlines())


@pytest.mark.parametrize("outcome", ["failed", "interrupted"])
async def test_a_turn_that_did_not_come_to_its_end_is_the_status(
    relay: AgentRelay, broker: ApiDouble, outcome: str
) -> None:
    broker.outcome = outcome
    assert await run(relay, **ONE_SHOT) == 1


async def test_a_lead_that_cannot_be_started_is_the_status_and_said(
    relay: AgentRelay, broker: ApiDouble, capsys: pytest.CaptureFixture[str]
) -> None:
    await relay.session()
    first = [granted({name: []}) for name in ("proxies", "agents", "channels", "approvals")]
    broker.broken_answers = [*first, refusal(409, "NO_PROXY", "no machine is connected")]
    assert await run(relay, **ONE_SHOT) == 1
    assert "✗ no machine is connected" in capsys.readouterr().err


async def test_what_only_a_person_can_answer_is_said_and_ends_it(
    relay: AgentRelay, broker: ApiDouble, capsys: pytest.CaptureFixture[str]
) -> None:
    broker.answers_messages = False
    running = asyncio.create_task(run(relay, **ONE_SHOT))
    await until(broker, "message.accepted")
    await broker.append("approval.requested", APPROVAL, name="Lead")
    assert await running == 75
    output, work = capsys.readouterr()
    assert output == ""
    assert "$ rm -rf build" in work
    assert f"Lead asks for permission, and nobody is here: a person can do so at {broker.url}/session/{SESSION}" in work


async def test_it_waits_for_a_person_where_it_is_told_to(relay: AgentRelay, broker: ApiDouble) -> None:
    broker.answers_messages = False
    running = asyncio.create_task(run(relay, **(ONE_SHOT | {"waits_for_people": True})))
    await until(broker, "message.accepted")
    await broker.append("approval.requested", APPROVAL, name="Lead")
    await broker.append("approval.resolved", {"id": APPROVAL["id"], "status": "allowed", "by": "ann"}, name="Lead")
    [message] = broker.traces
    broker.answers_messages = True
    await broker._deliver(message, "Lead")
    assert await running == 0


async def test_a_message_that_waits_for_somebody_to_resume_its_agent_ends_it(
    relay: AgentRelay, broker: ApiDouble, capsys: pytest.CaptureFixture[str]
) -> None:
    broker.answers_messages = False
    running = asyncio.create_task(run(relay, **ONE_SHOT))
    await until(broker, "message.accepted")
    [message] = broker.traces
    await broker.append("message.receipt", {"message": message, "state": "queued", "because": "stopped"}, name="Lead")
    assert await running == 75
    assert "Lead: stopped, somebody has to resume it" in capsys.readouterr().err


async def test_an_interrupt_stops_who_works_for_it_and_is_the_status(
    relay: AgentRelay, broker: ApiDouble, capsys: pytest.CaptureFixture[str]
) -> None:
    broker.answers_messages = False
    interrupt = asyncio.Event()
    running = asyncio.create_task(run(relay, interrupt=interrupt, **ONE_SHOT))
    await until(broker, "message.accepted")
    [message] = broker.traces
    await broker.append("turn.started", {"turn": "t1", "message": message}, name="Lead")
    await broker.append("message.receipt", {"message": message, "state": "in_turn"}, name="Lead")
    while "Lead has it" not in (seen := capsys.readouterr().err):
        await asyncio.sleep(0.01)
    del seen
    interrupt.set()
    assert await running == 130
    assert ("POST", f"/v1/sessions/{SESSION}/agents/Lead/interrupt", None) in broker.calls
    assert "interrupting Lead" in capsys.readouterr().err


async def test_a_program_that_answers_by_itself_is_waited_for(relay: AgentRelay, broker: ApiDouble) -> None:
    broker.answers_messages = False
    broker.approvals = {APPROVAL["id"]: {**APPROVAL, "status": "pending"}}
    await relay.session()
    assert await run(relay, typed="send Lead hello\napprove\nexit\n", as_json=True) == 1  # nobody is called Lead
    assert broker.approvals == {}
