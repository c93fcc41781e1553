"""What runs wait for: which events wake them, and that weeks may pass. The clock is the one that a driver is given."""

from __future__ import annotations

from typing import Any, cast

import pytest
from redis.asyncio import Redis

from broker.adapters.redis import keys
from broker.app import build_driver
from broker.protocol.proxy import RunCommand
from broker.services.workflows.driver import Driver
from broker.settings import Settings
from tests.fixtures.gateway import Gateway
from tests.gateway.http.test_workflows import GATED, RUNS, a_worker, states, the_gate, until

DAY_MS = 24 * 60 * 60 * 1000
LATER = """\
version: "1.0"
name: later
swarm: { pattern: dag }
workflows:
  - name: later
    steps:
      - { name: wait, waitFor: { SAID } }
"""


async def look(gateway: Gateway, driver: Driver, *, after_ms: int = 0) -> int:
    """All that is due is looked at, by a clock that is so far ahead; how many runs that were."""
    claim = await gateway.adapters.workflows.claim(gateway.workspace, most=10, lease_s=60)
    for each in claim.runs:
        await driver.look(gateway.workspace, each, now_ms=claim.now_ms + after_ms)
    return len(claim.runs)


async def make_due(gateway: Gateway, run: str) -> None:
    """As the passing of the time would."""
    redis = cast(Redis, gateway.adapters.redis)
    await redis.zadd(keys.key(gateway.workspace, "workflow_due"), {run: 0})


async def lives_s(gateway: Gateway, *names: tuple[str, ...]) -> int:
    """How long the first of some keys to end is kept."""
    redis = cast(Redis, gateway.adapters.redis)
    return min([int(await redis.ttl(keys.key(gateway.workspace, *name))) for name in names])


async def shown(gateway: Gateway, run: str) -> dict[str, Any]:
    return cast(dict[str, Any], await gateway.ok("GET", f"{RUNS}/{run}"))


@pytest.mark.parametrize("knows", [True, False])
async def test_a_file_is_waited_for_by_the_machine_of_the_step(gateway: Gateway, knows: bool) -> None:
    text = LATER.replace("SAID", "file: out/report.md, timeoutMs: 7000")
    async with gateway.machine(runs_commands=True, awaits_files=knows) as machine, a_worker(gateway):
        run = (await gateway.ok("POST", RUNS, {"text": text, "session": "main"}))["id"]
        ended = await until(gateway, run, "completed", "failed")
        orders = [each for each in machine.commands if isinstance(each, RunCommand)]
        if knows:
            assert [(each.kind, each.text, each.timeout_ms) for each in orders] == [
                ("file_awaited", "out/report.md", 7000)
            ]
            assert (await gateway.ok("GET", f"{RUNS}/{run}/steps/wait/output"))["output"] == "wait"
        else:
            assert not orders
            assert "too old" in ended["reason"]


@pytest.mark.parametrize(("waits", "woken"), [("durationMs: 3600000", False), ("event: workflow.ended", True)])
async def test_what_happens_in_a_session_wakes_no_run_that_does_not_listen(
    gateway: Gateway, waits: str, woken: bool
) -> None:
    driver = build_driver(Settings(), gateway.adapters)
    later = await gateway.ok("POST", RUNS, {"text": LATER.replace("SAID", waits), "session": "main"})
    ends = await gateway.ok("POST", RUNS, {"text": LATER.replace("SAID", "durationMs: 0"), "session": "main"})
    assert await look(gateway, driver) == 2
    assert (await shown(gateway, ends["id"]))["state"] == "completed"
    again = await gateway.adapters.workflows.claim(gateway.workspace, most=10, lease_s=60)
    assert [each.id for each in again.runs] == ([later["id"]] if woken else [])


async def test_a_timer_of_thirty_days_fires_then_and_not_before_in_whichever_worker(gateway: Gateway) -> None:
    text = LATER.replace("SAID", f"durationMs: {30 * DAY_MS}")
    run = (await gateway.ok("POST", RUNS, {"text": text, "session": "main"}))["id"]
    await look(gateway, build_driver(Settings(), gateway.adapters))
    claim = await gateway.adapters.workflows.claim(gateway.workspace, most=10, lease_s=60)
    assert not claim.runs
    assert claim.next_in_s is not None
    assert claim.next_in_s * 1000 > 29.9 * DAY_MS
    named = [("workflow_run", run), ("workflow_journal", run)]
    assert await lives_s(gateway, *named) * 1000 > 300 * DAY_MS
    for after_ms, state in ((30 * DAY_MS - 60_000, "running"), (30 * DAY_MS + 60_000, "completed")):
        await make_due(gateway, run)
        assert await look(gateway, build_driver(Settings(), gateway.adapters), after_ms=after_ms) == 1
        assert (await shown(gateway, run))["state"] == state


async def test_a_gate_that_is_answered_after_two_weeks_lets_its_branch_go_on(gateway: Gateway) -> None:
    async with gateway.machine() as machine:
        machine.answering = False
        run = (await gateway.ok("POST", RUNS, {"text": GATED, "session": "main"}))["id"]
        await look(gateway, build_driver(Settings(), gateway.adapters))
        gate = await the_gate(gateway)
        assert await lives_s(gateway, ("approval", gate["id"]), ("workflow_run", run)) * 1000 > 300 * DAY_MS
        later = build_driver(Settings(), gateway.adapters)
        await make_due(gateway, run)
        await look(gateway, later, after_ms=14 * DAY_MS)
        assert states(await shown(gateway, run))["ask"] == "running"
        await gateway.ok("POST", f"/v1/approvals/{gate['id']}/answer", {"verdict": "allow", "note": "at last"})
        assert await look(gateway, later, after_ms=14 * DAY_MS) == 1
        assert states(await shown(gateway, run)) == {"ask": "completed", "beside": "running", "behind": "running"}
