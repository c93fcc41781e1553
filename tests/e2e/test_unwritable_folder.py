"""The data folder of a running `up` takes nothing more: everybody is told why, and all goes on when it does again."""

from __future__ import annotations

import asyncio
import resource
import shlex
import sys
from collections.abc import Iterable
from pathlib import Path

import httpx
import pytest

from broker.adapters.embedded import server_binary
from tests.fixtures.process_family import descendants
from tests.fixtures.processes import client, key_of, machine, up

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="limits of a running process can be set on Linux alone")
_PATIENT_SERVER = "#!/bin/sh\ntrap '' XFSZ\nexec {server} \"$@\"\n"
"""A server that is told of a write that fails, and not ended by it, as on a disk that is full."""


def limit_files(processes: Iterable[int], most_bytes: int) -> None:
    """No file of theirs grows beyond that."""
    for process in processes:
        _, hard = resource.prlimit(process, resource.RLIMIT_FSIZE)
        resource.prlimit(process, resource.RLIMIT_FSIZE, (most_bytes, hard))


async def make_sessions(relay: httpx.AsyncClient, made: list[str]) -> httpx.Response:
    """One after the other, until one is refused."""
    async with asyncio.timeout(30):
        while True:
            name = f"session-{len(made)}"
            answer = await relay.post("/v1/sessions", json={"name": name})
            if answer.status_code != httpx.codes.OK:
                return answer
            made.append(name)


@pytest.mark.timeout(180)
async def test_a_folder_that_takes_nothing_more_is_said_and_nothing_accepted_is_lost(tmp_path: Path) -> None:
    patient = tmp_path / "server"
    patient.write_text(_PATIENT_SERVER.format(server=shlex.quote(server_binary())))
    patient.chmod(0o755)
    async with (
        up(tmp_path, variables={"RELAYCAST_REDIS_BIN": str(patient)}) as broker,
        machine(tmp_path, broker.url, Path(broker.ready["token_file"])),
        client(broker) as sdk,
        httpx.AsyncClient(base_url=broker.url, headers={"Authorization": f"Bearer {key_of(broker)}"}) as relay,
    ):
        await sdk.spawn("Worker", "demo")
        before = await sdk.send("Worker", "say before it was full")
        await sdk.wait_for(before.message_id, timeout_s=20)
        family = [broker.process.pid, *descendants(broker.process.pid)]
        made: list[str] = []
        limit_files(family, 1)
        refused = await make_sessions(relay, made)
        for answer in (refused, await relay.get("/readyz")):
            error = answer.json()["error"]
            assert (answer.status_code, error["code"], error["retryable"]) == (503, "STORE_UNAVAILABLE", True)
            assert error["details"] == {"reason": "MISCONF"}
            assert "cannot write to its disk (Errors writing to the AOF file: " in error["message"]
            assert int(answer.headers["retry-after"]) >= 1
        assert (await relay.get("/v1/sessions")).status_code == 200, "what is there can be read"
        limit_files(family, resource.RLIM_INFINITY)
        async with asyncio.timeout(60):
            while (ready := await relay.get("/readyz")).status_code != 200 or ready.json()["logs"] != "ready":
                await asyncio.sleep(0.1)
        after = await sdk.send("Worker", "say after it was full")
        await sdk.wait_for(after.message_id, timeout_s=30)
        known = {each["name"] for each in (await relay.get("/v1/sessions")).json()["data"]["sessions"]}
        assert known >= set(made)
        async with asyncio.timeout(40):
            while len(await found(relay)) < 2:
                await asyncio.sleep(0.2)


async def found(relay: httpx.AsyncClient) -> list[object]:
    """What a search finds of both messages."""
    answer = await relay.get("/v1/logs/search", params={"q": "full kind:message"})
    hits: list[object] = answer.json()["data"]["hits"] if answer.status_code == httpx.codes.OK else []
    return hits
