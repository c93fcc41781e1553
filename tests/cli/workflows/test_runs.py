"""`relaycast workflow` on runs, against a gateway with a worker and a machine."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shlex
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import click
import orjson
import pytest
from click.testing import CliRunner

from broker.app import build_workflows
from broker.cli import main
from broker.cli.workflows.runs import whole_id
from broker.domain.approvals.questions import QuestionPrompt
from broker.protocol.agents.events import ApprovalRequested
from broker.protocol.proxy import Answer as OrderedAnswer
from broker.protocol.proxy import Deliver
from broker.settings import Settings
from connect.sdk import AgentRelay
from connect.sdk.workflow_runs import find_run
from tests.fixtures.gateway import Gateway, Machine
from tests.fixtures.shell import Shell, shell_of

ODD = "is it #1? 100%"
TEXT = f"""\
version: "1.0"
name: odd
swarm: {{ pattern: dag }}
workflows:
  - name: odd
    steps:
      - {{ name: "{ODD}", type: deterministic, command: make }}
      - {{ name: ask, type: approval, dependsOn: ["{ODD}"] }}
      - {{ name: "{ODD} behind", type: deterministic, command: make, dependsOn: [ask] }}
"""


@pytest.fixture
def shell(gateway: Gateway) -> Shell:
    return shell_of(gateway, "workflow")


@contextlib.asynccontextmanager
async def working(gateway: Gateway) -> AsyncIterator[None]:
    async with gateway.machine(runs_commands=True), a_worker(gateway):
        yield


@contextlib.asynccontextmanager
async def a_worker(gateway: Gateway) -> AsyncIterator[None]:
    task = asyncio.create_task(build_workflows(Settings(), gateway.adapters).run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_step_is_found_by_whatever_name_it_has(gateway: Gateway, shell: Shell, tmp_path: Path) -> None:
    file = tmp_path / "relay.yaml"
    file.write_text(TEXT)
    async with working(gateway):
        run = (await shell("run", str(file), "--detach")).stdout.strip()
        async with asyncio.timeout(30):
            while orjson.loads((await shell("show", run, "--json")).stdout)["steps"][1]["state"] != "running":
                await asyncio.sleep(0.05)
        assert (await shell("logs", run[:8], "--step", ODD)).stdout == f"{ODD}\n"
        assert "waits for an answer, in the dashboard's inbox" in (await shell("show", run)).stdout
        assert (await shell("skip", run, f"{ODD} behind", "--output", "by hand", "--detach")).exit_code == 0
        assert (
            await shell("logs", run)
        ).stdout == f"--- {ODD} (attempt 1)\n{ODD}\n--- {ODD} behind (attempt 0)\nby hand\n"
        async with AgentRelay(gateway.url, gateway.key) as relay:
            found = await find_run(relay, run)
            assert await found.output(ODD) == ODD
            await found.cancel()
            ended = await found.wait()
        assert (ended.state, ended.steps[ODD].output) == ("cancelled", ODD)


GATE = """\
version: "1.0"
name: release
swarm: { pattern: dag }
workflows:
  - name: release
    steps:
      - { name: "may it?", type: approval, message: "May version 7 go out?" }
      - { name: out, type: deterministic, command: make, dependsOn: ["may it?"] }
"""
CALLING = """\
version: "1.0"
name: calling
swarm: { pattern: dag }
workflows:
  - { name: calling, steps: [ { name: called, type: subworkflow, workflow: asking } ] }
  - { name: asking, steps: [ { name: gate, type: approval } ] }
"""


def test_whatever_follows_a_run_says_how_it_ends() -> None:
    for command in ("run", "retry", "resume", "allow"):
        said = CliRunner().invoke(main, ["workflow", command, "--help"]).output
        assert "--wait-for-people / --no-wait-for-people" in said
    assert "75   it needs a person" in CliRunner().invoke(main, ["workflow", "run", "--help"]).output


async def test_a_run_that_waits_for_nothing_but_a_person_says_how_to_answer_and_ends_with_75(
    gateway: Gateway, shell: Shell, tmp_path: Path
) -> None:
    file = tmp_path / "relay.yaml"
    file.write_text(GATE)
    async with working(gateway):
        waiting = await shell("run", str(file))
        run = orjson.loads((await shell("list", "--json")).stdout)["runs"][0]["id"]
        assert waiting.exit_code == 75
        assert waiting.stdout.splitlines()[-5:] == [
            "? waits for a person",
            "  ? may it? asks: May version 7 go out?",
            f"    relaycast workflow allow {run} 'may it?'",
            f"    relaycast workflow deny {run} 'may it?'",
            f"    or at {gateway.url}/workflows/{run}",
        ]
        assert f"      relaycast workflow allow {run} 'may it?'\n" in (await shell("show", run)).stdout
        nothing = await shell("allow", run, "out")
        assert (nothing.exit_code, nothing.stderr) == (
            2,
            "relaycast: out waits for no answer: it is pending [NOTHING_ASKED]\n",
        )
        assert "[STEP_NOT_FOUND]" in (await shell("deny", run, "nothing")).stderr
        allowed = await shell("allow", run, "may it?", "--note", "do it")
        assert (allowed.exit_code, "✓ out: completed" in allowed.stdout) == (0, True)
        assert (await shell("logs", run, "--step", "may it?")).stdout == "do it\n"
        again = await shell("allow", run, "may it?")
        assert again.stderr == "relaycast: may it? waits for no answer: it is completed [NOTHING_ASKED]\n"


async def test_a_no_fails_the_run_with_its_reason(gateway: Gateway, shell: Shell, tmp_path: Path) -> None:
    file = tmp_path / "relay.yaml"
    file.write_text(GATE)
    async with working(gateway):
        assert (await shell("run", str(file))).exit_code == 75
        run = orjson.loads((await shell("list", "--json")).stdout)["runs"][0]["id"]
        denied = await shell("deny", run, "may it?", "--note", "not yet")
        assert (denied.exit_code, ": not yet" in denied.stdout) == (1, True)


async def test_a_question_of_a_called_run_is_its_callers_too(gateway: Gateway, shell: Shell, tmp_path: Path) -> None:
    file = tmp_path / "relay.yaml"
    file.write_text(CALLING)
    async with working(gateway):
        waiting = await shell("run", str(file))
        assert waiting.exit_code == 75
        [answer] = [each.split()[3:] for each in waiting.stdout.splitlines() if "workflow allow" in each]
        assert (await shell("allow", *answer)).exit_code == 0
        run = waiting.stdout.splitlines()[0].split()[-1]
        assert answer[0] != run
        async with AgentRelay(gateway.url, gateway.key) as relay:
            assert (await (await find_run(relay, run)).wait()).state == "completed"


AGENT = """\
version: "1.0"
name: cleaning
swarm: { pattern: dag }
agents: [{ name: Worker, cli: demo, preset: worker }]
workflows: [{ name: cleaning, steps: [{ name: clean up, agent: Worker, task: clean the build }] }]
"""
CLEAN = ApprovalRequested(native_id="1", tool="Bash", title="clean\x1b[2J\nall", command="rm -rf build")


async def ask(machine: Machine, *asked: ApprovalRequested) -> Deliver:
    """The agent of the run asks, in the turn of its task."""
    await machine.until(lambda: any(isinstance(each, Deliver) for each in machine.commands))
    order = next(each for each in machine.commands if isinstance(each, Deliver))
    for each in asked:
        await machine.state(order, each)
    return order


async def test_a_run_whose_agent_asks_for_a_tool_says_how_to_answer_and_ends_with_75(
    gateway: Gateway, shell: Shell, tmp_path: Path
) -> None:
    file = tmp_path / "relay.yaml"
    file.write_text(AGENT)
    async with gateway.machine() as machine, a_worker(gateway):
        machine.answering = False
        waiting = asyncio.ensure_future(shell("run", str(file)))
        order = await ask(machine, CLEAN)
        async with asyncio.timeout(30):
            said = await waiting
        run = orjson.loads((await shell("list", "--json")).stdout)["runs"][0]
        asks = [
            "  ? clean up, Worker, asks: clean␛[2J all",
            f"    relaycast workflow allow {run['id']} 'clean up'",
            f"    relaycast workflow deny {run['id']} 'clean up'",
            f"    or at {gateway.url}/session/{run['session']}",
        ]
        assert (said.exit_code, said.stdout.splitlines()[-5:]) == (75, ["? waits for a person", *asks])
        assert "\n".join(f"  {each}" for each in asks) in (await shell("show", run["id"])).stdout
        answered = asyncio.ensure_future(shell("allow", run["id"], "clean up"))
        await machine.until(lambda: any(isinstance(each, OrderedAnswer) for each in machine.commands))
        await machine.answer(order)
        async with asyncio.timeout(30):
            ended = await answered
        assert (ended.exit_code, "✓ clean up (Worker): completed" in ended.stdout) == (0, True)


async def test_of_several_things_that_a_step_asks_each_has_its_command_and_a_question_is_only_declined(
    gateway: Gateway, shell: Shell, tmp_path: Path
) -> None:
    file = tmp_path / "relay.yaml"
    file.write_text(AGENT)
    which = ApprovalRequested(
        native_id="2", tool="ask", title="Which?", prompts=(QuestionPrompt(id="q", text="Which?", header="Which"),)
    )
    async with gateway.machine() as machine, a_worker(gateway):
        machine.answering = False
        run = (await shell("run", str(file), "--detach")).stdout.strip()
        order = await ask(machine, CLEAN, which)
        async with asyncio.timeout(30):
            while len(needs := orjson.loads((await shell("show", run, "--json")).stdout)["needs"]) < 2:
                await asyncio.sleep(0.05)
        step = f"{run} 'clean up'"
        first, second = (each["subject"] for each in needs)
        assert [(each["kind"], each["commands"]) for each in needs] == [
            ("approval", [f"relaycast workflow {word} {step} --asked {first}" for word in ("allow", "deny")]),
            ("question", [f"relaycast workflow deny {step} --asked {second}"]),
        ]
        unclear = await shell("allow", run, "clean up")
        assert unclear.stderr.endswith("[ASKS_SEVERAL]\n")
        for asked in (first, second):
            assert (await shell("deny", run, "clean up", "--asked", asked, "--detach")).exit_code == 0
        assert (await shell("deny", run, "clean up")).stderr.endswith("it is running [NOTHING_ASKED]\n")
        await machine.answer(order)
        async with AgentRelay(gateway.url, gateway.key) as relay:
            assert (await (await find_run(relay, run)).wait()).ok


async def test_the_answer_to_an_agent_is_waited_for_where_that_is_asked_for(
    gateway: Gateway, shell: Shell, tmp_path: Path
) -> None:
    file = tmp_path / "relay.yaml"
    file.write_text(AGENT)
    nobody = asyncio.subprocess.DEVNULL
    async with gateway.machine() as machine, a_worker(gateway):
        machine.answering = False
        async with running(gateway, file, "--wait-for-people", "--json", stdin=nobody) as process:
            order = await ask(machine, CLEAN)
            assert (await shell("allow", *await read_gate(process.stderr), "--detach")).exit_code == 0
            await machine.answer(order)
            output, errors = await process.communicate()
            assert (process.returncode, orjson.loads(output)["state"], errors) == (0, "completed", b"")


@contextlib.asynccontextmanager
async def running(gateway: Gateway, file: Path, *options: str, stdin: int) -> AsyncIterator[asyncio.subprocess.Process]:
    """`workflow run` in a process of its own."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "broker.cli", "workflow", "run", str(file), *options),
        env={**os.environ, "RELAYCAST_URL": gateway.url, "RELAYCAST_TOKEN": gateway.key, "PYTHONUNBUFFERED": "1"},
        stdin=stdin,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(30):
            yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def read_gate(stream: asyncio.StreamReader | None) -> list[str]:
    """The run and the step, out of the command that answers, once all is said about that."""
    assert stream is not None
    named: list[str] = []
    while b"    or at " not in (line := await stream.readline()):
        assert line, "it has ended"
        if b"workflow allow" in line:
            named = shlex.split(line.decode())[3:]
    return named


async def test_an_answer_is_waited_for_where_that_is_asked_for(gateway: Gateway, shell: Shell, tmp_path: Path) -> None:
    """What it waits for stands beside the JSON document, once."""
    file = tmp_path / "relay.yaml"
    file.write_text(GATE)
    async with (
        working(gateway),
        running(gateway, file, "--wait-for-people", "--json", stdin=asyncio.subprocess.DEVNULL) as process,
    ):
        assert (await shell("allow", *await read_gate(process.stderr), "--detach")).exit_code == 0
        output, errors = await process.communicate()
        assert (process.returncode, orjson.loads(output)["state"], errors) == (0, "completed", b"")


@pytest.mark.skipif(sys.platform == "win32", reason="a terminal is a pseudo-terminal here")
async def test_at_a_terminal_it_waits_and_says_so_and_ctrl_c_leaves_the_run_going_on(
    gateway: Gateway, shell: Shell, tmp_path: Path
) -> None:
    file = tmp_path / "relay.yaml"
    file.write_text(GATE)
    ours, theirs = os.openpty()
    try:
        async with working(gateway), running(gateway, file, stdin=theirs) as process:
            run, _ = await read_gate(process.stdout)
            process.send_signal(signal.SIGINT)
            _, errors = await process.communicate()
            assert (process.returncode, errors.decode()) == (
                130,
                f"\nthe run goes on: relaycast workflow show {run}\n",
            )
            assert orjson.loads((await shell("show", run, "--json")).stdout)["state"] == "running"
    finally:
        os.close(ours)
        os.close(theirs)


def test_a_run_is_known_by_the_beginning_of_its_id_unless_several_begin_so() -> None:
    ids = ["63579bc6-e1f7", "63579bc6-ffff", "26eec201-bede"]
    assert whole_id("26ee", ids) == "26eec201-bede"
    assert whole_id("0000", ids) == "0000"
    with pytest.raises(click.UsageError, match="several runs begin with 6357: 63579bc6-e1f7, 63579bc6-ffff"):
        whole_id("6357", ids)
