"""A repair agent that changes what it must not fails its step; one that does not lets it be tried again."""

from __future__ import annotations

import pytest

from broker.domain.workflows.runs.commands import CommandKind, CommandState
from broker.protocol.proxy import CommandRan, Deliver, RunCommand
from tests.fixtures.gateway import Gateway, Machine
from tests.gateway.http.test_workflows import RUNS, a_worker, states, until

REPAIRED = """\
version: "1.0"
name: repaired
swarm: { pattern: dag }
agents: [{ name: Fixer, cli: demo, preset: worker }]
errorHandling: { strategy: retry, maxRetries: 1, retryDelayMs: 0, repairRetries: 1, repairAgent: Fixer }
repairProtection: { protectedPaths: [tests] }
workflows:
  - name: repaired
    steps:
      - { name: build, type: deterministic, command: ./build.sh }
"""


async def nth(machine: Machine, number: int, *, of: CommandKind = CommandKind.SHELL) -> RunCommand:
    """The order of that kind that came as the so-manieth, from 1."""

    def found() -> list[RunCommand]:
        return [each for each in machine.commands if isinstance(each, RunCommand) and each.kind is of]

    await machine.until(lambda: len(found()) >= number)
    return found()[number - 1]


def tasks(machine: Machine) -> list[Deliver]:
    return [each for each in machine.commands if isinstance(each, Deliver)]


async def end(machine: Machine, order: RunCommand, *, code: int = 0, output: str = "") -> None:
    ran = CommandRan(command=order.command, state=CommandState.STARTED)
    ended = {"state": CommandState.ENDED, "exit_code": code, "output": output}
    await machine.report(ran, ran.model_copy(update=ended))


@pytest.mark.parametrize("changed", [True, False])
async def test_what_is_protected_is_looked_at_before_a_repair_and_after_it(gateway: Gateway, changed: bool) -> None:
    async with gateway.machine(runs_commands=True, hashes_paths=True) as machine, a_worker(gateway):
        machine.answering = False
        run = (await gateway.ok("POST", RUNS, {"text": REPAIRED, "session": "main"}))["id"]
        await end(machine, await nth(machine, 1), code=2)
        before = await nth(machine, 1, of=CommandKind.PATHS_HASHED)
        assert before.text.splitlines() == ["tests", "build.sh"]
        assert not tasks(machine)
        await end(machine, before, output='{"a1": ["tests/t.py", "build.sh"]}')
        await machine.until(lambda: tasks(machine))
        (task,) = tasks(machine)
        assert "leave them as they are: tests, build.sh" in task.text
        await machine.answer(task)
        after = await nth(machine, 2, of=CommandKind.PATHS_HASHED)
        if changed:
            await end(machine, after, output='{"a1": ["build.sh"], "b2": ["tests/t.py"]}')
            ended = await until(gateway, run, "failed")
            assert "has changed what is protected: tests/t.py" in ended["reason"]
        else:
            await end(machine, after, output='{"a1": ["tests/t.py", "build.sh"]}')
            await end(machine, await nth(machine, 2))
            assert states(await until(gateway, run, "completed")) == {"build": "completed"}


async def test_where_nobody_can_say_what_is_protected_no_repair_agent_is_started(gateway: Gateway) -> None:
    async with gateway.machine(runs_commands=True) as machine, a_worker(gateway):
        machine.answering = False
        run = (await gateway.ok("POST", RUNS, {"text": REPAIRED, "session": "main"}))["id"]
        await end(machine, await nth(machine, 1), code=2)
        await end(machine, await nth(machine, 2))
        await until(gateway, run, "completed")
        assert not tasks(machine)
