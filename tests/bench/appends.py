"""Appends to a session's log through the whole gateway, beside raw pipelined appends."""

from __future__ import annotations

import asyncio
import time

import orjson

from tests.bench.figures import Section
from tests.bench.latency import answered
from tests.bench.link_client import linked_agent
from tests.bench.raw_redis import appends_per_second
from tests.bench.stage import Broker, discard_output, running_relay_connect

_BATCH = 100
_FRAME_BYTES = 1000
_SHORT = 300
"""A streamed fragment, as vendors send them."""

_EXPLAINED = (
    f"Frames of {_FRAME_BYTES} bytes in batches of {_BATCH}: a link's reports over its WebSocket → gateway → log → "
    "acknowledged. Raw: the same body by one client on the same server in pipelines of the same size, as XADD and "
    "PUBLISH, and as a script that numbers, appends and publishes. The last row is a real agent that prints fragments "
    f"of {_SHORT} bytes, through a real relay-connect with its spool on disk."
)


async def measure_appends(broker: Broker, *, count: int) -> Section:
    body = orjson.dumps({"text": "x" * (_FRAME_BYTES - 11)})
    commands, script = await asyncio.to_thread(appends_per_second, broker, count=count, body=body)
    link = await _link_rate(broker, body, count=count)
    agent = await _agent_rate(broker, count=count)
    return Section(
        title="Appends to a session's log",
        explained=_EXPLAINED,
        head=("what", "appends / s", "of the raw script"),
        rows=[
            ("raw XADD + PUBLISH", commands, commands / script),
            ("raw script", script, 1.0),
            ("link → gateway → log", link, link / script),
            ("agent → relay-connect → gateway → log", agent, agent / script),
        ],
    )


async def _link_rate(broker: Broker, body: bytes, *, count: int) -> float:
    async with linked_agent(broker, "appends") as link:
        await link.report([body] * _BATCH)
        await link.drained()
        began = time.perf_counter()
        for _ in range(count // _BATCH):
            await link.report([body] * _BATCH)
        await link.drained()
        return count / (time.perf_counter() - began)


async def _agent_rate(broker: Broker, *, count: int) -> float:
    async with running_relay_connect(broker, "appending") as proxy, broker.relay() as relay:
        draining = asyncio.create_task(discard_output(proxy))
        await relay.spawn("Chatty", "bench", on="appending")
        await answered(relay, (await relay.send("Chatty", f"bench-flood 100 {_SHORT};")).message_id)
        began = time.perf_counter()
        sent = await relay.send("Chatty", f"bench-flood {count} {_SHORT};")
        await answered(relay, sent.message_id, timeout_s=120)
        took_s = time.perf_counter() - began
        await relay.release("Chatty")
        draining.cancel()
        return count / took_s
