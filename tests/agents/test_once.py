"""A message that is sent or delivered again runs once, on each vendor's real CLI."""

import asyncio

import httpx
import pytest

from tests.agents.model_server import ModelServer
from tests.agents.obedience import Obedient, heard
from tests.agents.stage import SESSION, Stage

pytestmark = [pytest.mark.agents, pytest.mark.timeout(180)]

vendors = pytest.mark.parametrize("cli", ["claude", "codex", "gemini"])


@vendors
async def test_a_message_sent_twice_under_one_key_and_delivered_again_by_a_new_broker_runs_once(
    model: ModelServer, stage: Stage, cli: str
) -> None:
    model.script = script = Obedient()
    async with asyncio.timeout(90):
        broker, machine, relay, log = await stage.desk(cli)
        await relay.spawn("Worker", cli, "hang")
        await model.wait_until_asked(lambda request: heard(request)[-1] == "hang")
        await log.turns_started("Worker", 1)

        headers = {"Authorization": f"Bearer {broker.key_file.read_text().strip()}", "Idempotency-Key": "the same"}
        async with httpx.AsyncClient(base_url=broker.url, headers=headers, trust_env=False) as http:
            answers = [
                await http.post(f"/v1/sessions/{SESSION}/messages", json={"to": "Worker", "text": "once"})
                for _ in range(2)
            ]
        ids = {answer.json()["data"]["message_id"] for answer in answers}

        # The broker dies with the link open, the message waiting and a turn running; the machine finds the next one.
        notices = len(machine.process.frames)
        await broker.process.kill()
        await stage.up(port=broker.port)
        await machine.connected_again(notices)
        script.going_on.set()
        (message,) = ids
        assert await log.answered(message) == "Done: once"

    assert [heard(request)[-1] for request in model.requests] == ["hang", "once"]
    assert log.receipts(message) == ["queued", "sent", "received", "handed", "in_turn", "answered"]
    assert not log.of("Worker", "agent.restarting")
