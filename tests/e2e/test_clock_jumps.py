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


def agents_of(linked: Running) -> list[int]:
    """The demo agents' processes."""
    return [
        each
        for each in descendants(linked.process.pid)
        if b"connect.demo.agent" in Path(f"/proc/{each}/cmdline").read_bytes()
    ]


def pid_of_agent(linked: Running) -> int:
    """The only demo agent's process."""
    (found,) = agents_of(linked)
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


async def until_found(broker: Running, words: str) -> None:
    """Until the log store has what was said: somebody ships the log."""
    async with (
        asyncio.timeout(_SOON_S),
        httpx.AsyncClient(headers={"Authorization": f"Bearer {key_of(broker)}"}) as asking,
    ):
        while True:
            answer = await asking.get(f"{broker.url}/v1/logs/search", params={"q": f'"{words}" agent:Worker'})
            if answer.json()["data"]["hits"]:
                return
            await asyncio.sleep(0.2)


_HELD_S = 5
_HOOKS = f"""\
hooks:
  demo:
    on_turn_complete:
      - {{ id: at-once, relay: Other }}
      - {{ id: once-quiet, relay: Other, debounce: {_HELD_S}s }}
"""


async def until_hook(relay: AgentRelay, hook: str, *, times: int) -> None:
    async with asyncio.timeout(_SOON_S):
        while True:
            found = (await relay.request("GET", "/v1/hooks/runs"))["runs"]
            if sum(each["hook"] == hook and each["name"] == "Worker" for each in found) >= times:
                return
            await asyncio.sleep(0.1)


@pytest.mark.timeout(300)
async def test_a_broker_that_was_killed_goes_on_though_the_clock_is_set_back_when_it_is_started_again(
    tmp_path: Path,
) -> None:
    """What was put off at the kill, here a hook that waits until things are quiet, does not wait for as much longer."""
    clock = FakedClock(tmp_path)
    for number, ahead_s in enumerate((0, -_HOUR_S, -_DAY_S)):
        clock.set(ahead_s)
        async with (
            up(tmp_path, variables=clock.environment) as broker,
            machine(tmp_path, broker.url, Path(broker.ready["token_file"]), variables=clock.environment) as linked,
            client(broker) as relay,
        ):
            if number == 0:
                await relay.spawn("Worker", "demo")
                await relay.spawn("Other", "demo")
                await relay.request("PUT", "/v1/hooks", body={"text": _HOOKS})
            await until_online(relay)
            await until_hook(relay, "once-quiet", times=number)
            generation = await until_process(relay, other_than=0)
            sent = await relay.send("Worker", f"say after boot {number}", ttl_s=60)
            trace = await relay.wait_for(sent.message_id, timeout_s=_SOON_S)
            assert [each.state for each in trace.deliveries] == ["answered"]
            await until_found(broker, f"after boot {number}")
            await until_hook(relay, "at-once", times=number + 1)
            if number == 2:
                for pid in agents_of(linked):
                    os.kill(pid, signal.SIGKILL)
                await until_process(relay, other_than=generation)
            await broker.kill()
