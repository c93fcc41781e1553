"""What holds for every vendor's real CLI alike, beside the files that go deeper; `vendors.py` says what does not."""

import asyncio
import contextlib
import json

import pytest

from broker.domain.errors import RelayError
from connect.sdk.types import Event
from tests.agents.model_server import ModelServer
from tests.agents.obedience import Obedient, heard
from tests.agents.stage import Stage
from tests.agents.vendors import MODEL, VENDORS, each_vendor

pytestmark = [pytest.mark.agents, pytest.mark.timeout(180)]


@each_vendor()
async def test_a_relay_tool_is_called_and_asks_nobody(model: ModelServer, stage: Stage, cli: str) -> None:
    model.script = Obedient()
    async with asyncio.timeout(60):
        _, _, relay, log = await stage.desk(cli)
        await relay.spawn("Worker", cli, 'call relay_send {"to": "Worker", "text": "note to myself"}')
        happened = await log.until(lambda event: _is_put_to_people(event) or _noted(event))
        assert _noted(happened)
        assert await log.answered(happened.data["id"]) == "Done: note to myself"


def _is_put_to_people(event: Event) -> bool:
    return event.kind == "approval.requested" and event.data["decided_by"] is None


def _noted(event: Event) -> bool:
    return event.kind == "message.accepted" and event.data["text"] == "note to myself"


@each_vendor(MODEL)
async def test_the_model_that_is_asked_for_answers(model: ModelServer, stage: Stage, cli: str) -> None:
    model.script = Obedient()
    async with asyncio.timeout(60):
        _, _, relay, log = await stage.desk(cli)
        await relay.spawn("Worker", cli, "hello", model=VENDORS[cli].model)
        await log.turns_ended("Worker", 1)
    assert model.requests[-1].model == VENDORS[cli].model.rpartition("/")[2]


@each_vendor()
async def test_the_conversation_goes_on_over_three_restarts_of_relay_connect(
    model: ModelServer, stage: Stage, cli: str
) -> None:
    model.script = Obedient()
    async with asyncio.timeout(170):
        _, machine, relay, log = await stage.desk(cli)
        await relay.spawn("Worker", cli, "word 0")
        await log.turns_ended("Worker", 1)
        for number in (1, 2, 3):
            await machine.restart()
            back = await log.until(lambda event: event.kind in {"agent.ready", "agent.failed"}, count=number + 1)
            assert (back.kind, back.data.get("resumed")) == ("agent.ready", True)
            sent = await relay.send("Worker", f"word {number}")
            assert (await log.answered(sent.message_id)).endswith(f"Done: word {number}")
    assert heard(model.requests[-1]) == ["word 0", "word 1", "word 2", "word 3"]


@pytest.mark.parametrize("cli", [cli for cli, vendor in VENDORS.items() if vendor.login])
async def test_a_cli_that_is_not_logged_in_says_so_in_the_log(model: ModelServer, stage: Stage, cli: str) -> None:
    vendor = VENDORS[cli]
    model.script = Obedient()
    stage.log_out(*vendor.login)
    async with asyncio.timeout(90):
        _, _, relay, log = await stage.desk(cli)
        with contextlib.suppress(RelayError):
            await relay.spawn("Worker", cli, "hello")
        await log.until(lambda event: vendor.logged_out in json.dumps(event.data))
    assert not model.requests
