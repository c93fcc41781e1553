"""One message's whole way stands in the logs of all processes that it passes, and is found there by its id."""

import asyncio
import contextlib
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from broker.adapters.embedded import embedded_redis
from tests.e2e.test_cluster import workspace_key
from tests.e2e.test_log_store_away import server
from tests.fixtures.ports import reserved_port
from tests.fixtures.processes import command, machine

_REQUEST = "req-0123456789"
_ID = re.compile(r"\b(\w+)=(\S+)")


def of_broker(log: Path) -> list[dict[str, Any]]:
    """The lines of a process that logs JSON."""
    return [orjson.loads(line) for line in log.read_bytes().splitlines()]


def of_machine(log: Path) -> list[dict[str, Any]]:
    """Those of relay-connect: text, and the ids behind it."""
    return [{"text": line, **dict(_ID.findall(line))} for line in log.read_text().splitlines()]


async def until(read: Callable[[], list[dict[str, Any]]], message: str, *, last: str) -> list[dict[str, Any]]:
    """A message's lines in one log, once the last of them is there."""
    async with asyncio.timeout(30):
        while True:
            lines = [line for line in read() if line.get("message") == message]
            if any(last in line["text"] for line in lines):
                return lines
            await asyncio.sleep(0.05)


@pytest.mark.timeout(120)
async def test_a_messages_id_finds_its_way_through_gateways_worker_and_relay_connect(tmp_path: Path) -> None:
    logs = {name: tmp_path / f"{name}.log" for name in ("sender", "linker", "worker", "machine")}
    async with contextlib.AsyncExitStack() as stack:
        port = stack.enter_context(reserved_port())
        await stack.enter_async_context(server(tmp_path, port))
        redis_url = await stack.enter_async_context(embedded_redis(tmp_path / "redis"))
        key = await stack.enter_async_context(workspace_key(redis_url, tmp_path))
        stores = ["--redis", redis_url, "--clickhouse", f"http://127.0.0.1:{port}"]
        common = [*stores, "--json", "--log-format", "json", "--log-steps"]
        sender, linker = [
            await stack.enter_async_context(
                command(
                    "broker.cli",
                    ["gateway", "--port", "0", "--data-dir", str(tmp_path / name), *common],
                    folder=tmp_path,
                    log=logs[name],
                )
            )
            for name in ("sender", "linker")
        ]
        await stack.enter_async_context(command("broker.cli", ["worker", *common], folder=tmp_path, log=logs["worker"]))
        await stack.enter_async_context(machine(tmp_path, linker.url, key, "--log-steps", log=logs["machine"]))
        headers = {"Authorization": f"Bearer {key.read_text()}"}
        http = await stack.enter_async_context(httpx.AsyncClient(base_url=sender.url, headers=headers, timeout=60))
        made = await http.post("/v1/sessions/main/agents", json={"name": "Worker", "cli": "demo"})
        agent, session = made.json()["data"]["id"], (await http.get("/v1/sessions/main")).json()["data"]["id"]
        [link] = [each["id"] for each in (await http.get("/v1/proxies")).json()["data"]["proxies"]]
        sent = await http.post(
            "/v1/sessions/main/messages", json={"to": "Worker", "text": "say hi"}, headers={"X-Request-Id": _REQUEST}
        )
        message = sent.json()["data"]["message_id"]

        [accepted] = await until(lambda: of_broker(logs["sender"]), message, last="accepted")
        assert (accepted["request"], accepted["session"]) == (_REQUEST, session)
        [carried] = await until(lambda: of_broker(logs["linker"]), message, last="goes out")
        assert (carried["link"], carried["agent"]) == (link, agent)
        come, *on_machine = await until(lambda: of_machine(logs["machine"]), message, last="turn is over")
        assert (come["link"], come["agent"], int(come["seq"])) == (link, agent, carried["seq"])
        shipped = await until(lambda: of_broker(logs["worker"]), message, last="answered")

    assert {line["text"].partition("steps: ")[2].partition(" agent=")[0] for line in on_machine} == {
        "message is handed to the process",
        "message is in turn",
        "turn is over",
    }
    assert {line["agent"] for line in (*on_machine, *shipped)} == {agent}
    assert {line["state"] for line in shipped} == {"queued", "sent", "received", "handed", "in_turn", "answered"}
    assert {line["session"] for line in shipped} == {session}
    # And every line of the request: what else it did has the same name.
    named = [line for line in of_broker(logs["sender"]) if line.get("request") == _REQUEST]
    assert [line["message"] for line in named] == [message]
