"""From the previous version's wheel to this version and back, under traffic, with two gateways behind haproxy."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from broker.adapters.embedded import embedded_redis
from connect.sdk.relay import AgentRelay
from tests.deploy.front import Place, proxy
from tests.deploy.test_proxies import log_of, ready
from tests.fixtures.ports import reserved_port
from tests.fixtures.previous import VERSION, previous_code
from tests.fixtures.processes import Running, command, machine, refused

_PATIENCE_S = 240
_PAUSE_S = 0.05
"""Of the traffic, which is to leave processes room to start."""


class Installation:
    """Two gateways and a worker on one Redis, each of the version it is told to be."""

    def __init__(self, place: Place, redis: str, stack: contextlib.AsyncExitStack) -> None:
        self._place = place
        self._redis = redis
        self._stack = stack
        self._gateways: dict[int, Running] = {}
        self._worker: Running | None = None

    async def become(self, code: Path | None) -> None:
        """As `deploy/README.md` says: the worker, then the gateways one by one, each ready before the next ends."""
        if self._worker is not None:
            assert await self._worker.stop() == 0
        worker = command("broker.cli", ["worker", "--redis", self._redis, "--json"], folder=self._folder, code=code)
        self._worker = await self._stack.enter_async_context(worker)
        for port in self._place.gateways:
            if port in self._gateways:
                assert await self._gateways[port].stop() == 0
            self._gateways[port] = await self._stack.enter_async_context(self._gateway(port, code))
            await ready(f"http://127.0.0.1:{port}")

    @property
    def versions(self) -> set[str]:
        return {running.ready["version"] for running in self._gateways.values()}

    @property
    def _folder(self) -> Path:
        return self._place.folder

    def _gateway(self, port: int, code: Path | None) -> contextlib.AbstractAsyncContextManager[Running]:
        url = f"http://127.0.0.1:{self._place.port}"
        given = ["--redis", self._redis, "--port", str(port), "--data-dir", str(self._folder / f"gateway-{port}")]
        return command("broker.cli", ["gateway", "--public-url", url, *given, "--json"], folder=self._folder, code=code)


class Person:
    """Signed in by the link of the previous version, in a browser that is never closed."""

    def __init__(self, url: str) -> None:
        self._http = httpx.AsyncClient(base_url=url, headers={"Origin": url}, timeout=30)

    async def sign_in(self, link: str) -> None:
        code = urlsplit(link).fragment.rpartition("=")[2]
        (await self._http.post("/v1/sign-in", json={"code": code})).raise_for_status()
        await self.is_signed_in()

    async def is_signed_in(self) -> None:
        answer = await self._http.get("/v1/members")
        assert answer.status_code == 200, answer.text

    async def aclose(self) -> None:
        await self._http.aclose()


async def say(relay: AgentRelay, ids: list[str]) -> None:
    """One message, until it is answered."""
    text = f"number {len(ids)}"
    sent = await relay.send("Worker", f"say {text}")
    ids.append(sent.message_id)
    trace = await relay.wait_for(sent.message_id)
    assert trace.deliveries[0].answer == text, trace


async def say_until(relay: AgentRelay, over: asyncio.Event, ids: list[str]) -> None:
    """One message after the other, each answered before the next, until it is over."""
    while not over.is_set():
        await say(relay, ids)
        await asyncio.sleep(_PAUSE_S)


@contextlib.asynccontextmanager
async def traffic(relay: AgentRelay, ids: list[str]) -> AsyncIterator[None]:
    over = asyncio.Event()
    before = len(ids)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(say_until(relay, over, ids))
        yield
        over.set()
    assert len(ids) > before


async def keys_of_previous(folder: Path, redis: str) -> tuple[Path, str]:
    """The workspace's key and a sign-in link, as its `up` makes both at the first start."""
    given = ["up", "--redis", redis, "--data-dir", str(folder / "keys"), "--port", "0", "--json"]
    async with command("broker.cli", given, folder=folder, code=previous_code()) as running:
        return Path(running.ready["token_file"]), running.ready["dashboard"]


@pytest.mark.timeout(400)
async def test_an_installation_is_upgraded_and_rolled_back_under_traffic(tmp_path: Path) -> None:
    async with contextlib.AsyncExitStack() as stack, asyncio.timeout(_PATIENCE_S):
        ports = [stack.enter_context(reserved_port()) for _ in range(3)]
        place = Place(port=ports[0], gateways=(ports[1], ports[2]), path="", folder=tmp_path)
        url = f"http://127.0.0.1:{place.port}"
        redis = await stack.enter_async_context(embedded_redis(tmp_path / "redis"))
        token, link = await keys_of_previous(tmp_path, redis)
        installation = Installation(place, redis, stack)
        await installation.become(previous_code())
        assert installation.versions == {VERSION}
        await stack.enter_async_context(proxy("haproxy", place))
        await ready(url)
        await stack.enter_async_context(machine(tmp_path, url, token, code=previous_code()))
        relay = await stack.enter_async_context(AgentRelay(url, token.read_text().strip()))
        await relay.spawn("Worker", "demo")
        person = Person(url)
        stack.push_async_callback(person.aclose)
        await person.sign_in(link)

        ids: list[str] = []
        async with traffic(relay, ids):
            status, said = await asyncio.to_thread(
                refused, tmp_path, "migrate", "--redis", redis, "--data-dir", str(tmp_path / "keys")
            )
            assert status == 0, said
            await installation.become(None)
        assert VERSION not in installation.versions
        await person.is_signed_in()
        async with traffic(relay, ids):
            await installation.become(previous_code())
        assert installation.versions == {VERSION}
        await person.is_signed_in()
        await say(relay, ids)

        events = await log_of(relay, ids[-1])
        assert [event.offset for event in events] == list(range(1, len(events) + 1))
        turns = Counter(event.data["turn"] for event in events if event.kind == "turn.ended")
        assert len(turns) == len(ids) == len(set(ids))
        assert set(turns.values()) == {1}
