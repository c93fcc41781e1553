"""What acts on commands is loaded with the first of them, and what an earlier start has left is told of without any."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from broker.domain.hooks.runs import RunState
from broker.domain.ids import AgentId, SessionId
from broker.protocol.proxy import Exited, HookRan, Probe, RunHook, Spawn
from connect.access.endpoint import Endpoint, GivenToken, TokenSource
from connect.machine import kept_work
from connect.machine.commands.runner import UNKEPT
from connect.machine.hooks.journal import Journal
from connect.machine.kept_work import is_work_left
from connect.machine.proxy import RelayConnect
from connect.serving.exit_status import ExitStatus
from connect.serving.link_host import LinkHost
from connect.settings import ConnectSettings
from tests.connect.scripted_broker import PERSON, ScriptedBroker, scripted_broker

_PROBE = Probe(agent=AgentId("a1"), generation=1)
_RUN = RunHook(agent=AgentId("a1"), generation=1, run="r1", hook="h1", command="lint")
_SPAWN = Spawn(
    agent=AgentId("a1"),
    generation=1,
    name="Worker",
    session=SessionId("s1"),
    cli="scripted",
    cwd=None,
    instructions="",
    resume=None,
    asked_by=PERSON,
)
_NOT_LOADED = (
    "connect.machine.agent_run",
    "connect.machine.bridges",
    "connect.machine.commands.runner",
    "connect.machine.guarding",
    "connect.machine.hooks.guards",
    "connect.machine.hooks.runner",
    "connect.machine.supervisor",
    "connect.machine.turn_diff",
    "connect.machine.workflows.runner",
    "connect.machine.workshop",
    "connect.machine.worktrees",
    "broker.domain.approvals.rules",
    "broker.domain.hooks.happenings",
    "broker.domain.hooks.matching",
    "broker.domain.logs",
    "broker.domain.workflows.files",
    "broker.domain.workflows.runs.journal",
)
_IDLE = """
import asyncio, json, resource, sys
from pathlib import Path
from connect.access.endpoint import Endpoint, GivenToken, TokenSource
from connect.notices import Connected, Stopping
from connect.serving.link_host import LinkHost
from connect.settings import AgentSettings, ConnectSettings

AGENT = (sys.executable, str(Path("tests/fixtures/scripted_acp_agent.py").resolve()))

def show(notice):
    if isinstance(notice, (Connected, Stopping)):
        print(json.dumps(sorted(sys.modules)), flush=True)
        if sys.argv[3:] == ["full"]:
            resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))

token = GivenToken(text="nt_live_secret-of-the-proxy", source=TokenSource.ENVIRONMENT)
settings = ConnectSettings(endpoint=Endpoint(url=sys.argv[1]), token=token, state_dir=Path(sys.argv[2]), name="idle",
    labels=(), session=None, agents={"scripted": AgentSettings(command=AGENT)}, spool_bytes=1 << 20, cwd=Path.cwd())
sys.exit(asyncio.run(LinkHost(settings, show=show, headless=True).run()))
"""


@pytest.fixture
async def broker() -> AsyncGenerator[ScriptedBroker]:
    async with scripted_broker() as broker:
        yield broker


def settings(broker: ScriptedBroker, folder: Path) -> ConnectSettings:
    return ConnectSettings(
        endpoint=Endpoint(url=broker.url),
        token=GivenToken(text="nt_live_secret-of-the-proxy", source=TokenSource.ENVIRONMENT),
        state_dir=folder,
        name="test",
        labels=(),
        session=None,
        agents={},
        spool_bytes=1024 * 1024,
        cwd=folder,
    )


async def test_a_machine_that_only_waits_has_loaded_nothing_of_what_acts_on_commands(
    broker: ScriptedBroker, tmp_path: Path
) -> None:
    link = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _IDLE, broker.url, str(tmp_path / "s"), stdout=asyncio.subprocess.PIPE, limit=1 << 20
    )
    assert link.stdout is not None
    async with asyncio.timeout(30):
        waiting = json.loads(await link.stdout.readline())
        await broker.command(_PROBE)
        await broker.until(lambda: broker.commands_acked == 1)
        link.terminate()
        at_work = json.loads(await link.stdout.readline())
        assert await link.wait() == 0
    assert [name for name in _NOT_LOADED if any(f"{each}.".startswith(f"{name}.") for each in waiting)] == []
    # With the first command it is there: the names above are those of modules.
    gone = {"connect.machine.bridges"}  # of an agent's program only
    assert [name for name in _NOT_LOADED if name not in {*at_work, *gone}] == ["broker.domain.workflows.runs.journal"]


async def test_first_orders_on_a_disk_that_takes_nothing_more_are_answered_and_the_link_goes_on(
    broker: ScriptedBroker, tmp_path: Path
) -> None:
    link = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _IDLE, broker.url, str(tmp_path / "s"), "full", stdout=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(30):
        await broker.until(lambda: len(broker.hellos) == 1 and broker.connection is not None)
        await broker.command(_RUN)
        ran = await broker.report(HookRan)
        await broker.command(_SPAWN)
        ended = await broker.report(Exited)
        await broker.command(_PROBE)
        await broker.until(lambda: broker.commands_acked == 3)
        link.terminate()
        await link.communicate()
    assert (ran.state, ran.reason) == (RunState.FAILED, UNKEPT)
    assert (ended.agent, ended.expected) == (_SPAWN.agent, False)
    assert ended.reason == "SPAWN_FAILED"
    assert "File too large" in ended.detail
    assert len(broker.hellos) == 1
    assert link.returncode == 0


async def test_a_run_that_a_killed_relay_connect_told_nothing_of_is_told_of_without_a_command(
    broker: ScriptedBroker, tmp_path: Path
) -> None:
    folder = tmp_path / "s"
    folder.mkdir(mode=0o700)
    journal = Journal(folder / kept_work.HOOKS)
    journal.take(_RUN)
    journal.close()
    link = RelayConnect(settings(broker, folder), notice=lambda _: None)
    running = asyncio.ensure_future(link.run())
    told = await broker.report(HookRan)
    link.stopping.set()
    await running
    link.close()
    assert (told.run, told.state) == ("r1", RunState.SKIPPED)


@pytest.mark.parametrize("name", [kept_work.HOOK_EVENTS, kept_work.GUARD_EVENTS, kept_work.WORKFLOW_VALUES])
async def test_private_files_of_a_killed_relay_connect_are_gone_without_a_command(
    broker: ScriptedBroker, tmp_path: Path, name: str
) -> None:
    folder = tmp_path / "s"
    (folder / name).mkdir(mode=0o700, parents=True)
    folder.chmod(0o700)
    (folder / name / "left").write_text("a secret")
    link = RelayConnect(settings(broker, folder), notice=lambda _: None)
    running = asyncio.ensure_future(link.run())
    await broker.until(lambda: len(broker.hellos) == 1)
    link.stopping.set()
    await running
    link.close()
    assert not (folder / name).exists()


def test_nothing_is_left_of_a_start_that_had_no_work_and_what_cannot_be_looked_at_counts_as_left(
    tmp_path: Path,
) -> None:
    assert not is_work_left(tmp_path)
    (tmp_path / kept_work.COMMANDS).touch()
    assert not is_work_left(tmp_path)
    (tmp_path / kept_work.GUARDS).symlink_to(tmp_path / kept_work.GUARDS)
    assert is_work_left(tmp_path)


@pytest.mark.parametrize("how", ["another version", "taken away"])
async def test_a_link_whose_program_was_replaced_while_it_waited_ends_for_its_service_and_loses_no_command(
    broker: ScriptedBroker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    # The system would list this process as a link from then on, and whatever later tests start as an agent's doing.
    monkeypatch.setattr("connect.serving.link_host.become_link", lambda: False)
    host = LinkHost(settings(broker, tmp_path / "s"), show=lambda _: None, headless=True)
    running = asyncio.ensure_future(host.run())
    await broker.until(lambda: len(broker.hellos) == 1)
    with monkeypatch.context() as replaced:
        if how == "another version":
            replaced.setattr("connect.machine.proxy.installed_version", lambda: "9.9.9")
        else:
            replaced.setitem(sys.modules, "connect.machine.workshop", None)  # which is how Python says it is not there
        await broker.command(_RUN)
        async with asyncio.timeout(15):
            status = await running
    assert status == ExitStatus.UNFORESEEN
    assert (host.refusal or "").endswith("start it again")
    assert broker.commands_acked == 0
    again = RelayConnect(settings(broker, tmp_path / "s"), notice=lambda _: None)
    running_again = asyncio.ensure_future(again.run())
    told = await broker.report(HookRan)
    again.stopping.set()
    await running_again
    again.close()
    assert told.run == "r1"
    assert broker.of(Exited) == []
