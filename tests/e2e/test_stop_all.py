"""Three agents work, all is stopped, worker and gateway are killed, and what waited is answered exactly once."""

import asyncio
import contextlib
import os
import signal
from collections import Counter
from pathlib import Path

import pytest

from broker.adapters.embedded import embedded_redis
from broker.domain.messages.steps import ReceiptState
from connect.sdk.relay import AgentRelay
from connect.sdk.types import Stop
from tests.e2e.test_cluster import answers, gateway, turns, worker, workspace_key
from tests.fixtures.processes import START_S, machine, until

NAMES = ("One", "Two", "Three")


async def finished(relay: AgentRelay) -> Stop:
    """The stop, once every agent and session was met."""
    async with asyncio.timeout(START_S):
        while True:
            (stop,) = await relay.stops()
            if stop.finished:
                return stop
            await asyncio.sleep(0.05)


@pytest.mark.timeout(240)
async def test_no_turn_begins_while_all_is_stopped_and_each_message_is_answered_once_afterwards(
    tmp_path: Path,
) -> None:
    async with contextlib.AsyncExitStack() as stack:
        redis_url = await stack.enter_async_context(embedded_redis(tmp_path / "redis"))
        key = await stack.enter_async_context(workspace_key(redis_url, tmp_path))
        first = await stack.enter_async_context(gateway(tmp_path, redis_url))
        doomed = await stack.enter_async_context(worker(tmp_path, redis_url))
        await stack.enter_async_context(machine(tmp_path, first.url, key))
        relay = await stack.enter_async_context(AgentRelay(first.url, key.read_text()))
        for number in range(60):  # more to be told than one step takes
            async with AgentRelay(first.url, key.read_text(), f"room-{number}") as room:
                await room.session()
        running = []
        for name in NAMES:
            await relay.spawn(name, "demo")
            running.append((await relay.send(name, "sleep 300")).message_id)
        for message in running:
            await relay.wait_for(message, ReceiptState.IN_TURN, timeout_s=START_S)

        os.kill(doomed.process.pid, signal.SIGSTOP)  # so that it dies with the work undone
        made = await relay.stop_all(everywhere=True, note="it loops")
        assert not made.finished
        waiting = [(await relay.send(name, f"say {name} {n}")).message_id for name in NAMES for n in range(2)]
        await doomed.kill()
        await first.kill()
        port = int(first.url.rpartition(":")[2])
        await stack.enter_async_context(gateway(tmp_path, redis_url, port=port))
        second = await stack.enter_async_context(worker(tmp_path, redis_url))

        assert (await finished(relay)).agents == 3
        for message in running:
            trace = await relay.wait_for(message, timeout_s=START_S)
            assert trace.deliveries[0].state is ReceiptState.ANSWERED
        begun = [event for event in await relay.recent(limit=5000) if event.kind == "turn.started"]
        assert len(begun) == len(NAMES)
        for message in waiting:
            (delivery,) = (await relay.trace(message)).deliveries
            assert (delivery.state, delivery.because) == (ReceiptState.QUEUED, "stopped")

        os.kill(second.process.pid, signal.SIGSTOP)
        await relay.resume_all(everywhere=True)
        await second.kill()
        await stack.enter_async_context(worker(tmp_path, redis_url))
        assert await answers(relay, waiting) == [f"{name} {n}" for name in NAMES for n in range(2)]
        assert await turns(relay) == Counter([*running, *waiting])
        assert all(agent.generation == 1 for agent in await relay.agents())
        async with AgentRelay(first.url, key.read_text(), "room-59") as room:
            await until(room, lambda event: event.kind == "stop.lifted")
            told = [event.kind for event in await room.recent() if event.kind.startswith("stop.")]
        assert told == ["stop.ordered", "stop.lifted"]
