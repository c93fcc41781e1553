"""`relay-connect hooks` as a person types it, and as an agent tries to; and hooks over a real link."""

from __future__ import annotations

import asyncio
import json
import os
import shlex
import signal
import subprocess
from collections.abc import AsyncGenerator, Mapping
from pathlib import Path
from typing import Any

import pytest

from broker.domain.hooks.runs import RunState
from broker.domain.ids import AgentId, SessionId
from broker.protocol.hooks_yaml.reader import read_hooks
from broker.protocol.proxy import HookRan, RunHook, Spawn, Started
from connect.machine.hooks.consent_file import ConsentFile, to_toml
from connect.machine.hooks.consents import Consents, Standing
from connect.machine.hooks.refusals import Refusal, Refusals
from connect.policy.allow_file import hash_of
from connect.policy.folders import real_folder
from connect.policy.policy import Policy
from connect.policy.policy_file import PolicyFile
from connect.system import process_tree
from connect.system.process_tree import MARK
from tests.connect.at_terminal import RELAY_CONNECT, at_terminal, posing, run_by_script
from tests.connect.program import environment_for, relay_connect
from tests.connect.scripted_broker import PERSON, ScriptedBroker, scripted_broker

AGENT = AgentId("a1")


@pytest.fixture
async def broker() -> AsyncGenerator[ScriptedBroker]:
    async with scripted_broker() as broker:
        yield broker


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = real_folder(tmp_path)
    (folder / "project").mkdir()
    (folder / "state").mkdir(mode=0o700)
    PolicyFile(folder, state=folder / "state").write(Policy(folders=(folder / "project",)))
    return folder


@pytest.fixture
def environment(folder: Path) -> dict[str, str]:
    return environment_for(ScriptedBroker(), folder)


@pytest.fixture
def file(folder: Path) -> ConsentFile:
    return ConsentFile(folder, state=folder / "state")


def person(environment: Mapping[str, str], *words: str, types: str = "") -> tuple[int, str]:
    """Somebody at a terminal types `relay-connect hooks …`."""
    return at_terminal([*RELAY_CONNECT, "hooks", *words], environment=environment, types=types)


def piped(environment: Mapping[str, str], *words: str) -> tuple[int, str]:
    """A script runs it."""
    return run_by_script([*RELAY_CONNECT, "hooks", *words], environment=environment)


def refused(folder: Path, *command: str, hook: str = "lint", **given: Any) -> Refusal:
    """A hook that this machine has not run."""
    plain = {"id": hook, "command": command, "timeout_s": 60, "standing": Standing.UNKNOWN, "why": "not allowed"}
    project = str(folder / "project")
    made = Refusal.model_validate({**plain, "root": project, "folder": project, "program": "/usr/bin/env", **given})
    Refusals(folder / "state").add(made)
    return made


def test_a_person_is_shown_all_of_a_hook_and_allows_it(
    environment: dict[str, str], folder: Path, file: ConsentFile
) -> None:
    script = folder / "project" / "check.sh"
    script.touch()
    env = ("CI", "OPENAI_API_KEY")
    hook = refused(folder, "lint", "--", "${file}", "\x1b]0;x\x07", env=env, cwd="web", files=(str(script),))
    status, seen = person(environment, "allow", "lint", types="y\n")
    assert status == 0, seen
    assert '["lint", "--", "${file}", "\\u001b]0;x\\u0007"]' in seen
    assert "program      /usr/bin/env" in seen
    assert f"in           {folder / 'project'} and below" in seen
    assert "folder       web, inside the agent's" in seen
    assert "environment  PATH, HOME, LANG, TZ, CI" in seen
    assert "OPENAI_API_KEY: tokens are never passed on" in seen
    assert "time         at most 60 s" in seen
    assert f"{script} as it is now (sha256 e3b0c44298fc" in seen
    [consent] = file.parse(file.content()).allow
    assert consent.fingerprint == hook.action.fingerprint
    assert file.is_confirmed(file.content())
    assert file.path.stat().st_mode & 0o777 == 0o600
    listed = json.loads(piped(environment, "list", "--json")[1])
    assert (listed["confirmed"], listed["refused"], len(listed["allow"])) == (True, [], 1)


def test_what_is_not_said_yes_to_is_not_allowed(environment: dict[str, str], folder: Path, file: ConsentFile) -> None:
    refused(folder, "lint")
    assert "Allow exactly this?" in person(environment, "allow", types="n\n")[1]
    assert "Allow exactly this?" in person(environment, "review", types="\n")[1]
    assert file.content() is None
    status, seen = person(environment, "allow", "another")
    assert (status, "was refused on this machine lately" in seen) == (2, True)


def test_what_was_modified_is_shown_with_the_difference(environment: dict[str, str], folder: Path) -> None:
    refused(folder, "lint")
    person(environment, "allow", "lint", types="y\n")
    refused(folder, "lint", "--evil", timeout_s=599)
    seen = piped(environment)[1]
    assert "? lint  modified" in seen
    seen = person(environment, "allow", "lint", types="n\n")[1]
    assert '- runs: ["lint"]' in seen
    assert '+ runs: ["lint", "--evil"]' in seen
    assert "+ time: at most 599 s" in seen


def test_words_that_are_a_program_need_to_be_asked_for(
    environment: dict[str, str], folder: Path, file: ConsentFile
) -> None:
    refused(folder, "sh", "-c", "id")
    status, seen = person(environment, "allow", "lint", types="y\n")
    assert (status, "relay-connect hooks allow --shell lint" in seen) == (2, True)
    assert file.content() is None
    status, seen = person(environment, "allow", "--shell", "lint", types="y\n")
    assert (status, file.parse(file.content()).allow[0].shell) == (0, True), seen


def test_a_person_denies_and_forgets(environment: dict[str, str], folder: Path, file: ConsentFile) -> None:
    refused(folder, "lint")
    assert person(environment, "deny", "lint")[0] == 0
    assert file.parse(file.content()) == Consents(deny=("lint",))
    assert "Nothing was refused lately." in person(environment, "allow")[1]
    assert person(environment, "forget", "lint")[0] == 0
    assert file.parse(file.content()) == Consents()
    assert person(environment, "deny", "\x1b[2J")[0] == 2


CHANGES = [("allow",), ("allow", "lint"), ("deny", "lint"), ("forget", "lint"), ("review",)]


@pytest.mark.parametrize("words", CHANGES, ids=" ".join)
def test_nothing_is_changed_without_a_terminal_or_by_what_an_agent_has_started(
    environment: dict[str, str], folder: Path, file: ConsentFile, words: tuple[str, ...]
) -> None:
    refused(folder, "lint")
    status, seen = piped(environment, *words)
    assert (status, "TERMINAL_NEEDED" in seen) == (2, True)
    status, seen = person({**environment, MARK: "an-agents"}, *words, types="y\ny\n")
    assert (status, "STARTED_BY_AGENT" in seen) == (2, True)
    assert file.content() is None


def test_a_list_that_was_changed_in_another_way_has_to_be_looked_at(
    environment: dict[str, str], folder: Path, file: ConsentFile
) -> None:
    refused(folder, "lint")
    person(environment, "allow", "lint", types="y\n")
    content = to_toml(Consents(deny=("other",)))
    file.path.write_bytes(content)
    assert "nobody has confirmed it" in piped(environment)[1]
    status, seen = person(environment, "deny", "lint")
    assert (status, "HOOKS_CHANGED" in seen) == (2, True)
    status, seen = person(environment, "review", types="y\nn\n")
    assert (status, "denied: other" in seen) == (0, True)
    assert file.read_confirmed() == hash_of(content)


# --- beside a running link -------------------------------------------------------------------------------------------


def order(run: str, *command: str, **given: Any) -> RunHook:
    plain = {"agent": AGENT, "generation": 1, "run": run, "hook": "h1", "command": list(command)}
    return RunHook.model_validate({**plain, **given})


async def agent_in(broker: ScriptedBroker, folder: Path) -> None:
    spawn = Spawn(
        agent=AGENT,
        generation=1,
        name="Worker",
        session=SessionId("s1"),
        cli="scripted",
        cwd=str(folder / "project"),
        asked_by=PERSON,
    )
    await broker.command(spawn)
    await broker.report(Started)


async def end_of(broker: ScriptedBroker, run: str) -> HookRan:
    return await broker.report(HookRan, lambda each: each.run == run and each.state is not RunState.STARTED)


async def test_a_hook_runs_over_a_link_once_a_person_has_allowed_it(broker: ScriptedBroker, folder: Path) -> None:
    environment = environment_for(broker, folder)
    async with relay_connect(environment) as process:
        await agent_in(broker, folder)
        assert broker.hellos[-1].runs_hooks
        await broker.command(order("r1", "cat", event={"type": "on_turn_complete"}))
        refused = await end_of(broker, "r1")
        assert (refused.state, "relay-connect hooks allow h1" in refused.reason) == (RunState.REFUSED, True)
        status, seen = await asyncio.to_thread(person, environment, "allow", "h1", types="y\n")
        assert status == 0, seen
        await broker.command(order("r2", "cat", event={"type": "on_turn_complete"}))
        ran = await end_of(broker, "r2")
        assert (ran.state, ran.output) == (RunState.COMPLETED, '{"type":"on_turn_complete"}\n')
        await broker.command(order("r2", "cat", event={"type": "again"}))
        await broker.until(lambda: len([each for each in broker.of(HookRan) if each.run == "r2"]) == 3)
        assert broker.of(HookRan)[-1].state is RunState.COMPLETED
        process.terminate()
        assert process.stdout is not None
        told = (await process.stdout.read()).decode()
    assert "hook h1 was not run: cat" in told
    assert "relay-connect hooks allow h1" in told


async def test_no_agent_allows_a_hook_however_it_hides(broker: ScriptedBroker, folder: Path, file: ConsentFile) -> None:
    environment = environment_for(broker, folder)
    command = posing([*RELAY_CONNECT, "hooks", "deny", "h1"], environment=environment)
    async with relay_connect(environment):
        await agent_in(broker, folder)
        assert "STARTED_BY_AGENT" in await broker.says(f"run {shlex.join(command)}")
    assert file.content() is None


async def test_a_list_and_its_confirmation_written_by_an_agent_allow_nothing(
    broker: ScriptedBroker, folder: Path, file: ConsentFile
) -> None:
    environment = environment_for(broker, folder)
    async with relay_connect(environment):
        await agent_in(broker, folder)
        await broker.command(order("r1", "cat"))
        await end_of(broker, "r1")
        status, seen = await asyncio.to_thread(person, environment, "allow", "h1", types="y\n")
        assert status == 0, seen
        forged = file.path.read_bytes() + b"# forged\n"
        file.path.write_bytes(forged)
        (folder / "state" / "hooks.confirmed").write_text(hash_of(forged))
        await broker.command(order("r2", "cat"))
        assert (await end_of(broker, "r2")).state is RunState.REFUSED


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="what is left over is found through /proc, on Linux only")
async def test_a_run_that_a_kill_has_cut_off_is_told_of_and_neither_goes_on_nor_starts_again(
    broker: ScriptedBroker, folder: Path
) -> None:
    environment = environment_for(broker, folder)
    program = folder / "sleeps"
    program.write_text(f"#!/bin/sh\necho $$ >> {folder}/pids\nsleep 600 & echo $! >> {folder}/pids\nwait\n")
    program.chmod(0o755)
    async with relay_connect(environment) as process:
        await agent_in(broker, folder)
        await broker.command(order("r1", str(program)))
        await end_of(broker, "r1")
        status, seen = await asyncio.to_thread(person, environment, "allow", "h1", types="y\n")
        assert status == 0, seen
        await broker.command(order("r2", str(program)))
        await broker.report(HookRan, lambda each: each.run == "r2" and each.state is RunState.STARTED)
        pids = await asyncio.to_thread(both_pids, folder / "pids")
        os.kill(process.pid, signal.SIGKILL)
        await process.wait()
    async with relay_connect(environment):
        ended = await end_of(broker, "r2")
        assert (ended.state, "relay-connect ended while it ran" in ended.reason) == (RunState.INTERRUPTED, True)
        await broker.command(order("r2", str(program)))
        await broker.until(lambda: broker.commands_acked >= len(broker.commands))
        assert not any(process_tree.is_running(process_tree.key_of(pid)) for pid in pids)
    assert len((folder / "pids").read_text().split()) == 2


def both_pids(file: Path) -> list[int]:
    """Once both processes have told theirs."""
    while not file.exists() or len(file.read_text().split()) < 2:
        os.sched_yield()
    return [int(pid) for pid in file.read_text().split()]


def test_a_hooks_file_is_allowed_before_anything_of_it_was_refused(
    environment: dict[str, str], folder: Path, file: ConsentFile
) -> None:
    project = folder / "project"
    (project / "check.sh").write_text("#!/bin/sh\n")
    text = """
hooks:
  codex:
    on_turn_complete: {id: told, relay: Lead}
    on_file_change:
      - {id: check, command: "./check.sh ${file}", timeout: 5s}
      - {id: gone, command: "no-such-program-here"}
"""
    (project / "hooks.yaml").write_text(text)
    argv = [*RELAY_CONNECT, "hooks", "allow", "hooks.yaml"]
    status, seen = at_terminal(argv, environment=environment, types="y\n", cwd=project)
    assert (status, seen.count("Allow exactly this?")) == (0, 1), seen
    assert "! gone: its program is not found here: no-such-program-here" in seen
    [consent] = file.parse(file.content()).allow
    assert (consent.id, consent.program, consent.roots) == ("check", project / "check.sh", (project,))
    assert list(consent.files) == [str(project / "check.sh")], "agents can change it: it is held to what it is now"
    status, seen = at_terminal(argv, environment=environment, types="", cwd=project)
    assert "has no command that could be allowed here and is not yet" in seen
    (project / "hooks.yaml").write_text("hooks: {codex: {on_trun_start: x}}")
    status, seen = at_terminal(argv, environment=environment, types="", cwd=project)
    assert (status, "line 1, column 17: there is no event" in seen) == (2, True)


VENDORS = {
    "claude": {"Stop": [{"hooks": [{"type": "command", "command": "$CLAUDE_PROJECT_DIR/done.sh", "timeout": 9}]}]},
    "codex": {"Stop": [{"hooks": [{"type": "command", "command": "say done"}]}]},
    "gemini": {"AfterAgent": [{"hooks": [{"type": "command", "command": "say done", "timeout": 9000}]}]},
}


@pytest.mark.parametrize(("vendor", "hooks"), VENDORS.items(), ids=VENDORS)
def test_a_vendors_file_is_printed_as_a_hooks_file_and_what_is_left_out_beside_it(
    environment: dict[str, str], folder: Path, vendor: str, hooks: dict[str, Any]
) -> None:
    given = folder / "given.json"
    given.write_text(json.dumps({"hooks": {**hooks, "SubagentStop": [{"hooks": []}]}}))
    program = [*RELAY_CONNECT, "hooks", "import", vendor, str(given)]
    ran = subprocess.run(program, env=environment, capture_output=True, text=True, check=True)
    [hook] = read_hooks(ran.stdout).hooks
    assert str(hook.selector) == vendor
    assert "! SubagentStop[0]: no event here stands for 'SubagentStop'" in ran.stderr
    for content, says in (("{}", "it holds no `hooks` object"), ("{", "Expecting property name")):
        given.write_text(content)
        ran = subprocess.run(program, env=environment, capture_output=True, text=True, check=False)
        assert (ran.returncode, ran.stdout, says in ran.stderr) == (2, "", True), ran.stderr
