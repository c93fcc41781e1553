"""Runs of workflows while worker, gateway, relay-connect and agent are killed, each at the states of a step.

No time decides when a kill comes: the command of a step waits for the test at a pipe, its agent and its gate wait for
an answer of the test, and what lies between those is known from the session's log.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio

from connect.sdk.types import Event
from tests.e2e.stage import Course, Stage, open_stage
from tests.e2e.test_workflows import Place
from tests.fixtures.processes import START_S

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(180)]

FILE = """\
version: "1.0"
name: kills
swarm: { pattern: dag }
agents: [{ name: A, cli: demo, preset: worker }]
workflows:
  - name: kills
    steps:
      - { name: build, type: deterministic, command: "echo build >> did; read line < pipe" }
      - { name: think, agent: A, task: "ask permission: make it", dependsOn: [build] }
      - { name: gate, type: approval, dependsOn: [think] }
      - { name: ship, type: deterministic, command: "echo ship >> did", dependsOn: [gate] }
"""
POINTS = (
    *("command.ordered", "command.started", "command.ended", "agent.spawning", "agent.ready"),
    *("approval.requested", "turn.ended", "approval.requested", "approval.resolved", "command.ordered"),
)
"""What a run goes through, in this order; between them lies whatever happens by itself."""
KILLED_AT = {"worker": {0, 3, 5, 6, 8}, "gateway": {1, 5, 7}}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    async with open_stage(tmp_path_factory.mktemp("kills")) as made:
        for name in ("gateway", "worker", "machine"):
            await made.start(name)
        (made.folder / "relay.yaml").write_text(FILE)
        place = Place(broker=made.running["gateway"], folder=made.folder)
        await place.allow(str(made.folder / "relay.yaml"))
        yield made


@dataclass(slots=True, kw_only=True)
class RunCourse(Course):
    """One run, as far as its session's log tells."""

    id: str

    async def ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """Over HTTP."""
        async with self.stage.relay(self.session) as relay:
            return await relay.request(method, path, body=body)

    async def act(self, event: Event) -> None:
        """What the test does for the run to go on from there."""
        if event.kind == "command.started" and event.data["step"] == "build":
            self.stage.let_go()
        elif event.kind == "approval.requested":
            await self.ask("POST", f"/v1/approvals/{event.data['id']}/answer", {"verdict": "allow"})

    async def end(self, *states: str) -> dict[str, Any]:
        """The run, as soon as it stands so."""
        async with asyncio.timeout(START_S):
            while (shown := await self.ask("GET", f"/v1/workflows/runs/{self.id}"))["state"] not in states:
                await asyncio.sleep(0.1)
        return dict(shown)


@pytest_asyncio.fixture(loop_scope="module")
async def begin(stage: Stage) -> Callable[[str], Awaitable[RunCourse]]:
    async def begun(session: str) -> RunCourse:
        (stage.folder / "did").unlink(missing_ok=True)
        async with stage.relay(session) as relay:
            run = await relay.request("POST", "/v1/workflows/runs", body={"text": FILE, "session": session})
        return RunCourse(stage=stage, session=session, id=str(run["id"]))

    return begun


def counted(shown: dict[str, Any]) -> dict[str, tuple[str, int]]:
    """By step: where it stands, and its attempts."""
    return {each["name"]: (each["state"], len(each["attempts"])) for each in shown["steps"]}


STEPS = ("build", "think", "gate", "ship")
ONCE = dict.fromkeys(STEPS, ("completed", 1))


@pytest.mark.parametrize("victim", KILLED_AT)
async def test_the_broker_is_killed_at_the_states_of_its_steps_and_each_is_done_once(
    stage: Stage, begin: Callable[[str], Awaitable[RunCourse]], victim: str
) -> None:
    course = await begin(f"of-{victim}")
    for number, kind in enumerate(POINTS):
        event = await course.until(kind)
        if number in KILLED_AT[victim]:
            await stage.kill(victim)
        await course.act(event)
    shown = await course.end("completed", "failed", "needs_human")
    assert (shown["state"], counted(shown)) == ("completed", ONCE)
    assert (stage.folder / "did").read_text().split() == ["build", "ship"]
    async with stage.relay(course.session) as relay:
        counts = Counter(each.kind for each in await relay.recent(limit=5000))
    assert (counts["agent.spawning"], counts["turn.started"], counts["workflow.ended"]) == (1, 1, 1)


async def test_a_machine_that_is_killed_with_its_command_leaves_it_to_a_person_to_do_it_twice(
    stage: Stage, begin: Callable[[str], Awaitable[RunCourse]]
) -> None:
    course = await begin("of-machine")
    await course.until("command.started")
    await stage.kill("machine")
    shown = await course.end("needs_human", "completed", "failed")
    assert shown["state"] == "needs_human"
    assert "interrupted" in shown["reason"]
    assert (stage.folder / "did").read_text().split() == ["build"]
    await course.ask("POST", f"/v1/workflows/runs/{course.id}/steps/build/retry")
    for kind in POINTS[1:]:
        event = await course.until(kind)
        if kind == "turn.ended":
            await stage.kill("machine")
        await course.act(event)
    shown = await course.end("completed", "failed")
    assert (shown["state"], counted(shown)) == ("completed", {**ONCE, "build": ("completed", 2)})
    assert (stage.folder / "did").read_text().split() == ["build", "build", "ship"]


async def test_an_agent_that_is_killed_in_its_first_turn_fails_its_step_and_a_resumed_run_keeps_the_rest(
    stage: Stage, begin: Callable[[str], Awaitable[RunCourse]]
) -> None:
    course = await begin("of-agent")
    for kind in POINTS[:5]:
        await course.act(await course.until(kind))
    await course.until("approval.requested")
    await stage.kill("agent")
    shown = await course.end("completed", "failed", "needs_human")
    assert (shown["state"], shown["reason"]) == ("failed", "think: A failed: no such session")
    assert {name: state for name, (state, _) in counted(shown).items()} == {
        **dict.fromkeys(STEPS, "skipped"),
        **{"build": "completed", "think": "failed"},
    }
    await course.ask("POST", f"/v1/workflows/runs/{course.id}/resume")
    for kind in POINTS[3:]:
        await course.act(await course.until(kind))
    shown = await course.end("completed", "failed", "needs_human")
    assert (shown["state"], counted(shown)) == ("completed", {**ONCE, "think": ("completed", 2)})
    assert (stage.folder / "did").read_text().split() == ["build", "ship"]
