"""`relaycast workflow` on runs, against a gateway with a worker and a machine."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import click
import orjson
import pytest

from broker.app import build_workflows
from broker.cli.workflows.runs import whole_id
from broker.settings import Settings
from connect.sdk import AgentRelay
from connect.sdk.workflow_runs import find_run
from tests.fixtures.gateway import Gateway
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
    async with gateway.machine(runs_commands=True):
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


def test_a_run_is_known_by_the_beginning_of_its_id_unless_several_begin_so() -> None:
    ids = ["63579bc6-e1f7", "63579bc6-ffff", "26eec201-bede"]
    assert whole_id("26ee", ids) == "26eec201-bede"
    assert whole_id("0000", ids) == "0000"
    with pytest.raises(click.UsageError, match="several runs begin with 6357: 63579bc6-e1f7, 63579bc6-ffff"):
        whole_id("6357", ids)
