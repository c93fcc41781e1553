"""A message sent while the recipient works: what each mode does on each vendor's real CLI, and the receipts."""

import asyncio
from collections.abc import Callable

import pytest

from broker.domain.messages.messages import Mode
from tests.agents.model_server import ModelServer
from tests.agents.obedience import Obedient, heard
from tests.agents.script import ModelRequest
from tests.agents.stage import Stage
from tests.agents.vendors import each_vendor

pytestmark = [pytest.mark.agents, pytest.mark.timeout(180)]

vendors = pytest.mark.parametrize("cli", ["claude", "codex", "gemini"])


def _hears(text: str) -> Callable[[ModelRequest], bool]:
    return lambda request: heard(request)[-1] == text


@vendors
async def test_a_waiting_message_gets_a_turn_of_its_own_when_the_running_one_has_ended(
    model: ModelServer, stage: Stage, cli: str
) -> None:
    model.script = script = Obedient()
    async with asyncio.timeout(60):
        _, _, relay, log = await stage.desk(cli)
        await relay.spawn("Worker", cli, "hang")
        await model.wait_until_asked(_hears("hang"))

        sent = await relay.send("Worker", "second")
        assert (sent.deliveries[0].state, sent.deliveries[0].because) == ("queued", "agent_busy")
        script.going_on.set()
        await log.answered(sent.message_id)

    first, second = log.of("Worker", "turn.ended")
    assert (first["text"].strip(), second["text"]) == ("Thinking no more.", "Done: second")
    assert [heard(request) for request in model.requests] == [["hang"], ["hang", "second"]]
    assert log.receipts(sent.message_id) == ["queued", "sent", "received", "handed", "in_turn", "answered"]


@pytest.mark.parametrize(("cli", "how"), [("claude", "steer"), ("codex", "steer"), ("gemini", "turn")])
async def test_a_steering_message_joins_the_running_turn_where_the_vendor_can(
    model: ModelServer, stage: Stage, cli: str, how: str
) -> None:
    model.script = Obedient()
    async with asyncio.timeout(60):
        broker, machine, relay, log = await stage.desk(cli)
        await stage.set_rules(broker, [{"effect": "allow"}])
        await relay.spawn("Worker", cli, "run: touch started && while [ ! -e go ]; do sleep 0.1; done")
        await machine.made("started")

        sent = await relay.send("Worker", "second", mode=Mode.STEER)
        if how == "steer":
            await log.receipt(sent.message_id, "handed")
        else:
            assert (sent.deliveries[0].state, sent.deliveries[0].because) == ("queued", "agent_busy")
        (machine.project / "go").touch()
        assert await log.answered(sent.message_id) == "Done: second"
        turns = log.of("Worker", "turn.ended")

    assert len(turns) == (1 if how == "steer" else 2)
    sending = log.matching(lambda e: e.kind == "message.receipt" and e.data["message"] == sent.message_id)
    assert [event.data["how"] for event in sending if event.data["state"] == "sent"] == [how]
    assert sum(_hears("second")(request) for request in model.requests) == 1


@each_vendor()
async def test_an_interrupting_message_stops_the_running_turn_first(model: ModelServer, stage: Stage, cli: str) -> None:
    model.script = Obedient()
    async with asyncio.timeout(60):
        _, _, relay, log = await stage.desk(cli)
        await relay.spawn("Worker", cli, "hang")
        await model.wait_until_asked(_hears("hang"))
        await log.turns_started("Worker", 1)
        waiting = await relay.send("Worker", "third")
        sent = await relay.send("Worker", "second", mode=Mode.INTERRUPT)
        await log.answered(waiting.message_id)

    first, second, third = log.of("Worker", "turn.ended")
    assert [first["outcome"], second["outcome"], third["outcome"]] == ["interrupted", "completed", "completed"]
    assert (second["text"], third["text"]) == ("Done: second", "Done: third")
    assert [heard(request)[-1] for request in model.requests] == ["hang", "second", "third"]
    assert log.receipts(sent.message_id) == ["queued", "sent", "received", "handed", "in_turn", "answered"]
