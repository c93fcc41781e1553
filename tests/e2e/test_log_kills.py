"""The broker killed again and again under load: afterwards every acknowledged event is in the log once, in order.

`RELAYCAST_KILLS=50 pytest tests/e2e/test_log_kills.py` is the long form; the suite kills three times.
"""

import asyncio
import os
import random
import time
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from broker.adapters.clickhouse.client import embedded_clickhouse
from broker.domain.ids import WorkspaceId
from tests.fixtures.log_store import open_log_store, whole_log
from tests.fixtures.processes import Running, key_of, machine, up

KILLS = int(os.environ.get("RELAYCAST_KILLS", "3"))
SENDERS = 4
_LINKED_LIVES = 0.5
"""The share of brokers that die while the agents' reports stream in; the others die early."""


class _Load:
    """Clients that send without a pause; each remembers which messages were acknowledged."""

    def __init__(self, url: str, key: str) -> None:
        self._http = httpx.AsyncClient(base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=5)
        self.acknowledged: list[str] = []
        self.stopping = False
        self.flowing = asyncio.Event()
        self.flowing.set()

    async def run(self, name: str) -> None:
        number = 0
        while not self.stopping:
            await self.flowing.wait()
            number += 1
            await self._send_until_acknowledged({"to": name, "text": f"say {name}-{number}"}, f"{name}-{number}")

    async def _send_until_acknowledged(self, body: dict[str, str], key: str) -> None:
        while True:
            try:
                answer = await self._http.post(
                    "/v1/sessions/main/messages", json=body, headers={"Idempotency-Key": key}
                )
            except httpx.HTTPError:
                await asyncio.sleep(0.05)
                continue
            if answer.status_code == 200:
                self.acknowledged.append(answer.json()["data"]["message_id"])
                return
            assert answer.status_code in {429, 503}, answer.text
            await asyncio.sleep(0.05)

    async def close(self) -> None:
        await self._http.aclose()


@pytest.mark.timeout(240 + 35 * KILLS)
async def test_every_acknowledged_event_is_kept_once_and_in_order(tmp_path: Path) -> None:
    async with up(tmp_path) as first:
        port, token_file = first.url.rpartition(":")[2], Path(first.ready["token_file"])
        async with machine(tmp_path, first.url, token_file):
            load = _Load(first.url, key_of(first))
            names = [f"Agent{n}" for n in range(SENDERS)]
            for name in names:
                await _spawn(first, name)
            sending = [asyncio.create_task(load.run(name)) for name in names]
            await _killed_again_and_again(tmp_path, first, load)
            async with up(tmp_path, "--port", port) as last:
                load.stopping = True
                await asyncio.gather(*sending)
                await _all_answered(last, load.acknowledged)
                events = await _whole_log(last)
                await _all_searchable(last)
                assert await last.stop() == 0
            await load.close()
    _check(events, load.acknowledged)
    await _check_store(tmp_path, events)


async def _spawn(broker: Running, name: str) -> None:
    async with httpx.AsyncClient(headers=_headers(broker)) as http:
        answer = await http.post(
            f"{broker.url}/v1/sessions/main/agents", json={"name": name, "cli": "demo"}, timeout=60
        )
    assert answer.status_code == 200, answer.text


async def _killed_again_and_again(folder: Path, first: Running, load: _Load) -> None:
    port = first.url.rpartition(":")[2]
    dice = random.Random(20261122)
    await asyncio.sleep(dice.uniform(0.2, 1.5))
    await first.kill()
    for _ in range(KILLS - 1):
        started_ms = time.time() * 1000
        async with up(folder, "--port", port) as again:
            if dice.random() < _LINKED_LIVES:
                load.flowing.clear()
                await _linked(again, since_ms=started_ms)
                load.flowing.set()
            await asyncio.sleep(dice.uniform(0.0, 1.5))
            await again.kill()


async def _linked(broker: Running, *, since_ms: float) -> None:
    """The machine pauses up to 15 s between its tries, in which too much would pile up."""
    async with asyncio.timeout(60), httpx.AsyncClient(headers=_headers(broker)) as http:
        while True:
            answer = await http.get(f"{broker.url}/v1/proxies")
            if any(proxy["online"] and proxy["since_ms"] >= since_ms for proxy in answer.json()["data"]["proxies"]):
                return
            await asyncio.sleep(0.1)


async def _all_answered(broker: Running, messages: list[str]) -> None:
    """The machine was away for much of the time, and what waited for its agents is worked off now."""
    async with asyncio.timeout(120 + 5 * KILLS), httpx.AsyncClient(headers=_headers(broker)) as http:
        for message in messages:
            while True:
                trace = (await http.get(f"{broker.url}/v1/sessions/main/messages/{message}")).json()["data"]
                if trace["deliveries"][0]["state"] == "answered":
                    break
                assert trace["deliveries"][0]["state"] != "undeliverable", trace
                await asyncio.sleep(0.05)


async def _whole_log(broker: Running) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = []
    after = "0"
    async with httpx.AsyncClient(headers=_headers(broker)) as http:
        while True:
            query: dict[str, str | int] = {"after": after, "limit": 1000}
            page = (await http.get(f"{broker.url}/v1/sessions/main/events", params=query)).json()["data"]
            assert not page["reset"]
            events += page["events"]
            after = page["next"]
            if page["next"] == page["head"]:
                return events


async def _all_searchable(broker: Running) -> None:
    async with asyncio.timeout(60), httpx.AsyncClient(headers=_headers(broker)) as http:
        while True:
            session = (await http.get(f"{broker.url}/v1/sessions/main")).json()["data"]
            if session["searchable"] == session["offset"]:
                return
            await asyncio.sleep(0.1)


def _check(events: list[dict[str, Any]], acknowledged: list[str]) -> None:
    offsets = [event["offset"] for event in events]
    assert offsets == sorted(set(offsets))
    assert len({event["epoch"] for event in events}) == 1
    accepted = Counter(event["data"]["id"] for event in events if event["kind"] == "message.accepted")
    assert {message: accepted[message] for message in acknowledged} == dict.fromkeys(acknowledged, 1)
    texts = {event["data"]["id"]: event["data"]["text"] for event in events if event["kind"] == "message.accepted"}
    wanted = [texts[message].removeprefix("say ") for message in acknowledged]
    said = _said(events)
    assert {text: said[text] for text in wanted} == dict.fromkeys(wanted, 1)


def _said(events: list[dict[str, Any]]) -> Counter[str]:
    """How often agents said what."""
    contents = [content for event in events if event["kind"] == "agent.frame" for content in event["data"]["events"]]
    return Counter(content["text"] for content in contents if content["type"] == "text")


async def _check_store(folder: Path, events: list[dict[str, Any]]) -> None:
    kept = {event["offset"]: event for event in events if not event["data"].get("transient")}
    async with embedded_clickhouse(folder / "broker" / "clickhouse") as clickhouse:
        store = await open_log_store(clickhouse)
        (extent,) = await store.extents(WorkspaceId("local"))
        rows = await whole_log(store, WorkspaceId("local"), extent.session, extent.epoch)
    stored = [row.offset for row in rows]
    assert stored == sorted(set(stored))
    assert [offset for offset in kept if offset not in set(stored)] == []
    assert all(orjson.loads(row.body)["kind"] == row.event for row in rows)


def _headers(broker: Running) -> dict[str, str]:
    return {"Authorization": f"Bearer {key_of(broker)}"}
