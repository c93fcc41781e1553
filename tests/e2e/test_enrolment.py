"""A machine that nobody sits at is linked by a code, and goes on without one."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.fixtures.processes import DEMO, client, command, ended, environment, key_of, up
from tests.fixtures.service_manager import stand_in


def run(folder: Path, module: str, *arguments: str, given: str = "", **variables: str) -> tuple[int, str, str]:
    env = environment(folder) | variables
    status, printed, said = ended(module, *arguments, folder=folder, env=env, given=given)
    return status, printed.strip(), said


async def test_a_machine_is_linked_by_a_code_and_goes_on_without_it(tmp_path: Path) -> None:
    async with up(tmp_path) as broker, client(broker) as relay:
        operator = {"RELAYCAST_URL": broker.url, "RELAYCAST_TOKEN": key_of(broker)}
        status, code, said = await asyncio.to_thread(
            lambda: run(tmp_path, "broker.cli", "machine", "enrol", "--name", "build box", **operator)
        )
        assert (status, len(code)) == (0, 9), said
        there = tmp_path / "elsewhere"
        there.mkdir()
        given = ["--url", broker.url, "--state-dir", str(there / "state"), "--name", "build-box"]
        given += ["--headless", "--json", "--agent", DEMO]
        async with command("connect.cli", [*given, "--enrol", code], folder=there):
            agent = await relay.spawn("Worker", "demo", on="build-box")
            assert agent.name == "Worker"
        async with command("connect.cli", given, folder=there):
            sent = await relay.send("Worker", "say still here")
            assert (await relay.wait_for(sent.message_id, timeout_s=30)).deliveries[0].answer == "still here"
        again = ["--url", broker.url, "--state-dir", str(there / "other"), "--headless", "--enrol", "-"]
        status, _, said = await asyncio.to_thread(lambda: run(there, "connect.cli", *again, given=f"{code}\n"))
        assert (status, "was used or is too old" in said) == (2, True), said
        status, _, said = await asyncio.to_thread(lambda: run(there, "connect.cli", *again, given="12\n"))
        assert (status, "INVALID_CODE" in said) == (2, True), said


async def test_a_service_is_installed_on_a_machine_that_a_code_links(tmp_path: Path) -> None:
    managers = stand_in(tmp_path / "bin", "systemctl")
    async with up(tmp_path) as broker:
        operator = {"RELAYCAST_URL": broker.url, "RELAYCAST_TOKEN": key_of(broker)}
        _, code, _ = await asyncio.to_thread(lambda: run(tmp_path, "broker.cli", "machine", "enrol", **operator))
        given = ["--systemd", "--url", broker.url, "--state-dir", str(tmp_path / "state"), "--enrol", "-"]
        path = {"PATH": f"{managers.folder}:/usr/bin:/bin"}
        status, _, said = await asyncio.to_thread(
            lambda: run(tmp_path, "connect.cli", "service", "install", *given, given=code, **path)
        )
    assert status == 0, said
    unit = (tmp_path / ".config/systemd/user/relay-connect.service").read_text()
    assert f"--url={broker.url}" in unit
    assert code not in unit
    assert managers.lines[-1] == "systemctl --user restart relay-connect"


def test_a_code_is_for_a_link_alone(tmp_path: Path) -> None:
    status, _, said = run(tmp_path, "connect.cli", "--enrol", "7KQP-2XMA")
    assert (status, "it goes with --headless" in said) == (2, True), said
