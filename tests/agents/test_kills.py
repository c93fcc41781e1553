"""Processes killed with SIGKILL in mid-turn: the conversation goes on, nothing is lost, nothing runs twice."""

import asyncio

import pytest

from broker.domain.ids import MessageId
from connect.sdk import AgentRelay
from tests.agents.eventlog import EventLog
from tests.agents.model_server import ModelServer
from tests.agents.obedience import heard
from tests.agents.script import Answer, CallTool, Hang, ModelRequest, Say, Vendor
from tests.agents.stage import Broker, Machine, Stage
from tests.agents.vendors import each_vendor

pytestmark = [pytest.mark.agents, pytest.mark.timeout(300)]

vendors = pytest.mark.parametrize("cli", ["claude", "codex", "gemini"])
_RESUMED_S = 150
"""Gemini cannot load a conversation in the clock minute in which it was begun."""


class CutOff:
    """A model that orders one step, hangs when it hears the result, and says so when it is asked again."""

    def __init__(self) -> None:
        self.hung = asyncio.Event()

    def __call__(self, request: ModelRequest) -> Answer:
        if self.hung.is_set():
            return Say(f"Heard: {heard(request)[-1]}")
        if not request.tool_results:
            extra = {"sandbox_permissions": "require_escalated"} if request.vendor is Vendor.OPENAI else {}
            return CallTool("shell", {"command": "echo step >> steps.txt", **extra})
        self.hung.set()
        return Hang(asyncio.Event())


async def _cut_off(
    stage: Stage, model: ModelServer, cli: str
) -> tuple[Broker, Machine, AgentRelay, EventLog, MessageId]:
    """An agent that has done a step of its turn and waits for the model."""
    model.script = script = CutOff()
    broker, machine, relay, log = await stage.desk(cli)
    await stage.set_rules(broker, [{"effect": "allow"}])
    await relay.spawn("Worker", cli, "take a step")
    await script.hung.wait()
    accepted = await log.until(lambda event: event.kind == "message.accepted")
    # What it has been told must have come to the broker: the turn that is cut off is known.
    await log.turns_started("Worker", 1)
    return broker, machine, relay, log, MessageId(accepted.data["id"])


async def _has_gone_on(machine: Machine, log: EventLog, task: MessageId) -> None:
    assert (await log.ready("Worker", count=2))["resumed"] is True
    # Copilot CLI begins with a warning when a tool's result was lost with the process.
    assert "Heard: " in await log.answered(task)
    assert (machine.project / "steps.txt").read_text() == "step\n"


@vendors
async def test_a_turn_goes_on_after_relay_connect_was_killed_and_started_again(
    model: ModelServer, stage: Stage, cli: str
) -> None:
    async with asyncio.timeout(_RESUMED_S):
        _, machine, relay, log, task = await _cut_off(stage, model, cli)
        await machine.crash()
        await stage.no_agent_remains()
        meanwhile = await relay.send("Worker", "and then?")

        await machine.start()
        await _has_gone_on(machine, log, task)
        assert await log.answered(meanwhile.message_id) == "Heard: and then?"

    assert log.receipts(meanwhile.message_id) == ["queued", "sent", "received", "handed", "in_turn", "answered"]
    assert sum(heard(request)[-1] == "and then?" for request in model.requests) == 1


@each_vendor()
async def test_an_agent_that_was_killed_is_started_again_and_goes_on(
    model: ModelServer, stage: Stage, cli: str
) -> None:
    async with asyncio.timeout(_RESUMED_S):
        _, machine, _, log, task = await _cut_off(stage, model, cli)
        stage.kill_agents()
        await _has_gone_on(machine, log, task)

    assert [restart["reason"] for restart in log.of("Worker", "agent.restarting")] == ["exited"]
