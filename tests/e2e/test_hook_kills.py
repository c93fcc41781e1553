"""Runs of hooks while worker, gateway and relay-connect are killed between steps, or idle: begun once, one end told.

No time decides when a kill comes: whoever would take the next step is stopped before it, the hook's program waits at a
pipe, and how far a run came is known from the session's log and the machine's journal.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from broker.domain.hooks.definitions import CommandAction
from broker.protocol.hooks_yaml.reader import read_hooks
from connect.machine.hooks.consent_file import ConsentFile, to_toml
from connect.machine.hooks.consents import Consent, Consents
from connect.machine.hooks.inline_code import as_written
from connect.machine.hooks.programs import digests_of
from connect.policy.folders import real_folder
from connect.settings import config_folder
from tests.e2e.stage import Course, Stage, open_stage
from tests.fixtures.processes import START_S, environment

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(180)]

HOOKS = 'hooks: {"*": {on_turn_complete: {id: hooked, command: %s, max_per_minute: 600}}}'
PROGRAM = '#!/bin/sh\necho $RELAYCAST_RUN >> "%(folder)s/did"\nread line < "%(folder)s/pipe"\n'
ENDS = {"completed", "failed", "refused", "skipped", "expired", "interrupted"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    async with open_stage(real_folder(tmp_path_factory.mktemp("hook-kills"))) as made:
        program = made.folder / "program"
        program.write_text(PROGRAM % {"folder": made.folder})
        program.chmod(0o755)
        allow(made.folder, program)
        for name in ("gateway", "worker", "machine"):
            await made.start(name)
        async with made.relay("main") as relay:
            await relay.request("PUT", "/v1/hooks", body={"text": HOOKS % program})
        yield made


async def until_kept(stage: Stage, run: str) -> None:
    """Its end is in the machine's journal, and in the spool."""
    async with asyncio.timeout(START_S):
        while not any(
            run in line and '"step":"told"' in line
            for line in (stage.folder / "machine" / "hooks.ndjson").read_text().splitlines()
        ):
            await asyncio.sleep(0.02)


def allow(folder: Path, program: Path) -> None:
    """The machine's owner has allowed it."""
    (hook,) = read_hooks(HOOKS % program).hooks
    assert isinstance(hook.action, CommandAction)
    consent = Consent(
        id=hook.id,
        fingerprint=hook.action.fingerprint,
        words=as_written(hook.action.words),
        program=program,
        roots=(folder,),
        timeout_s=hook.action.timeout_s,
        files=digests_of([program]),
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(folder))
        config = config_folder(environment(folder))
    state = folder / "machine"
    for made in (state, config):
        made.mkdir(mode=0o700, exist_ok=True, parents=True)
    ConsentFile(config, state=state).put(to_toml(Consents().with_consent(consent)))


async def before_it_is_looked_at(course: Course) -> None:
    course.stage.stop("worker")
    await turn(course)


async def before_the_machine_has_the_order(course: Course) -> None:
    course.stage.stop("worker")
    await turn(course)
    course.stage.stop("machine")
    os.kill(course.stage.running["worker"].process.pid, signal.SIGCONT)
    await course.until("hook.ordered")


async def while_it_runs(course: Course) -> None:
    await turn(course)
    await course.until("hook.started")


async def before_its_end_is_told(course: Course) -> None:
    await turn(course)
    started = await course.until("hook.started")
    course.stage.stop("gateway")
    course.stage.let_go()
    await until_kept(course.stage, str(started.data["run"]))


async def before_anything_happens(course: Course) -> None:
    """All are idle, the agent too; what sets the hook off comes after the kill."""
    async with course.stage.relay(course.session) as relay:
        await relay.spawn("Worker", "demo")
    await course.until("agent.ready")


async def turn(course: Course, *, spawns: bool = True) -> None:
    async with course.stage.relay(course.session) as relay:
        if spawns:
            await relay.spawn("Worker", "demo")
        await relay.send("Worker", "say hello")
    await course.until("turn.ended")


Point = Callable[[Course], Awaitable[None]]
POINTS: tuple[Point, ...] = (
    before_anything_happens,
    before_it_is_looked_at,
    before_the_machine_has_the_order,
    while_it_runs,
    before_its_end_is_told,
)


@pytest.mark.parametrize("victim", ["gateway", "machine", "worker"])
@pytest.mark.parametrize("point", POINTS, ids=lambda point: point.__name__)
async def test_a_run_begins_once_and_has_one_end_whoever_is_killed_between_its_steps(
    stage: Stage, point: Point, victim: str
) -> None:
    (stage.folder / "did").unlink(missing_ok=True)
    course = Course(stage=stage, session=f"{point.__name__}-{victim}".replace("_", "-"))
    await point(course)
    await stage.kill(victim)
    if point is before_anything_happens:
        await turn(course, spawns=False)
    if point is while_it_runs and victim == "machine":
        expected = "interrupted"
    else:
        expected = "completed"
        if point is not before_its_end_is_told:
            stage.let_go()
    ended = await course.until(*(f"hook.{state}" for state in ENDS))
    assert ended.data["state"] == expected, ended.data
    async with stage.relay(course.session) as relay:
        counts = Counter(each.kind for each in await relay.recent(limit=5000))
        found: list[dict[str, Any]] = (await relay.request("GET", "/v1/hooks/runs"))["runs"]
    assert (counts["hook.ordered"], counts["hook.started"]) == (1, 1)
    assert sum(counts[f"hook.{state}"] for state in ENDS) == 1
    assert [each["state"] for each in found if each["id"] == ended.data["run"]] == [expected]
    assert (stage.folder / "did").read_text().split() == [ended.data["run"]]
