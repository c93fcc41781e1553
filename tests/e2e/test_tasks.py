"""`relay-connect "task"`, with -p and in a pipe: real links and real programs."""

from __future__ import annotations

import asyncio
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.e2e.box import LIVES_S, Box, a_box
from tests.fixtures.processes import up


@pytest.fixture
async def box(tmp_path: Path) -> AsyncIterator[Box]:
    async with up(tmp_path) as broker, a_box(broker, tmp_path, "box-a") as made:
        yield made


async def begin(box: Box, *arguments: str) -> Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "connect.cli", *arguments),
        env=box.environment,
        cwd=box.folder("project"),
        stdin=PIPE,
        stdout=PIPE,
        stderr=PIPE,
    )


async def ended(process: Process, typed: str = "") -> tuple[int | None, str, str]:
    async with asyncio.timeout(LIVES_S):
        output, errors = await process.communicate(typed.encode())
    return process.returncode, output.decode(), errors.decode()


async def test_a_task_is_done_in_the_folder_where_it_is_given_and_its_answer_is_printed(box: Box) -> None:
    status, output, work = await ended(await begin(box, "say it is done"))
    assert (status, output) == (0, "it is done\n"), work
    assert f"✓ Lead connected on box-a in {box.folder('project')}" in work
    piped = await ended(await begin(box, "--quiet"), "cwd\n")
    assert piped == (0, f"{box.folder('project')}\n", "")
    whole = await ended(await begin(box, "-p", "-", "--quiet"), "say one\ntwo\n")
    assert whole == (0, "one\ntwo\n", "")


async def test_a_task_that_needs_a_person_ends_with_a_status_of_its_own(box: Box) -> None:
    status, output, work = await ended(await begin(box, "-p", "ask"))
    assert (status, output) == (75, "")
    assert "Lead asks for permission, and nobody is here" in work


async def test_ctrl_c_interrupts_the_agent_and_ends_the_task(box: Box) -> None:
    process = await begin(box, "-p", "hang")
    assert process.stderr is not None
    async with asyncio.timeout(LIVES_S):
        while b"Lead has it" not in await process.stderr.readline():
            pass
    process.send_signal(signal.SIGINT)
    status, output, work = await ended(process)
    assert (status, output) == (130, ""), work
    assert "interrupting Lead" in work


async def test_a_task_without_a_broker_ends_at_once(box: Box) -> None:
    await box.broker.kill()
    status, output, errors = await ended(await begin(box, "-p", "say hello"))
    assert (status, output) == (2, "")
    assert "cannot reach" in errors
