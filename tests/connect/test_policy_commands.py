"""`relay-connect policy` as a person types it, and as an agent tries to."""

from __future__ import annotations

import asyncio
import json
import shlex
from collections.abc import AsyncGenerator, Mapping
from pathlib import Path

import pytest

from broker.domain.ids import AgentId, SessionId
from broker.protocol.proxy import Exited, Spawn, Started
from connect.policy.folders import real_folder
from connect.policy.policy import Policy, Widening
from connect.policy.policy_file import DEFAULTS, Content, PolicyFile
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
def environment(tmp_path: Path) -> dict[str, str]:
    return environment_for(ScriptedBroker(), real_folder(tmp_path))


@pytest.fixture
def file(tmp_path: Path) -> PolicyFile:
    return PolicyFile(tmp_path, state=tmp_path / "state")


def person(environment: Mapping[str, str], *words: str, types: str = "") -> tuple[int, str]:
    """Somebody at a terminal types `relay-connect policy …`."""
    return at_terminal([*RELAY_CONNECT, "policy", *words], environment=environment, types=types)


def piped(environment: Mapping[str, str], *words: str) -> tuple[int, str]:
    """A script runs it."""
    return run_by_script([*RELAY_CONNECT, "policy", *words], environment=environment)


def test_a_person_allows_and_denies_folders(environment: dict[str, str], file: PolicyFile, tmp_path: Path) -> None:
    folder = real_folder(tmp_path) / "a b"
    (folder / ".gemini").mkdir(parents=True)
    (folder / ".gemini" / "settings.json").write_text("{}")
    (tmp_path / "link").symlink_to(folder)
    status, seen = person(environment, "allow-folder", str(tmp_path / "link"))
    assert (status, f"agents may work in {folder} and below" in seen) == (0, True)
    assert "can run commands: .gemini/settings.json" in seen
    assert file.read().policy.folders == (folder,)
    assert file.read_confirmed() == file.content().hash
    status, seen = person(environment, "deny-folder", str(tmp_path))
    assert (status, "is not one of the allowed folders" in seen) == (2, True)
    file.remember(file.read().policy, Path("/srv/a"))
    assert person(environment, "deny-folder", str(folder), "/srv/a")[0] == 0
    assert file.read().policy.folders_from(None) == ()


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("strict", "true", Policy(strict=True)),
        ("programs", "claude, codex", Policy(programs=("claude", "codex"))),
        ("programs", "all", Policy(programs=None)),
        ("most-agents", "3", Policy(most_agents=3)),
        ("widening", "drop", Policy(widening=Widening.DROP)),
        ("ask", "none", Policy(ask=frozenset())),
    ],
)
def test_a_person_sets_a_value(
    environment: dict[str, str], file: PolicyFile, name: str, value: str, expected: Policy
) -> None:
    status, seen = person(environment, "set", name, value)
    assert (status, "✓" in seen) == (0, True)
    assert file.read().policy == expected


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("set", "strikt", "true"), "there is no value 'strikt'"),
        (("set", "most_agents", "many"), "most_agents: Input should be a valid integer"),
        (("set", "folders", "/"), "allow-folder"),
        (("allow-folder", "/does/not/exist"), "No such file or directory"),
    ],
)
def test_what_cannot_be_set_is_a_sentence(
    environment: dict[str, str], file: PolicyFile, words: tuple[str, ...], says: str
) -> None:
    status, seen = person(environment, *words)
    assert (status, says in seen) == (2, True), seen
    assert file.content() == DEFAULTS


def test_what_holds_is_shown_with_its_sources_without_a_terminal_too(
    environment: dict[str, str], file: PolicyFile
) -> None:
    file.write(Policy(strict=True))
    status, seen = piped(environment)
    assert status == 0
    assert "policy.toml" in next(line for line in seen.splitlines() if line.startswith("strict"))
    assert "default" in next(line for line in seen.splitlines() if line.startswith("most_agents "))
    told = json.loads(piped(environment, "show", "--json")[1])
    assert told["confirmed"]
    assert told["policy"]["strict"] == {"value": "yes", "source": str(file.path)}


CHANGES = [("allow-folder", "/"), ("deny-folder", "/"), ("set", "strict", "false"), ("edit",), ("reset",), ("confirm",)]


@pytest.mark.parametrize("words", CHANGES, ids=lambda words: words[0])
def test_nothing_is_changed_without_a_terminal(
    environment: dict[str, str], file: PolicyFile, words: tuple[str, ...]
) -> None:
    file.write(Policy(strict=True))
    status, seen = piped(environment, *words)
    assert (status, "TERMINAL_NEEDED" in seen) == (2, True)
    assert file.read().policy == Policy(strict=True)


@pytest.mark.parametrize("words", CHANGES, ids=lambda words: words[0])
def test_nothing_is_changed_by_what_an_agent_has_started(
    environment: dict[str, str], file: PolicyFile, words: tuple[str, ...]
) -> None:
    file.write(Policy(strict=True))
    status, seen = person({**environment, MARK: "an-agents"}, *words)
    assert (status, "STARTED_BY_AGENT" in seen) == (2, True)
    assert file.read().policy == Policy(strict=True)


def test_a_change_that_nobody_has_confirmed_is_shown_and_confirmed_or_not(
    environment: dict[str, str], file: PolicyFile
) -> None:
    file.write(Policy())
    file.path.write_text('folders = ["/"]\n')
    assert "was changed and not confirmed" in piped(environment)[1]
    status, seen = person(environment, "set", "strict", "true")
    assert (status, "POLICY_CHANGED" in seen) == (2, True)
    status, seen = person(environment, "confirm", types="n\n")
    assert status == 1
    assert file.read_confirmed() != file.content().hash
    status, seen = person(environment, "confirm", types="y\n")
    assert status == 0
    assert "folders" in seen
    assert file.read_confirmed() == file.content().hash


def test_the_defaults_come_back(environment: dict[str, str], file: PolicyFile) -> None:
    file.write(Policy(strict=True))
    assert person(environment, "reset")[0] == 0
    assert file.content() == DEFAULTS
    assert "nobody has confirmed" not in piped(environment)[1]


def test_the_file_is_edited_as_text_and_put_in_place_only_when_it_is_right(
    environment: dict[str, str], file: PolicyFile, tmp_path: Path
) -> None:
    editor = tmp_path / "editor"
    editor.write_text('#!/bin/sh\nprintf "%s" "$TEXT" > "$1"\n')
    editor.chmod(0o755)
    kept = {**environment, "VISUAL": str(editor)}
    status, seen = person({**kept, "TEXT": "# mine\nstrict = true\n"}, "edit")
    assert status == 0, seen
    assert file.content().policy == b"# mine\nstrict = true\n"
    assert person({**kept, "TEXT": "strict = 7"}, "edit")[0] == 2
    assert file.read().policy == Policy(strict=True)


# --- beside a running link -------------------------------------------------------------------------------------------


def spawn(cwd: Path | None = None, *, agent: AgentId = AGENT) -> Spawn:
    return Spawn(
        agent=agent,
        generation=1,
        name="Worker",
        session=SessionId("s1"),
        cli="scripted",
        cwd=str(cwd) if cwd else None,
        asked_by=PERSON,
    )


async def test_a_running_link_takes_what_a_person_changes(
    broker: ScriptedBroker, file: PolicyFile, tmp_path: Path
) -> None:
    environment, other = environment_for(broker, tmp_path), real_folder(tmp_path) / "other"
    other.mkdir()
    async with relay_connect(environment):
        await broker.command(spawn(other))
        assert (await broker.report(Exited)).reason == "FOLDER_NOT_ALLOWED"
        status, seen = await asyncio.to_thread(person, environment, "allow-folder", str(other))
        assert status == 0, seen
        await broker.command(spawn(other, agent=AgentId("a2")))
        assert (await broker.report(Started)).cwd == str(other)


async def test_a_running_link_does_not_take_what_an_agent_changes_however_it_hides(
    broker: ScriptedBroker, file: PolicyFile, tmp_path: Path
) -> None:
    environment = environment_for(broker, tmp_path)
    command = posing([*RELAY_CONNECT, "policy", "allow-folder", "/"], environment=environment)
    async with relay_connect(environment):
        await broker.command(spawn())
        seen = await broker.says(f"run {shlex.join(command)}")
        assert "STARTED_BY_AGENT" in seen
        await broker.command(spawn(Path("/"), agent=AgentId("a2")))
        assert (await broker.report(Exited)).reason == "FOLDER_NOT_ALLOWED"
    assert file.content() == DEFAULTS


async def test_files_that_an_agent_writes_by_itself_stop_every_new_agent_and_the_running_one_goes_on(
    broker: ScriptedBroker, file: PolicyFile, tmp_path: Path
) -> None:
    environment = environment_for(broker, tmp_path)
    wide = b'folders = ["/"]\n'
    confirmed = tmp_path / "state" / "policy.confirmed"
    known = Content(policy=wide, remembered=None).hash
    forged = f"printf '{wide.decode().strip()}\\n' > {file.path}; printf {known} > {confirmed}"
    async with relay_connect(environment):
        await broker.command(spawn())
        await broker.says(f"run umask 077; {forged}")
        assert file.read_confirmed() == file.content().hash
        await broker.command(spawn(Path("/"), agent=AgentId("a2")))
        exited = await broker.report(Exited)
    assert exited.reason == "POLICY_CHANGED"
    assert "relay-connect policy confirm" in exited.detail
