"""The wall clock of a broker's host is set, by an hour and by a day, both ways: everything goes on as if it was not."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

import httpx
import pytest

from connect.sdk.relay import AgentRelay
from tests.fixtures.faked_clock import FakedClock
from tests.fixtures.process_family import descendants
from tests.fixtures.processes import Running, agent_named, client, key_of, machine, up

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the clock that is set is Linux' own")
_HOUR_S, _DAY_S = 3600, 86400
_JUMPS = (_HOUR_S, 0, -_DAY_S, 0)
"""By how much it is ahead, one after the other: set ahead and back by an hour, back and ahead by a day."""
_SOON_S = 40.0


async def ask(broker: Running, query: str) -> httpx.Response:
    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {key_of(broker)}"}) as asking:
        return await asking.post(broker.ready["graphql"], json={"query": query})


async def until_online(relay: AgentRelay) -> None:
    async with asyncio.timeout(_SOON_S):
        while not all(each.online for each in await relay.proxies()):
            await asyncio.sleep(0.1)


async def until_process(relay: AgentRelay, *, other_than: int) -> int:
    """The generation of an agent's process that is up, another than that."""
    async with asyncio.timeout(_SOON_S):
        while True:
            agent = await agent_named(relay, "Worker")
            if agent.state == "idle" and agent.generation != other_than:
                return agent.generation
            await asyncio.sleep(0.1)


def pid_of_agent(linked: Running) -> int:
    """The demo agent's process."""
    (found,) = [
        each
        for each in descendants(linked.process.pid)
        if b"connect.demo.agent" in Path(f"/proc/{each}/cmdline").read_bytes()
    ]
    return found


@pytest.mark.timeout(300)
async def test_messages_restarts_and_questions_go_on_however_the_clock_is_set(tmp_path: Path) -> None:
    clock = FakedClock(tmp_path)
    async with (
        up(tmp_path, variables=clock.environment) as broker,
        machine(tmp_path, broker.url, Path(broker.ready["token_file"]), variables=clock.environment) as linked,
        client(broker) as relay,
    ):
        await relay.spawn("Worker", "demo")
        generation = (await agent_named(relay, "Worker")).generation
        for ahead_s in _JUMPS:
            assert (await ask(broker, "{ workspace { id } }")).status_code == 200
            running = await relay.send("Worker", "sleep 1")
            clock.set(ahead_s)
            waiting = await relay.send("Worker", f"say after {ahead_s}", ttl_s=60)
            for sent in (running, waiting):
                trace = await relay.wait_for(sent.message_id, timeout_s=_SOON_S)
                assert [each.state for each in trace.deliveries] == ["answered"]
            await until_online(relay)
            assert (await ask(broker, "{ workspace { id } }")).status_code == 200, "nobody owes points for an hour"
            os.kill(pid_of_agent(linked), signal.SIGKILL)
            generation = await until_process(relay, other_than=generation)
            again = await relay.send("Worker", "say again", ttl_s=60)
            await relay.wait_for(again.message_id, timeout_s=_SOON_S)
