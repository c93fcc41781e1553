"""Hooks as people have them: written at the broker, refused at first, allowed at the machine, then done."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from connect.sdk import AgentRelay
from tests.e2e.box import LIVES_S, Box, a_box, said
from tests.fixtures.processes import Running, client, linked_environment, told, up

_DEMO = json.dumps([sys.executable, "-m", "connect.demo.agent"])
CONFIG = f'[agents.codex]\ncommand = {_DEMO}\ndialect = "acp"\nany_version = true\n'
EXAMPLE = Path(__file__).parents[1] / "fixtures" / "hooks" / "example.yaml"
_RECORDER = f"""#!{sys.executable}
import json, os, sys
event = json.load(sys.stdin)
with open(os.path.dirname(os.path.abspath(__file__)) + "/ran", "a") as ran:
    ran.write(json.dumps([os.path.basename(sys.argv[0]), *sys.argv[1:], event["type"], os.getcwd()]) + "\\n")
print("it is written down \x1b[31m")
"""


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[Running]:
    async with up(tmp_path) as running:
        yield running


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of programs that write down how they were started."""
    folder = tmp_path / "programs"
    folder.mkdir()
    for name in ("afplay", "npm"):
        (folder / name).write_text(_RECORDER)
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return folder


async def relaycast(broker: Running, folder: Path, *arguments: str, cwd: Path | None = None) -> str:
    status, printed = await told("broker.cli", *arguments, folder=cwd or folder, env=linked_environment(broker, folder))
    assert status == 0, printed
    return printed


async def runs(broker: Running, folder: Path, **states: int) -> list[dict[str, Any]]:
    """The runs, once there are so many in each of these states."""
    async with asyncio.timeout(LIVES_S):
        while True:
            found: list[dict[str, Any]] = json.loads(await relaycast(broker, folder, "hooks", "history", "--json"))[
                "runs"
            ]
            if all(sum(run["state"] == state for run in found) >= count for state, count in states.items()):
                return found
            await asyncio.sleep(0.1)


async def work(relay: AgentRelay) -> None:
    """A turn that changes a file."""
    await said(relay, "Coder", "edit src/a.ts: x = 1 => x = 2")


async def allow_all(box: Box) -> None:
    async with box.person("work", "hooks", "allow") as owner:
        for _ in range(3):
            await owner.sees("Allow exactly this?")
            owner.types("y\r")
        await owner.process.wait()


async def test_the_plain_example_is_refused_until_the_machines_owner_allows_it_and_then_done(
    broker: Running, tmp_path: Path, programs: Path
) -> None:
    async with (
        a_box(broker, tmp_path, "desk", config=CONFIG) as box,
        box.person("work") as person,
        client(broker) as relay,
    ):
        await person.sees("Connected")
        applied = await relaycast(broker, tmp_path, "hooks", "apply", str(EXAMPLE))
        assert "5 hooks" in applied
        (box.folder("work") / "src").mkdir()
        (box.folder("work") / "src" / "a.ts").write_text("x = 2\n")
        await relay.spawn("Lead", "codex", on="desk")
        await relay.spawn("Coder", "codex", on="desk")
        await work(relay)
        refused = await runs(broker, tmp_path, refused=3)
        assert all("relay-connect hooks" in run["data"]["reason"] for run in refused if run["state"] == "refused")
        await person.sees("relay-connect hooks")
        assert not (programs / "ran").exists()

        await allow_all(box)
        await work(relay)
        await runs(broker, tmp_path, completed=3)
        folder = str(box.folder("work"))
        ran = sorted(map(json.loads, (programs / "ran").read_text().splitlines()))
        mine = [line for line in ran if line[-1] == folder]
        assert ["npm", "run", "lint", "--", "src/a.ts", "on_file_change", folder] in mine
        assert ["npm", "run", "typecheck", "on_file_change", folder] in mine
        assert ["afplay", "/System/Library/Sounds/Glass.aiff", "on_turn_complete", folder] in mine
        shown = await relaycast(broker, tmp_path, "hooks", "history", "--output")
        assert "run lint -- src/a.ts\n    it is written down ␛[31m\n" in shown
        assert "it is written down" not in await relaycast(broker, tmp_path, "hooks", "history")


async def test_the_hooks_that_a_project_proposes_are_offered_and_hold_once_somebody_applies_them(
    broker: Running, tmp_path: Path
) -> None:
    async with a_box(broker, tmp_path, "desk", config=CONFIG) as box, client(broker) as relay:
        work = box.folder("work")
        (work / ".git").mkdir()
        (work / ".relaycast").mkdir()
        (work / ".relaycast" / "hooks.yaml").write_text(EXAMPLE.read_text())
        (work / "src").mkdir()
        async with box.person("work/src") as person:
            await person.sees("../.relaycast/hooks.yaml proposes 5 hooks (4 of them commands), which do not hold")
            await person.sees("relay>")
            assert (await relay.request("GET", "/v1/hooks"))["version"] == 0
        applied = await relaycast(broker, tmp_path, "hooks", "apply", cwd=work)
        assert "5 hooks" in applied
        async with box.person("work") as person:
            await person.sees("relay>")
            assert ".relaycast/hooks.yaml" not in person.screen
        (work / ".relaycast" / "hooks.yaml").write_text("hooks: {codex: {on_trun_start: say hi}}")
        async with box.person("work") as person:
            await person.sees("! .relaycast/hooks.yaml cannot be applied: line 1, column 17: there is no event")
        (work / ".relaycast" / "hooks.yaml").unlink()
        (work / ".relaycast" / "hooks.yaml").symlink_to(tmp_path / "elsewhere.yaml")
        (tmp_path / "elsewhere.yaml").write_text("hooks: {codex: {on_turn_start: say hi}}")
        async with box.person("work") as person:
            await person.sees("relay>")
            assert ".relaycast/hooks.yaml" not in person.screen
