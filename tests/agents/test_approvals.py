"""Permission asked by each vendor's real CLI, answered through the broker."""

import asyncio

import pytest

from broker.domain.approvals.answers import Verdict
from tests.agents.model_server import ModelServer
from tests.agents.obedience import Obedient
from tests.agents.stage import Stage
from tests.agents.vendors import each_vendor

pytestmark = [pytest.mark.agents, pytest.mark.timeout(180)]

vendors = pytest.mark.parametrize("cli", ["claude", "codex", "gemini"])


@each_vendor()
async def test_an_allowed_command_runs_and_a_denied_one_does_not_and_the_model_is_told_why(
    model: ModelServer, stage: Stage, cli: str
) -> None:
    model.script = Obedient()
    async with asyncio.timeout(60):
        _, machine, relay, log = await stage.desk(cli)
        await relay.spawn("Worker", cli, "run: touch allowed.txt")

        asked = await log.asked("Worker")
        assert "touch allowed.txt" in (asked.command or "")
        assert not (machine.project / "allowed.txt").exists()
        await relay.answer(asked.id, Verdict.ALLOW)
        await log.turns_ended("Worker", 1)
        assert (machine.project / "allowed.txt").exists()

        await relay.send("Worker", "run: touch denied.txt")
        asked = await log.asked("Worker", count=2)
        await relay.answer(asked.id, Verdict.DENY, note="not on a Sunday")
        await log.turns_ended("Worker", 2)
        assert not (machine.project / "denied.txt").exists()

        await relay.send("Worker", "why?")
        await log.turns_ended("Worker", 3)
        await relay.release("Worker")
        await stage.no_agent_remains()

    assert "not on a Sunday" in model.requests[-1].everything
    assert len(model.turns_started_by("denied.txt")) == 1


@each_vendor()
async def test_a_request_is_withdrawn_when_the_turn_is_interrupted(model: ModelServer, stage: Stage, cli: str) -> None:
    model.script = Obedient()
    async with asyncio.timeout(60):
        _, machine, relay, log = await stage.desk(cli)
        await relay.spawn("Worker", cli, "run: touch never.txt")

        asked = await log.asked("Worker")
        await relay.interrupt("Worker")
        assert (await log.resolved(asked.id))["status"] == "withdrawn"
        (ended,) = await log.turns_ended("Worker", 1)
        assert await relay.approvals() == []

        sent = await relay.send("Worker", "still there?")
        assert await log.answered(sent.message_id) == "Done: still there?"

    assert ended["outcome"] == "interrupted"
    assert not (machine.project / "never.txt").exists()


@vendors
async def test_a_rule_answers_without_a_person(model: ModelServer, stage: Stage, cli: str) -> None:
    model.script = Obedient()
    async with asyncio.timeout(60):
        broker, machine, relay, log = await stage.desk(cli)
        rules = [{"effect": "allow", "command": "touch by-rule-*"}, {"effect": "deny", "command": "rm *"}]
        await stage.set_rules(broker, rules)
        await relay.spawn("Worker", cli, "run: touch by-rule-1.txt")
        await log.turns_ended("Worker", 1)
        assert (machine.project / "by-rule-1.txt").exists()

        await relay.send("Worker", "run: rm by-rule-1.txt")
        await log.turns_ended("Worker", 2)

    assert (machine.project / "by-rule-1.txt").exists()
    decided = log.matching(lambda event: event.kind == "approval.resolved")
    assert [(event.data["status"], event.data["by"]) for event in decided] == [
        ("allowed", "rule allow * touch by-rule-*"),
        ("denied", "rule deny * rm *"),
    ]
