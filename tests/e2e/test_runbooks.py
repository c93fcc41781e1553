"""Each of our commands in the runbooks is used once, as an operator would, on a broker that runs, with its machine."""

from __future__ import annotations

import contextlib
import json
import re
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from broker.adapters.embedded import embedded_redis
from broker.protocol import close_codes
from broker.protocol.close_codes import CloseCode
from tests.fixtures.processes import Running, command, key_of, linked_environment, machine, told, up

_ROOT = Path(__file__).parents[2]
RUNBOOKS = (_ROOT / "deploy" / "runbooks.md").read_text()
_OF_RELAY_CONNECT = {"relay-connect": "connect.cli", "relaycast": "broker.cli"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A broker and one machine of it."""

    broker: Running
    folder: Path

    async def says(self, line: str, *, status: int = 0) -> str:
        """What one of our commands prints, once it has ended so."""
        program, *arguments = line.split()
        env = linked_environment(
            self.broker,
            self.folder,
            RELAYCAST_STATE_DIR=str(self.folder / "machine"),
            RELAYCAST_DATA_DIR=str(self.folder / "broker"),
        )
        ended, output = await told(_OF_RELAY_CONNECT[program], *arguments, folder=self.folder, env=env)
        assert ended == status, (line, output)
        return output


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    async with contextlib.AsyncExitStack() as stack:
        broker = await stack.enter_async_context(up(tmp_path))
        await stack.enter_async_context(machine(tmp_path, broker.url, Path(broker.ready["token_file"])))
        yield Place(broker=broker, folder=tmp_path)


def test_what_is_used_below_is_what_the_runbooks_say() -> None:
    said = set(re.findall(r"`((?:relaycast|relay-connect) [^`]+)`", RUNBOOKS))
    assert said == {
        "relaycast status",
        "relaycast bundle",
        "relaycast worker",
        "relaycast session list",
        "relaycast session remove",
        "relaycast logs keep DAYS",
        "relaycast logs set-aside",
        "relay-connect status",
        "relay-connect doctor",
    }


def test_every_metric_and_close_code_that_they_name_exists() -> None:
    telemetry = (_ROOT / "broker" / "telemetry" / "__init__.py").read_text()
    for metric in re.findall(r"`(relaycast_\w+)`", RUNBOOKS):
        assert f'"{metric}"' in telemetry, metric
    codes = set(map(int, re.findall(r"\b(?:4[45]\d\d|1012)\b", RUNBOOKS)))
    assert codes <= {each.code for each in vars(close_codes).values() if isinstance(each, CloseCode)}


@pytest.mark.timeout(120)
async def test_an_operator_sees_what_is_wrong_and_makes_room(place: Place) -> None:
    assert "✓ all is well" in await place.says("relaycast status")
    async with httpx.AsyncClient(base_url=place.broker.url) as http:
        assert (await http.get("/readyz")).status_code == 200  # `curl /readyz`
        key = {"Authorization": f"Bearer {key_of(place.broker)}"}
        await http.post("/v1/sessions", json={"name": "over"}, headers=key)
    assert "over" in await place.says("relaycast session list")
    await place.says("relaycast session remove over")
    assert "over" not in await place.says("relaycast session list")
    assert await place.says("relaycast logs keep 3") == "logs are kept for 3 days: the plan allows 365\n"
    await place.says("relaycast bundle bundle.txt")
    assert "redis" in (place.folder / "bundle.txt").read_text()


@pytest.mark.timeout(120)
async def test_a_machines_user_sees_what_is_wrong_there(place: Place) -> None:
    demo = [sys.executable, "-m", "connect.demo.agent"]
    (place.folder / "relay-connect.toml").write_text(f"[agents.demo]\ncommand = {json.dumps(demo)}\n")
    for line in ("relay-connect status", "relay-connect doctor"):
        said = await place.says(line)
        assert place.broker.url in said
        assert str(place.folder / "machine") in said, said


@pytest.mark.timeout(120)
async def test_an_embedded_log_store_is_set_aside_once_the_broker_was_stopped(place: Place) -> None:
    await place.broker.stop()
    assert "the log store was renamed to" in await place.says("relaycast logs set-aside")
    async with up(place.folder) as again, httpx.AsyncClient(base_url=again.url) as http:
        assert (await http.get("/readyz")).json()["logs"] == "ready"


@pytest.mark.timeout(60)
async def test_a_worker_is_started_where_none_runs(tmp_path: Path) -> None:
    async with (
        embedded_redis(tmp_path / "redis") as redis_url,
        command("broker.cli", ["worker", "--redis", redis_url, "--json"], folder=tmp_path) as worker,
    ):
        assert await worker.stop() == 0
