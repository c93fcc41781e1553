"""Hooks that agents wait for, against many, loud and changed ones: what does not answer never counts as a yes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path
from typing import Any

import pytest

from broker.domain.hooks.answers import HookSays
from broker.domain.hooks.definitions import CommandAction, Hook, Scope, Selector
from broker.domain.hooks.events import HookEvent
from broker.domain.hooks.runs import RunState
from broker.domain.ids import SessionId
from broker.protocol.proxy import Guards, Spawn
from connect.machine.hooks.consent_file import to_toml
from connect.machine.hooks.consents import Consent, Consents
from connect.machine.hooks.guards import Asked, Counsel, GuardBook, GuardRunner, happening
from connect.machine.hooks.journal import Journal
from connect.machine.hooks.programs import digests_of
from connect.policy.allow_file import hash_of
from tests.connect.machine.hooks.ground import AGENT, Ground, ground
from tests.connect.machine.hooks.test_hostile import NAMES
from tests.connect.scripted_broker import PERSON

SPAWN = Spawn(agent=AGENT, generation=1, name="Worker", session=SessionId("s1"), cli="claude", asked_by=PERSON)


@pytest.fixture
async def machine(tmp_path: Path) -> AsyncGenerator[Ground]:
    async with ground(tmp_path) as made:
        made.runner = GuardRunner(made.around(), journal=Journal(made.state / "guards.ndjson"))
        stop = asyncio.Event()
        running = asyncio.ensure_future(made.runner.run(stop))
        yield made
        stop.set()
        async with asyncio.timeout(20):
            await running


def guard(program: Path, *, hook: str = "guard", **given: Any) -> Hook:
    action = CommandAction(command=(str(program),), timeout_s=100)
    return Hook(id=hook, event=HookEvent.BEFORE_TOOL, selector=Selector(Scope.ANY), action=action, **given)


def allow(machine: Ground, hooks: Sequence[Hook]) -> None:
    """The owner has allowed these."""
    allowed = Consents()
    for hook in hooks:
        action = hook.action
        assert isinstance(action, CommandAction)
        program = Path(action.command[0])
        consent = Consent(
            id=hook.id,
            fingerprint=action.fingerprint,
            words=tuple(action.command),
            program=program,
            roots=(machine.project,),
            timeout_s=action.timeout_s,
            files=digests_of([program]),
        )
        allowed = allowed.with_consent(consent)
    content = to_toml(allowed)
    machine.consents.expect(hash_of(content))
    machine.file.put(content)


async def ask(machine: Ground, hooks: Sequence[Hook], **told: Any) -> Counsel:
    """What hooks say to a tool that an agent is about to use."""
    assert isinstance(machine.runner, GuardRunner)
    book = GuardBook(machine.runner, name="box", labels=(), now_ms=lambda: 1)
    book.take(Guards(version=1, hooks=list(hooks)))
    about = Asked(
        event=HookEvent.BEFORE_TOOL,
        happening=happening(HookEvent.BEFORE_TOOL, SPAWN, tool="Bash"),
        told={"tool": "Bash", **told},
    )
    async with asyncio.timeout(105):
        return await book.ask(SPAWN, about, book.matching(SPAWN, about))


def ends(machine: Ground) -> list[RunState]:
    return [each.state for each in machine.reports() if each.state is not RunState.STARTED]


async def test_three_hundred_on_one_tool_run_as_far_as_there_is_room_and_the_rest_is_a_no(machine: Ground) -> None:
    program = machine.program("guard", f"#!/bin/sh\necho x >> {machine.log}\n")
    hooks = [guard(program, hook=f"h{number}") for number in range(300)]
    allow(machine, hooks)
    counsel = await ask(machine, hooks)
    ran, skipped = ends(machine).count(RunState.COMPLETED), ends(machine).count(RunState.SKIPPED)
    assert (ran, skipped, len(ends(machine))) == (116, 184, 300)
    assert machine.log.read_text().split() == ["x"] * ran
    assert counsel.opined is not None
    assert counsel.opined.answer.says is HookSays.DENY
    assert "100 runs of hooks wait on this machine already" in counsel.opined.answer.reason


@pytest.mark.parametrize("on_error", [None, HookSays.ASK, HookSays.ALLOW], ids=["", "asks", "goes-on"])
async def test_what_the_owner_has_not_allowed_or_an_agent_has_changed_never_runs_whatever_a_broker_says_of_failures(
    machine: Ground, on_error: HookSays | None
) -> None:
    script = machine.program("check.sh", f"#!/bin/sh\necho x >> {machine.log}\n", folder=machine.project)
    hook = guard(script, on_error=on_error, may_allow=True)
    refused = await ask(machine, [hook])
    allow(machine, [hook])
    script.write_text(script.read_text() + "# an agent was here\n")
    changed = await ask(machine, [guard(script, on_error=on_error, may_allow=True, hook="guard")])
    for counsel in (refused, changed):
        assert [(each.answer.says, each.allows) for each in counsel.each] == [(on_error or HookSays.DENY, False)]
        assert counsel.each[0].failed
    assert not machine.log.exists()


@pytest.mark.parametrize(
    "code",
    [
        "print('x' * 100_000_000)",
        """print('{"decision": "allow", "reason": "' + 'x' * 1_000_000 + '"}')""",
        """print('{"decision": "allow"} {"decision": "allow"}')""",
        "import os; os.write(1, bytes(range(256)))",
    ],
    ids=["100 MB", "a long answer", "two answers", "no text"],
)
async def test_output_that_is_no_answer_is_a_no(machine: Ground, code: str) -> None:
    hook = guard(machine.python("guard", code), may_allow=True)
    allow(machine, [hook])
    counsel = await ask(machine, [hook])
    assert [each.answer.says for each in counsel.each] == [HookSays.DENY]
    assert "not one JSON object" in counsel.each[0].failed


async def test_names_and_commands_reach_a_guard_as_data_alone(machine: Ground) -> None:
    code = f"import json, sys\nevent = json.load(sys.stdin)\nopen({str(machine.log)!r}, 'w').write(json.dumps(event))"
    hook = guard(machine.python("guard", f"{code}\nassert len(sys.argv) == 1"))
    allow(machine, [hook])
    counsel = await ask(machine, [hook], files=NAMES, command="rm -rf $(touch gone); `id`")
    assert counsel.opined is None
    assert machine.recorded()[0]["data"] == {"tool": "Bash", "files": NAMES, "command": "rm -rf $(touch gone); `id`"}
    assert not (machine.project / "gone").exists()


async def test_a_use_that_looks_like_an_earlier_one_is_asked_about_anew(machine: Ground) -> None:
    """Vendors use the ids of requests again: what was said then says nothing of this one."""
    once = (
        f"import pathlib, sys\nfile = pathlib.Path({str(machine.log)!r})\nif file.exists(): sys.exit(2)\nfile.touch()"
    )
    hook = guard(machine.python("guard", once))
    allow(machine, [hook])
    assert (await ask(machine, [hook])).opined is None
    again = await ask(machine, [hook])
    assert [(each.answer.says, each.failed) for each in again.each] == [(HookSays.DENY, "")]
