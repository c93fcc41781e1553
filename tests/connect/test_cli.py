"""The program `relay-connect` as it is started by a person or a service."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from click.testing import CliRunner

from broker import __version__
from broker.domain.ids import AgentId, MessageId, SessionId
from broker.protocol import close_codes
from broker.protocol.agents.events import TurnEnded
from broker.protocol.proxy import Deliver, Exited, Spawn, StateChanged
from connect.cli import main
from connect.control import place
from connect.system import process_tree
from connect.system.state_folder import StateFolder
from tests.connect.program import ended, environment_for, relay_connect
from tests.connect.scripted_broker import PERSON, ScriptedBroker, scripted_broker

AGENT = AgentId("a1")


@pytest.fixture
async def broker() -> AsyncGenerator[ScriptedBroker]:
    async with scripted_broker() as broker:
        yield broker


@pytest.fixture
def environment(tmp_path: Path, broker: ScriptedBroker) -> dict[str, str]:
    return environment_for(broker, tmp_path)


def spawn(cli: str = "scripted", *, generation: int = 1) -> Spawn:
    session = SessionId("s1")
    return Spawn(agent=AGENT, generation=generation, name="Worker", session=session, cli=cli, asked_by=PERSON)


async def started_agent_with_a_stubborn_child(broker: ScriptedBroker) -> process_tree.ProcessKey:
    await broker.command(spawn())
    message = MessageId("00000000-0000-4000-8000-000000000001")
    await broker.command(Deliver(agent=AGENT, generation=1, message_id=message, text="child"))
    changed = await broker.report(StateChanged, lambda report: isinstance(report.event, TurnEnded))
    assert isinstance(changed.event, TurnEnded)
    return process_tree.key_of(int(changed.event.text))


@pytest.mark.parametrize("loss", ["deleted", "moved", "replaced"])
async def test_a_link_whose_state_folder_is_gone_ends_its_agents_and_says_why(
    broker: ScriptedBroker, environment: dict[str, str], loss: str
) -> None:
    state = Path(environment["RELAYCAST_STATE_DIR"])
    async with relay_connect(environment) as process:
        child = await started_agent_with_a_stubborn_child(broker)
        state.rename(state.with_name("elsewhere"))
        if loss == "deleted":
            shutil.rmtree(state.with_name("elsewhere"))
        if loss == "replaced":  # what a second link of this machine does
            other = StateFolder(state)
            listening = place.listen(state)
        status, output = await ended(process)
    assert status == 4, output
    assert f"the state folder {state} was deleted, moved or replaced" in output
    assert not process_tree.is_running(child)
    assert broker.of(Exited)[0].reason == "PROXY_STOPPED"
    if loss == "replaced":
        assert place.node_of(state) is not None  # the other one's terminals still come in
        listening.close()
        other.close()


async def test_sigterm_ends_the_agents_and_exits_with_zero(broker: ScriptedBroker, environment: dict[str, str]) -> None:
    async with relay_connect(environment) as process:
        child = await started_agent_with_a_stubborn_child(broker)
        process.terminate()
        status, output = await ended(process)
    assert status == 0, output
    assert not process_tree.is_running(child)
    assert broker.of(Exited)[0].reason == "PROXY_STOPPED"
    assert "✓ Connected to 127.0.0.1" in output
    assert "✓ Dashboard: http://127.0.0.1/session/s1" in output


async def test_a_terminal_that_is_closed_ends_the_agents_in_good_order_however_often_it_says_so(
    broker: ScriptedBroker, environment: dict[str, str]
) -> None:
    async with relay_connect(environment) as process:
        child = await started_agent_with_a_stubborn_child(broker)
        process.send_signal(signal.SIGHUP)
        process.send_signal(signal.SIGHUP)
        status, output = await ended(process)
    assert status == 0, output
    assert not process_tree.is_running(child)
    assert broker.of(Exited)[0].reason == "PROXY_STOPPED"


@pytest.mark.parametrize("arguments", [(), ("--json",)])
async def test_a_reader_that_went_away_neither_ends_it_nor_keeps_it_from_ending(
    broker: ScriptedBroker, environment: dict[str, str], arguments: tuple[str, ...]
) -> None:
    nobody, output = os.pipe()
    os.close(nobody)
    async with relay_connect(environment, *arguments, stdout=output) as process:
        os.close(output)
        await broker.until(lambda: bool(broker.hellos))
        child = await started_agent_with_a_stubborn_child(broker)
        assert process.returncode is None
        process.terminate()
        status, _ = await ended(process)
    assert status == 0
    assert not process_tree.is_running(child)
    assert broker.of(Exited)[0].reason == "PROXY_STOPPED"


async def test_a_console_that_has_no_check_mark_gets_a_question_mark(
    broker: ScriptedBroker, environment: dict[str, str]
) -> None:
    async with relay_connect({**environment, "PYTHONIOENCODING": "latin-1"}) as process:
        assert process.stdout is not None
        async with asyncio.timeout(10):
            line = await process.stdout.readline()
        process.terminate()
        status, _ = await ended(process)
    assert line.startswith(b"? Connected to 127.0.0.1")
    assert status == 0


async def test_a_second_signal_kills_at_once(broker: ScriptedBroker, environment: dict[str, str]) -> None:
    async with relay_connect(environment) as process:
        child = await started_agent_with_a_stubborn_child(broker)
        assert process.stdout is not None
        process.send_signal(signal.SIGINT)
        async with asyncio.timeout(10):
            while b"Ctrl-C again" not in await process.stdout.readline():
                pass
        process.send_signal(signal.SIGINT)
        status, _ = await ended(process)
    assert status == 130
    assert not process_tree.is_running(child)


async def test_after_a_kill_the_next_start_leaves_nothing_running_and_goes_on_numbering(
    broker: ScriptedBroker, environment: dict[str, str]
) -> None:
    async with relay_connect(environment) as process:
        child = await started_agent_with_a_stubborn_child(broker)
        process.kill()
        await ended(process)
    seen = broker.reports_seen
    async with relay_connect(environment) as process:
        await broker.until(lambda: len(broker.hellos) == 2)
        assert not process_tree.is_running(child)
        await broker.command(spawn(generation=2))
        await broker.until(lambda: broker.reports_seen > seen)
    first, second = broker.hellos
    assert second.agents == []
    assert second.machine_id == first.machine_id
    assert second.spool_id == first.spool_id
    assert second.boot_id != first.boot_id


async def test_reports_of_a_killed_process_are_sent_by_the_next_without_holes(
    broker: ScriptedBroker, environment: dict[str, str]
) -> None:
    broker.acknowledging = False
    async with relay_connect(environment) as process:
        await broker.command(spawn("nonsense"))
        await broker.report(Exited)
        process.kill()
        await ended(process)
    lost, broker.reports, broker.acknowledging = broker.reports, [], True
    async with relay_connect(environment):
        await broker.until(lambda: broker.reports_seen >= len(lost))
    assert broker.reports[: len(lost)] == lost


async def test_only_one_runs_for_each_state_folder(broker: ScriptedBroker, environment: dict[str, str]) -> None:
    async with relay_connect(environment) as first:
        await broker.until(lambda: bool(broker.hellos))
        async with relay_connect(environment) as second:
            status, output = await ended(second)
    assert status == 2
    assert f"another relay-connect (process {first.pid}) uses" in output


async def test_a_refused_token_ends_it_with_a_status_of_its_own(
    broker: ScriptedBroker, environment: dict[str, str]
) -> None:
    broker.close_next = (close_codes.UNAUTHENTICATED.code, close_codes.UNAUTHENTICATED.reason)
    async with relay_connect(environment) as process:
        status, output = await ended(process)
    assert status == 3
    assert close_codes.UNAUTHENTICATED.reason in output


async def test_json_lines_hold_what_it_tells_about_itself(broker: ScriptedBroker, environment: dict[str, str]) -> None:
    async with relay_connect(environment, "--json") as process:
        await broker.until(lambda: bool(broker.hellos))
        process.terminate()
        _, output = await ended(process)
    lines = [json.loads(line) for line in output.splitlines()]
    assert [line["type"] for line in lines] == ["connected", "stopping"]


def test_without_a_token_it_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RELAYCAST_TOKEN", raising=False)
    monkeypatch.setenv("RELAYCAST_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("RELAYCAST_CONFIG_DIR", str(tmp_path))
    result = CliRunner().invoke(main, ["--headless", "--url", "http://127.0.0.1:9"])
    assert result.exit_code == 2
    assert "set RELAYCAST_TOKEN" in result.output


def test_version_prints_the_version() -> None:
    assert CliRunner().invoke(main, ["version"]).output == f"{__version__}\n"


@pytest.mark.parametrize(("option", "said"), [("--version", __version__), ("-v", __version__), ("-h", "Usage: ")])
def test_the_usual_options_say_what_they_say_everywhere(option: str, said: str) -> None:
    result = CliRunner().invoke(main, [option])
    assert result.exit_code == 0
    assert said in result.output


def test_a_sentence_is_a_task_and_a_word_is_a_mistake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RELAYCAST_TOKEN", raising=False)
    monkeypatch.setenv("RELAYCAST_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("RELAYCAST_CONFIG_DIR", str(tmp_path))
    for given in (["fix the failing test"], ["-p", "fix"]):
        result = CliRunner().invoke(main, ["--url", "http://127.0.0.1:9", *given])
        assert (result.exit_code, "set RELAYCAST_TOKEN" in result.output) == (3, True)
    for given, said in [
        (["docter"], "No such command 'docter'. A task stands in quotes"),
        (["-p", " "], "the task is empty"),
        (["-p", "-", "--token-file", "-"], "standard input is one thing"),
        (["fix it", "now"], "one task, in quotes"),
        (["--headless", "-p", "fix it"], "--headless is a link alone"),
    ]:
        result = CliRunner().invoke(main, given)
        assert (result.exit_code, said in result.output) == (2, True), result.output
