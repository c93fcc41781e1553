"""Two gateways behind each proxy: one after the other is replaced under traffic, and nothing is lost or doubled."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from broker.adapters.embedded import embedded_redis
from connect.sdk.relay import AgentRelay
from connect.sdk.types import Event
from tests.deploy.front import Place, proxy
from tests.fixtures.ports import reserved_port
from tests.fixtures.processes import Running, command, machine, refused

_MESSAGES = 24
_PATIENCE_S = 90


@contextlib.asynccontextmanager
async def gateway(place: Place, redis: str, port: int) -> AsyncIterator[Running]:
    arguments = ["--redis", redis, "--port", str(port), "--data-dir", str(place.folder / f"gateway-{port}"), "--json"]
    url = f"http://127.0.0.1:{place.port}{place.path}"
    named = ["gateway", "--public-url", url, "--trusted-proxy", "127.0.0.1", *arguments]
    async with command("broker.cli", named, folder=place.folder) as running:
        yield running


async def ready(url: str) -> None:
    async with asyncio.timeout(_PATIENCE_S), httpx.AsyncClient() as client:
        while True:
            with contextlib.suppress(httpx.TransportError):
                if (await client.get(f"{url}/readyz")).status_code == 200:
                    return
            await asyncio.sleep(0.1)


async def said(relay: AgentRelay, count: int) -> list[str]:
    """Send that many messages one after the other and wait for the answer to each; the ids."""
    ids: list[str] = []
    for number in range(count):
        sent = await relay.send("Worker", f"say number {number}")
        ids.append(sent.message_id)
        traced = await relay.wait_for(sent.message_id)
        assert traced.deliveries[0].answer == f"number {number}", traced
    return ids


async def replaced(place: Place, redis: str, stack: contextlib.AsyncExitStack, gateways: list[Running]) -> None:
    """Each gateway in turn, as a rolling upgrade does: it drains and ends, its successor is ready, then the next."""
    for number, port in enumerate(place.gateways):
        assert await gateways[number].stop() == 0
        gateways[number] = await stack.enter_async_context(gateway(place, redis, port))
        await ready(gateways[number].url.replace(str(place.port), str(port)))


async def log_of(relay: AgentRelay, last: str) -> list[Event]:
    """The session's log up to the answer to a message."""
    events = []
    async with asyncio.timeout(_PATIENCE_S), contextlib.aclosing(relay.events("0")) as feed:
        async for event in feed:
            assert isinstance(event, Event)
            events.append(event)
            if (event.kind, event.data.get("message"), event.data.get("state")) == (
                "message.receipt",
                last,
                "answered",
            ):
                return events
    raise AssertionError


@pytest.mark.parametrize(
    ("name", "path"),
    [("haproxy", ""), ("haproxy", "/relay"), ("nginx", "/relay"), ("caddy", "/relay")],
)
@pytest.mark.timeout(300)
async def test_gateways_are_replaced_under_traffic(name: str, path: str, tmp_path: Path) -> None:
    async with contextlib.AsyncExitStack() as stack:
        ports = [stack.enter_context(reserved_port()) for _ in range(3)]
        place = Place(port=ports[0], gateways=(ports[1], ports[2]), path=path, folder=tmp_path)
        redis = await stack.enter_async_context(embedded_redis(tmp_path / "redis"))
        keys = tmp_path / "keys"
        assert refused(tmp_path, "migrate", "--redis", redis, "--data-dir", str(keys))[0] == 0
        gateways = [await stack.enter_async_context(gateway(place, redis, port)) for port in place.gateways]
        await stack.enter_async_context(proxy(name, place))
        url = f"http://127.0.0.1:{place.port}{path}"
        await ready(url)
        await stack.enter_async_context(command("broker.cli", ["worker", "--redis", redis, "--json"], folder=tmp_path))
        await stack.enter_async_context(machine(tmp_path, url, keys / "workspace.key"))
        relay = await stack.enter_async_context(AgentRelay(url, (keys / "workspace.key").read_text().strip()))
        await relay.spawn("Worker", "demo")

        async with asyncio.timeout(_PATIENCE_S * 2), asyncio.TaskGroup() as tasks:
            sending = tasks.create_task(said(relay, _MESSAGES))
            tasks.create_task(replaced(place, redis, stack, gateways))
        ids = sending.result() + await said(relay, 2)

        events = await log_of(relay, ids[-1])
        assert [event.offset for event in events] == list(range(1, len(events) + 1))
        answered = Counter(event.data["turn"] for event in events if event.kind == "turn.ended")
        assert len(ids) == len(set(ids)) == len(answered) == _MESSAGES + 2
        assert set(answered.values()) == {1}
        async with httpx.AsyncClient() as client:
            assert (await client.get(f"{url}/metrics")).status_code == 404
            page = await client.get(f"{url}/healthz", headers={"X-Request-Id": "of-the-client"})
            assert page.headers["x-request-id"] != "of-the-client"
