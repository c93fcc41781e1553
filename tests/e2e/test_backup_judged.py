"""A backup under the traffic of the fault run, restored elsewhere: its checker judges the history of both lives."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import orjson
import pytest
from typing_extensions import override

from tests.faults import agent
from tests.faults.checker import judge
from tests.faults.facts import Seen
from tests.faults.run import read_log, recovered
from tests.faults.topology import SESSION, Stage, free_port
from tests.faults.traffic import Traffic
from tests.fixtures.processes import Running, command, key_of, refused, up

_RECORDING = f"recording={sys.executable} -I -S {agent.__file__}"
_FLOWS_S = 60
_RECOVERS_S = 120


class _Messages(Traffic):
    """Without questions: one whose answer was after the backup is asked again, and answered again."""

    @override
    async def _question(self) -> None:
        await self._stopping.wait()


@contextlib.asynccontextmanager
async def machine(made: Stage) -> AsyncIterator[Running]:
    """One machine for all agents; it outlives the first broker."""
    where = ["--url", made.urls[0], "--token-file", str(made.folder / "key"), "--state-dir", str(made.folder / "state")]
    rest = ["--name", "box", "--session", SESSION, "--agent", f"{_RECORDING} {made.records}", "--headless", "--json"]
    async with command("connect.cli", [*where, *rest], folder=made.folder) as running:
        async with httpx.AsyncClient(base_url=made.urls[0], headers=made.headers, timeout=60) as http:
            for name in made.agents:
                spawned = {"name": name, "cli": "recording"}
                (await http.post(f"/v1/sessions/{SESSION}/agents", json=spawned)).raise_for_status()
        yield running


async def read_in(made: Stage, traffic: Traffic, count: int) -> None:
    """Wait until agents have read so many messages more."""
    wanted = len(traffic.reads()) + count
    async with asyncio.timeout(_FLOWS_S):
        while len(traffic.reads()) < wanted:
            await asyncio.sleep(0.1)


async def caught_up(made: Stage, traffic: Traffic) -> None:
    """Wait until the agents have all that waited for them, and the reader what the log has of that.

    It alone knows which numbers were fragments, which the log store does not keep.
    """
    waited = {message.id for message in made.history.accepted if message.kept}
    while not waited <= {prompt.message for prompt in traffic.reads()}:
        await asyncio.sleep(0.1)
    async with httpx.AsyncClient(base_url=made.urls[0], headers=made.headers, timeout=60) as http:
        answer = await http.get(f"/v1/sessions/{SESSION}/events", params={"after": "0", "limit": 1})
    epoch, _, offset = answer.raise_for_status().json()["data"]["head"].rpartition(":")
    [items] = made.history.readers.values()
    while not (isinstance(items[-1], Seen) and items[-1].epoch == epoch and items[-1].offset >= int(offset)):
        await asyncio.sleep(0.1)


async def carry_out(folder: Path, *arguments: str) -> None:
    status, said = await asyncio.to_thread(refused, folder, *arguments)
    assert status == 0, said


@pytest.mark.timeout(600)
async def test_the_checker_finds_nothing_wrong_with_a_history_that_went_back_to_a_backup(tmp_path: Path) -> None:
    made = Stage(folder=tmp_path, mark="backup", gateway_ports=[free_port()])
    traffic, port = _Messages(made), str(made.gateway_ports[0])
    file, elsewhere = tmp_path / "backup.tar", tmp_path / "elsewhere"
    elsewhere.mkdir()
    async with contextlib.AsyncExitStack() as stack:
        first = await stack.enter_async_context(up(tmp_path, "--port", port))
        made.key = key_of(first)
        (tmp_path / "key").write_text(made.key)
        await stack.enter_async_context(machine(made))
        async with traffic.flowing():
            await read_in(made, traffic, 50)
            # What is accepted from here on may be forgotten, but nothing is given twice.
            made.phase, traffic.keeps = "backup", False
            await carry_out(tmp_path, "backup", str(file), "--data-dir", str(tmp_path / "broker"))
            await read_in(made, traffic, 20)
            await first.kill()
            await carry_out(elsewhere, "restore", str(file), "--data-dir", str(elsewhere / "broker"))
            await stack.enter_async_context(up(elsewhere, "--port", port))
            made.phase, traffic.keeps = "restored", True
            async with asyncio.timeout(_RECOVERS_S):
                await recovered(made, traffic, since=time.time())
                await caught_up(made, traffic)
        await traffic.close_books(within_s=_FLOWS_S)
        made.history.log = await read_log(made)
    (tmp_path / "history.json").write_bytes(orjson.dumps(made.history))  # for whoever looks why it failed
    phases = {message.phase for message in made.history.accepted if message.kept}
    assert phases == {"start", "restored"}
    assert "agent.deaf" not in {event.kind for event in made.history.log}
    assert judge(made.history).problems == ()
