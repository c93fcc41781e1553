"""A backup of a broker that works, restored elsewhere: what was acknowledged before is there, and it goes on."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from pathlib import Path

import pytest

from connect.sdk.relay import AgentRelay
from connect.sdk.types import Event
from tests.fixtures.processes import client, machine, refused, up

_PATIENCE_S = 90


def ran(folder: Path, *arguments: str) -> str:
    status, said = refused(folder, *arguments)
    assert status == 0, said
    return said


async def acknowledged(relay: AgentRelay, count: int, *, by: str = "Worker") -> list[str]:
    """Send messages one after the other and wait for the answers; their ids."""
    ids: list[str] = []
    for number in range(count):
        sent = await relay.send(by, f"say {number}")
        assert (await relay.wait_for(sent.message_id)).deliveries[0].answer == str(number)
        ids.append(sent.message_id)
    return ids


async def without_end(relay: AgentRelay) -> None:
    while True:
        await relay.send("Worker", "say anything")
        await relay.send("Steady", "say anything")


async def answered(relay: AgentRelay, wanted: set[str]) -> dict[str, int]:
    """How often each message was answered, by the log, once all that are wanted were."""
    found: dict[str, int] = {}
    async with asyncio.timeout(_PATIENCE_S), contextlib.aclosing(relay.events("0")) as feed:
        async for event in feed:
            if isinstance(event, Event) and event.kind == "message.receipt" and event.data["state"] == "answered":
                found[event.data["message"]] = found.get(event.data["message"], 0) + 1
                if wanted <= found.keys():
                    return found
    raise AssertionError


async def searched(relay: AgentRelay, query: str, *, at_least: int) -> None:
    """That the log store itself has it, however much is in Redis."""
    async with asyncio.timeout(_PATIENCE_S):
        while len((await relay.search_logs(f'"{query}"')).hits) < at_least:
            await asyncio.sleep(0.1)


@pytest.mark.timeout(300)
async def test_a_backup_under_load_is_restored_elsewhere_with_all_that_was_acknowledged(tmp_path: Path) -> None:
    file, elsewhere = tmp_path / "backup.tar", tmp_path / "elsewhere"
    async with contextlib.AsyncExitStack() as outlasts:
        async with up(tmp_path) as broker, client(broker) as relay:
            key_file = Path(broker.ready["token_file"])
            # This machine and its agent's process live through it all; the other is ended with the broker.
            await outlasts.enter_async_context(machine(tmp_path, broker.url, key_file, name="steady"))
            await relay.spawn("Steady", "demo")
            async with machine(tmp_path, broker.url, key_file):
                await relay.spawn("Worker", "demo", on="machine")
                before = await acknowledged(relay, 10) + await acknowledged(relay, 3, by="Steady")
                load = asyncio.create_task(without_end(relay))
                said = await asyncio.to_thread(
                    ran, tmp_path, "backup", str(file), "--data-dir", str(tmp_path / "broker")
                )
                load.cancel()
                await asyncio.gather(load, return_exceptions=True)
                assert "with the log store" in said
            key = key_file.read_text()
            port = broker.url.rpartition(":")[2]
        assert file.stat().st_mode & 0o777 == 0o600

        elsewhere.mkdir()
        ran(elsewhere, "restore", str(file), "--data-dir", str(elsewhere / "broker"))
        restored = await outlasts.enter_async_context(up(elsewhere, "--port", port))
        relay = await outlasts.enter_async_context(client(restored))
        assert Path(restored.ready["token_file"]).read_text() == key
        # The machines of the first come back to the second by themselves.
        await outlasts.enter_async_context(machine(tmp_path, restored.url, Path(restored.ready["token_file"])))
        after = await acknowledged(relay, 3) + await acknowledged(relay, 3, by="Steady")
        found = await answered(relay, {*before, *after})
        assert all(found[each] == 1 for each in before)
        await searched(relay, "say 9", at_least=1)
    # Nothing of the backup's own is left behind.
    assert {each.name for each in (tmp_path / "broker" / "clickhouse").iterdir()} == {"engine", "lock"}
    assert not [each for each in (tmp_path / "broker").iterdir() if each.name.startswith("tmp")]


@pytest.mark.timeout(180)
async def test_a_backup_of_a_broker_that_does_not_run_is_the_same_installation(tmp_path: Path) -> None:
    file = tmp_path / "backup.tar"
    async with up(tmp_path) as broker:
        key = Path(broker.ready["token_file"]).read_text()
    ran(tmp_path, "backup", str(file), "--data-dir", str(tmp_path / "broker"))
    shutil.rmtree(tmp_path / "broker")
    ran(tmp_path, "restore", str(file), "--data-dir", str(tmp_path / "broker"))
    async with up(tmp_path) as broker, client(broker) as relay:
        assert Path(broker.ready["token_file"]).read_text() == key
        assert await relay.agents() == []


@pytest.mark.timeout(180)
async def test_nothing_is_restored_over_an_installation_or_from_a_damaged_file(tmp_path: Path) -> None:
    file, data = tmp_path / "backup.tar", str(tmp_path / "broker")
    async with up(tmp_path):
        ran(tmp_path, "backup", str(file), "--data-dir", data)
        status, said = refused(tmp_path, "restore", str(file), "--data-dir", data)
        assert (status, "DATA_FOLDER_BUSY" in said) == (2, True)
    status, said = refused(tmp_path, "restore", str(file), "--data-dir", data)
    assert (status, "NOT_EMPTY" in said) == (2, True)
    status, said = refused(tmp_path, "backup", str(file), "--data-dir", data)
    assert (status, "exists" in said) == (2, True)
    content = bytearray(file.read_bytes())
    at = content.find(b"rc:workspaces")
    content[at] ^= 1
    file.write_bytes(content)
    status, said = refused(tmp_path, "restore", str(file), "--data-dir", str(tmp_path / "new"))
    assert (status, "redis.jsonl is not as it was written" in said) == (2, True)
    assert not (tmp_path / "new" / "workspace.key").exists()
