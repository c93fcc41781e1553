"""An old Claude Code that dials the broker itself: the direct endpoint, with the CLI as it was sold."""

import asyncio
import os
import signal

import pytest

from broker.domain.approvals.answers import Verdict
from tests.agents.model_server import ModelServer
from tests.agents.obedience import Obedient, heard
from tests.agents.stage import Stage

pytestmark = [pytest.mark.agents, pytest.mark.timeout(180)]


async def test_an_old_claude_dials_in_works_and_is_released(model: ModelServer, stage: Stage) -> None:
    model.script = Obedient()
    async with asyncio.timeout(45):
        _, machine, relay, log = await stage.desk(claude="claude-2.1.120")
        worker = await relay.spawn("Worker", "claude", "run: touch made.txt")
        asked = await log.asked("Worker")
        await relay.answer(asked.id, Verdict.ALLOW)
        await log.turns_ended("Worker", 1)

        sent = await relay.send("Worker", 'call relay_send {"to": "Worker", "text": "note to myself"}')
        await log.answered(sent.message_id)
        note = await log.until(
            lambda event: event.kind == "message.accepted" and event.data["text"] == "note to myself"
        )
        assert await log.answered(note.data["id"]) == "Done: note to myself"
        released = await relay.release("Worker")
        await stage.no_agent_remains()

    assert (worker.version, worker.transport, released.state) == ("2.1.120", "sdk-url", "released")
    assert (machine.project / "made.txt").exists()
    assert 'You are the agent "Worker"' in model.requests[0].system
    assert len(log.matching(lambda event: event.kind == "approval.requested")) == 1
    assert [event.data["from"]["name"] for event in [note]] == ["Worker"]


async def test_an_old_claude_comes_back_to_a_new_broker_with_its_request_pending(
    model: ModelServer, stage: Stage
) -> None:
    model.script = Obedient()
    async with asyncio.timeout(45):
        broker, machine, relay, log = await stage.desk(claude="claude-2.1.120")
        await relay.spawn("Worker", "claude", "run: touch made.txt")
        asked = await log.asked("Worker")

        await broker.process.kill()
        await stage.up(port=broker.port)
        await log.ready("Worker", count=2)
        await relay.answer(asked.id, Verdict.ALLOW)
        await log.turns_ended("Worker", 1)
        sent = await relay.send("Worker", "still there?")
        assert await log.answered(sent.message_id) == "Done: still there?"

    assert (machine.project / "made.txt").exists()
    assert [heard(request)[-1] for request in model.requests] == ["run: touch made.txt"] * 2 + ["still there?"]
    assert len(log.matching(lambda event: event.kind == "approval.requested")) == 1
    assert not log.of("Worker", "agent.restarting")


async def test_an_old_claude_that_was_killed_goes_on_with_its_conversation(model: ModelServer, stage: Stage) -> None:
    model.script = Obedient()
    async with asyncio.timeout(45):
        _, machine, relay, log = await stage.desk(claude="claude-2.1.120")
        await relay.spawn("Worker", "claude", "remember this")
        await log.turns_ended("Worker", 1)

        os.kill(machine.agent_process("Worker"), signal.SIGKILL)
        await log.ready("Worker", count=2)
        sent = await relay.send("Worker", "what was it?")
        assert await log.answered(sent.message_id) == "Done: what was it?"

    assert heard(model.requests[-1]) == ["remember this", "what was it?"]
