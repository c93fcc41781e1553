"""Log lines join a message's whole way: from the request that brought it to the agent's answer."""

import logging
from collections.abc import Iterator
from typing import Any

import orjson
import pytest

from broker.protocol.proxy import Deliver
from broker.services.logs.shipping import Shipper
from broker.services.ports import LogStore
from broker.telemetry.logs import STEPS_LOG, JsonFormatter
from tests.fixtures.gateway import Gateway
from tests.fixtures.samples import sample


class _Lines(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(JsonFormatter())
        self.said: list[dict[str, Any]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append(orjson.loads(self.format(record)))


@pytest.fixture
def lines() -> Iterator[list[dict[str, Any]]]:
    logger, handler = logging.getLogger(STEPS_LOG), _Lines()
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    yield handler.said
    logger.setLevel(before)
    logger.removeHandler(handler)


async def test_request_message_session_link_and_answer_are_joined_by_ids(
    logged: Gateway, store: LogStore, lines: list[dict[str, Any]]
) -> None:
    await logged.adapters.backlog.begin(logged.workspace)
    async with logged.machine() as machine:
        await logged.ok("POST", "/v1/sessions/main/agents", {"name": "Bob", "cli": "demo"})
        sent = await logged.call(
            "POST", "/v1/sessions/main/messages", {"to": "Bob", "text": "hi"}, **{"X-Request-Id": "req-0123456789"}
        )
        assert sent.headers["x-request-id"] == "req-0123456789"
        message = sent.json()["data"]["message_id"]
        await machine.until(lambda: isinstance(machine.commands[-1], Deliver) and machine.acked >= machine.sent)
        link, session = machine.welcome.proxy_id, machine.welcome.session
    adapters = logged.adapters
    await Shipper(adapters.tail, adapters.backlog, store, adapters.registry).ship([logged.workspace])
    about = [line for line in lines if line.get("message") == message]
    accepted = next(line for line in about if "accepted" in line["text"])
    assert (accepted["request"], accepted["session"]) == ("req-0123456789", session)
    assert next(line for line in about if "goes out" in line["text"])["link"] == link
    steps = [line["state"] for line in about if line.get("session") == session and "state" in line]
    # That it was received is told by an acknowledgement, which the agent may be quicker than.
    assert [step for step in steps if step != "received"] == ["queued", "sent", "in_turn", "answered"]
    assert all(line["after_ms"] >= 0 for line in about if "state" in line)


async def test_no_step_is_logged_unless_that_is_asked_for(gateway: Gateway, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, logger=STEPS_LOG):
        async with gateway.machine():
            await gateway.ok("POST", "/v1/sessions/main/agents", {"name": "Bob", "cli": "demo"})
            await gateway.ok("POST", "/v1/sessions/main/messages", {"to": "Bob", "text": "hi"})
    assert [record for record in caplog.records if record.name.startswith(STEPS_LOG)] == []


@pytest.mark.parametrize("given", ["short", "has spaces in it", "x" * 65, "héhéhéhéhé"])
async def test_a_request_id_that_cannot_be_one_is_replaced(gateway: Gateway, given: str) -> None:
    answer = await gateway.client.get(f"{gateway.url}/healthz", headers={b"x-request-id": given.encode()})
    assert answer.headers["x-request-id"] != given
    assert len(answer.headers["x-request-id"]) == 16


async def test_a_connection_that_comes_again_is_counted_apart_from_a_new_one(gateway: Gateway) -> None:
    def counted(how: str) -> float:
        return sample("relaycast_connects_total", kind="proxy", how=how)

    new, again = counted("new"), counted("again")
    async with gateway.machine():
        pass
    assert (counted("new"), counted("again")) == (new + 1, again)
    async with gateway.machine():
        pass
    assert (counted("new"), counted("again")) == (new + 1, again + 1)
