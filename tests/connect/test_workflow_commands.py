"""`relay-connect workflow` as a person types it, and as an agent tries to; and a command over a real link."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from broker.domain.ids import SessionId
from broker.domain.workflows.planning.plan import plan_workflow
from broker.domain.workflows.runs.commands import CommandKind, CommandState, digest_of, shell_template
from broker.protocol.proxy import AskedBy, CommandRan, RunCommand, StopCommand
from broker.protocol.relay_yaml.reader import read_workflow_file
from connect.machine.workflows.consent_file import ConsentFile
from connect.machine.workflows.consents import Consents, Standing
from connect.machine.workflows.refusals import Refusal, Refusals
from connect.policy.folders import real_folder
from connect.policy.policy import Policy
from connect.policy.policy_file import PolicyFile
from connect.system.process_tree import MARK
from tests.connect.at_terminal import RELAY_CONNECT, at_terminal, run_by_script
from tests.connect.program import environment_for, relay_connect
from tests.connect.scripted_broker import ScriptedBroker, scripted_broker

FILE = """\
version: "1.0"
name: build it
swarm: {pattern: dag}
workflows:
  - name: default
    steps:
      - {name: lint, type: deterministic, command: "make lint"}
      - name: web
        type: deterministic
        cwd: web
        command: |
          npm test
          echo {{steps.lint.output}}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = real_folder(tmp_path)
    (folder / "project").mkdir()
    (folder / "state").mkdir(mode=0o700)
    PolicyFile(folder, state=folder / "state").write(Policy(folders=(folder / "project",)))
    (folder / "relay.yaml").write_text(FILE)
    return folder


@pytest.fixture
def environment(folder: Path) -> dict[str, str]:
    return environment_for(ScriptedBroker(), folder)


@pytest.fixture
def file(folder: Path) -> ConsentFile:
    return ConsentFile(folder, state=folder / "state")


def person(environment: Mapping[str, str], *words: str, types: str = "") -> tuple[int, str]:
    """Somebody at a terminal types `relay-connect workflow …`."""
    return at_terminal([*RELAY_CONNECT, "workflow", *words], environment=environment, types=types)


def piped(environment: Mapping[str, str], *words: str) -> tuple[int, str]:
    """A script runs it."""
    return run_by_script([*RELAY_CONNECT, "workflow", *words], environment=environment)


def refused(folder: Path, *templates: str, name: str = "build it") -> None:
    """Of a workflow something was not run on this machine."""
    project = str(folder / "project")
    Refusals(folder / "state").add(
        Refusal(name=name, templates=templates, folder=project, root=project, standing=Standing.UNKNOWN, why="unknown")
    )


def test_a_file_is_shown_whole_and_allowed_as_the_broker_will_order_it(
    environment: dict[str, str], folder: Path, file: ConsentFile
) -> None:
    status, seen = person(environment, "allow", str(folder / "relay.yaml"), types="y\n")
    assert status == 0, seen
    for line in ("workflow build it", "command: make lint", "command: npm test", "  echo {{steps.lint.output}}"):
        assert line in seen
    given = file.parse(file.content()).allow
    read = read_workflow_file(FILE).file
    assert read is not None
    assert {each.digest for each in given} == {each.digest for each in plan_workflow(read).consents}
    assert {each.root.name for each in given} == {"web", given[0].root.name}
    assert file.is_confirmed(file.content())
    assert "is allowed already" in person(environment, "allow", str(folder / "relay.yaml"))[1]


def test_a_workflow_that_was_refused_is_allowed_by_its_name(
    environment: dict[str, str], folder: Path, file: ConsentFile
) -> None:
    refused(folder, "command: make\x1b[2J")
    assert "? build it  waits" in piped(environment)[1]
    assert "Allow exactly this?" in person(environment, "allow", "build it", types="n\n")[1]
    assert file.content() is None
    status, seen = person(environment, "allow", "build it", types="y\n")
    assert (status, "\x1b[2J" in seen) == (0, False)
    [consent] = file.parse(file.content()).allow
    assert (consent.digest, consent.root) == (digest_of(["command: make\x1b[2J"]), folder / "project")
    refused(folder, "command: make", "command: curl evil")
    seen = person(environment, "review", types="n\n")[1]
    assert "not as it was allowed:" in seen
    assert "+command: curl evil" in seen
    listed = json.loads(piped(environment, "list", "--json")[1])
    assert (listed["confirmed"], len(listed["refused"]), len(listed["allow"])) == (True, 1, 1)


def test_a_person_denies_and_forgets(environment: dict[str, str], folder: Path, file: ConsentFile) -> None:
    refused(folder, "command: make")
    assert person(environment, "deny", str(folder / "relay.yaml"))[0] == 0
    assert file.parse(file.content()) == Consents(deny=("build it",))
    assert "Nothing waits for a decision." in person(environment, "review")[1]
    assert person(environment, "forget", "build it")[0] == 0
    assert file.parse(file.content()) == Consents()
    assert person(environment, "allow", "another")[0] == 2


@pytest.mark.parametrize("words", [("allow", "build it"), ("deny", "build it"), ("forget", "build it"), ("review",)])
def test_scripts_and_agents_change_nothing(
    environment: dict[str, str], folder: Path, file: ConsentFile, words: tuple[str, ...]
) -> None:
    refused(folder, "command: make")
    status, seen = piped(environment, *words)
    assert (status, "a terminal of the machine" in seen) == (2, True), seen
    marked = {**environment, MARK: "an-agent"}
    status, seen = person(marked, *words, types="y\n")
    assert (status, "an agent has started this" in seen) == (2, True), seen
    assert file.content() is None


def test_a_list_that_was_changed_otherwise_has_to_be_looked_at(
    environment: dict[str, str], folder: Path, file: ConsentFile
) -> None:
    file.path.write_text('deny = ["other"]\n')
    file.path.chmod(0o600)
    assert "nobody has confirmed it" in piped(environment)[1]
    assert person(environment, "deny", "build it")[0] == 2
    assert "confirmed" in person(environment, "review", types="y\n")[1]
    assert file.is_confirmed(file.content())


def test_a_file_that_cannot_run_is_not_allowed(environment: dict[str, str], folder: Path) -> None:
    (folder / "relay.yaml").write_text("version: 1")
    status, seen = person(environment, "allow", str(folder / "relay.yaml"))
    assert (status, "relaycast workflow check" in seen) == (2, True)


async def test_a_running_link_takes_orders_goes_by_a_persons_word_and_tells_the_end(folder: Path) -> None:
    template = shell_template("cat; printf %s {{name}}")
    order = RunCommand(
        command="c1",
        run="r1",
        step="build",
        attempt=1,
        session=SessionId("s1"),
        file="build it",
        templates=[template],
        template=template,
        kind=CommandKind.SHELL,
        text="cat; printf %s {{name}}",
        values={"name": "$(id)"},
        cwd=str(folder / "project"),
        asked_by=AskedBy(kind="person", owner=True),
    )
    async with scripted_broker() as broker:
        environment = environment_for(broker, folder)
        async with relay_connect(environment):
            await broker.until(lambda: bool(broker.hellos))
            assert broker.hellos[-1].runs_commands
            await broker.command(order)
            waits = await end_of(broker, "c1")
            assert waits.state is CommandState.NEEDS_CONSENT
            assert "relay-connect workflow allow 'build it'" in waits.reason
            status, seen = await asyncio.to_thread(person, environment, "allow", "build it", types="y\n")
            assert status == 0, seen
            await broker.command(order.model_copy(update={"command": "c2"}))
            ended = await end_of(broker, "c2")
            assert (ended.exit_code, ended.output) == (0, "$(id)")
            await broker.command(StopCommand(command="c2"))


async def end_of(broker: ScriptedBroker, command: str) -> CommandRan:
    return await broker.report(CommandRan, lambda each: each.command == command and each.state.is_end)
