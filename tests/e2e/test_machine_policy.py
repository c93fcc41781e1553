"""A machine's own policy, with the broker, the link process and the terminal as people have them."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from broker.domain.errors import SpawnFailed
from connect.control.client import stop
from connect.policy.folders import real_folder
from connect.policy.policy import Policy
from connect.policy.policy_file import PolicyFile
from tests.fixtures.person import Person, person_at
from tests.fixtures.processes import DEMO, Running, client, linked_environment, machine, up

_LIVES = 90.0


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[Running]:
    async with up(tmp_path) as running:
        yield running


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = real_folder(tmp_path) / "project"
    folder.mkdir()
    return folder


def settings(broker: Running, folder: Path) -> dict[str, str]:
    return linked_environment(broker, folder, RELAYCAST_CONFIG_DIR=str(folder / "config"))


@asynccontextmanager
async def sits_at(broker: Running, folder: Path, *, cwd: Path) -> AsyncIterator[Person]:
    argv = [sys.executable, "-m", "connect.cli", "--agent", DEMO]
    try:
        async with person_at(argv, env=settings(broker, folder), cwd=cwd, seconds=_LIVES, columns=200) as person:
            yield person
    finally:
        # A terminal that is killed leaves its link and agents running.
        await stop(folder / "state", now=True, on_notice=lambda _: None)


def policy_of(folder: Path) -> PolicyFile:
    return PolicyFile(folder / "config", state=folder / "state")


async def test_where_a_person_starts_it_agents_work_also_later_and_a_new_folder_is_asked_for(
    broker: Running, tmp_path: Path, project: Path
) -> None:
    other = project.parent / "other"
    other.mkdir()
    async with sits_at(broker, tmp_path, cwd=project) as person:
        await person.sees("relay>")
        person.types("spawn Here demo\r")
        await person.sees("✓ Here connected")
        person.types(f"spawn There demo --cwd {other}\r")
        await person.sees("approve m1 (starts it, and lets agents work in this folder from now on)")
        assert "in /" in person.screen
        person.types("approve m1\r")
        await person.sees("✓ There connected")
        person.types("spawn Nowhere demo --cwd /\r")
        await person.sees("approve m2")
        person.types("deny\r")
        await person.sees("FOLDER_NOT_ALLOWED")
    assert policy_of(tmp_path).read().policy.remembered == (project, other)


async def test_on_a_strict_machine_nothing_starts_that_its_person_has_not_said_yes_to(
    broker: Running, tmp_path: Path, project: Path
) -> None:
    policy_of(tmp_path).write(Policy(strict=True))
    async with sits_at(broker, tmp_path, cwd=project) as person, client(broker) as relay:
        await person.sees("relay>")
        for number, (answer, comes) in enumerate([("deny", False), ("approve", True)], start=1):
            starting = asyncio.ensure_future(relay.spawn(f"W{number}", "demo"))
            await person.sees(f"approve m{number} (starts it)")
            person.types(f"{answer} m{number}\r")
            if comes:
                assert (await starting).name == "W2"
            else:
                with pytest.raises(SpawnFailed) as refusal:
                    await starting
                assert refusal.value.code == "NOT_CONFIRMED_HERE"


async def test_a_machine_without_a_terminal_refuses_with_what_to_do_there(
    broker: Running, tmp_path: Path, project: Path
) -> None:
    async with machine(project, broker.url, Path(broker.ready["token_file"])), client(broker) as relay:
        with pytest.raises(SpawnFailed, match=r"run `relay-connect policy allow-folder /etc` there") as refusal:
            await relay.spawn("W", "demo", cwd="/etc")
        assert refusal.value.code == "FOLDER_NOT_ALLOWED"
        (told,) = await relay.proxies()
    assert told.name == "machine"
