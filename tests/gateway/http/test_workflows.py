"""Runs of workflows over HTTP, driven by a real worker; and drivers that die at every question they ask the store."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any, cast

import orjson
import pytest

from broker.app import build_driver, build_workflows
from broker.domain.errors import Fenced
from broker.domain.ids import AgentId
from broker.protocol.proxy import Deliver, FrameRecorded, Spawn
from broker.settings import Settings
from tests.fixtures.gateway import A_WORKFLOW, Gateway, Machine

TWO = """\
version: "1.0"
name: two
swarm: { pattern: dag }
agents: [{ name: A, cli: demo, preset: worker }, { name: B, cli: demo, preset: worker }]
workflows:
  - name: two
    steps:
      - { name: first, agent: A, task: begin }
      - { name: second, agent: B, task: "go on from {{steps.first.output}}", dependsOn: [first] }
"""
GATED = """\
version: "1.0"
name: gated
swarm: { pattern: dag }
agents: [{ name: A, cli: demo, preset: worker }]
workflows:
  - name: gated
    steps:
      - { name: ask, type: approval, message: "May {{ what }} go on?" }
      - { name: beside, agent: A, task: begin }
      - { name: behind, agent: A, task: "go on: {{steps.ask.output}}", dependsOn: [ask] }
vars: { what: it }
"""
RUNS = "/v1/workflows/runs"


@contextlib.asynccontextmanager
async def a_worker(gateway: Gateway) -> AsyncIterator[None]:
    task = asyncio.create_task(build_workflows(Settings(), gateway.adapters).run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(gateway: Gateway, run: str, *states: str) -> dict[str, Any]:
    """The run, as soon as it stands so."""
    async with asyncio.timeout(60):
        while (shown := await gateway.ok("GET", f"{RUNS}/{run}"))["state"] not in states:
            await asyncio.sleep(0.02)
    return cast(dict[str, Any], shown)


def states(shown: dict[str, Any]) -> dict[str, str]:
    return {each["name"]: each["state"] for each in shown["steps"]}


async def test_what_a_step_says_reaches_the_next_and_all_of_it_is_in_the_sessions_log(gateway: Gateway) -> None:
    async with gateway.machine(), a_worker(gateway):
        run = await gateway.ok("POST", RUNS, {"text": TWO, "session": "main"})
        shown = await until(gateway, run["id"], "completed")
        assert states(shown) == {"first": "completed", "second": "completed"}
        said = await gateway.ok("GET", f"{RUNS}/{run['id']}/steps/first/output")
        assert said["output"].startswith("re: ")
        events = (await gateway.ok("GET", "/v1/sessions/main/events?limit=1000"))["events"]
        assert said["output"] in orjson.dumps(events).decode()
        kinds = Counter(each["kind"] for each in events)
        assert (kinds["workflow.started"], kinds["workflow.ended"]) == (1, 1)
        assert (kinds["step.started"], kinds["step.ended"], kinds["step.changed"]) == (2, 2, 2)


async def test_the_same_request_begins_one_run_and_another_with_its_key_is_refused(gateway: Gateway) -> None:
    async with gateway.machine():
        key = {"Idempotency-Key": "once"}
        first = await gateway.ok("POST", RUNS, {"text": A_WORKFLOW}, **key)
        assert (await gateway.ok("POST", RUNS, {"text": A_WORKFLOW}, **key))["id"] == first["id"]
        other = await gateway.call("POST", RUNS, {"text": TWO}, **key)
        assert (other.status_code, other.json()["error"]["code"]) == (409, "IDEMPOTENCY_MISMATCH")


async def test_a_file_with_errors_is_refused_with_the_place_of_each(gateway: Gateway) -> None:
    answer = await gateway.call("POST", RUNS, {"text": TWO.replace("[first]", "[frist]")})
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (400, "INVALID_WORKFLOW")
    assert error["details"]["problems"][0]["line"] == 9


@pytest.mark.parametrize("verdict", ["allow", "deny"])
async def test_a_gate_holds_up_what_depends_on_it_until_a_person_answers(gateway: Gateway, verdict: str) -> None:
    async with gateway.machine(), a_worker(gateway):
        run = await gateway.ok("POST", RUNS, {"text": GATED, "session": "main", "vars": {"what": "all"}})
        async with asyncio.timeout(30):
            while states(shown := await gateway.ok("GET", f"{RUNS}/{run['id']}"))["beside"] != "completed":
                await asyncio.sleep(0.02)
        assert (states(shown)["ask"], states(shown)["behind"]) == ("running", "pending")
        (gate,) = (await gateway.ok("GET", "/v1/sessions/main/approvals?status=pending"))["approvals"]
        assert gate["title"] == "May all go on?"
        answer = await gateway.ok("POST", f"/v1/approvals/{gate['id']}/answer", {"verdict": verdict, "note": "since"})
        assert answer["answered_by"] == "operator"
        ended = await until(gateway, run["id"], "completed", "failed")
        behind, reason = ("completed", "") if verdict == "allow" else ("skipped", "ask was not completed")
        assert [(each["state"], each["reason"]) for each in ended["steps"] if each["name"] == "behind"] == [
            (behind, reason)
        ]


async def test_a_run_whose_starter_lost_their_access_is_held_until_somebody_takes_it_over(gateway: Gateway) -> None:
    token_id, token = await gateway.token("workspace")
    async with gateway.machine():
        run = await gateway.ok("POST", RUNS, {"text": A_WORKFLOW, "session": "main"}, token=token)
        await gateway.ok("DELETE", f"/v1/tokens/{token_id}")
        async with a_worker(gateway):
            async with asyncio.timeout(30):
                while not (shown := await gateway.ok("GET", f"{RUNS}/{run['id']}"))["held"]:
                    await asyncio.sleep(0.02)
            assert states(shown) == {"utter": "pending"}
            await gateway.ok("POST", f"{RUNS}/{run['id']}/resume")
            assert states(await until(gateway, run["id"], "completed")) == {"utter": "completed"}


async def test_an_agent_that_shows_no_sign_of_work_is_given_up_and_idle_is_never_success(gateway: Gateway) -> None:
    text = A_WORKFLOW.replace("task: say hello", "task: say hello, idleTimeoutMs: 300")
    async with gateway.machine() as machine, a_worker(gateway):
        machine.answering = False
        run = await gateway.ok("POST", RUNS, {"text": text, "session": "main"})
        (step,) = (await until(gateway, run["id"], "failed"))["steps"]
        assert step["reason"] == "Greeter has shown no sign of work for 0.3 s"


async def test_a_budget_that_is_spent_waits_for_a_person_to_raise_it(gateway: Gateway) -> None:
    text = TWO.replace("pattern: dag", "pattern: dag, tokenBudget: 100")
    async with gateway.machine() as machine, a_worker(gateway):
        machine.answering = False
        run = await gateway.ok("POST", RUNS, {"text": text, "session": "main"})
        await machine.until(lambda: any(isinstance(each, Deliver) for each in machine.commands))
        (delivered,) = [each for each in machine.commands if isinstance(each, Deliver)]
        usage = {"type": "usage", "input_tokens": 70, "output_tokens": 40}
        await machine.report(
            FrameRecorded(
                agent=delivered.agent,
                generation=delivered.generation,
                direction="out",
                frame_type="u",
                raw={},
                events=[usage],
            )
        )
        machine.answering = True
        await machine.answer(delivered)
        shown = await until(gateway, run["id"], "needs_human")
        assert shown["reason"] == "second: budget: the tokens of the run"
        assert [each["tokens"] for each in shown["steps"]] == [110, 0]
        await gateway.ok("POST", f"{RUNS}/{run['id']}/budget", {"tokens": 50})
        assert states(await until(gateway, run["id"], "completed"))["second"] == "completed"


async def test_what_nobody_carries_out_yet_is_refused_before_anything_starts(gateway: Gateway) -> None:
    text = A_WORKFLOW.replace("agent: Greeter, task: say hello", "type: integration, integration: x, action: y")
    error = (await gateway.call("POST", RUNS, {"text": text})).json()["error"]
    assert (error["code"], error["message"]) == ("INVALID_WORKFLOW", "not carried out yet: step utter: integration")


async def test_an_agent_is_not_started_without_the_limits_that_its_file_sets(gateway: Gateway) -> None:
    text = A_WORKFLOW.replace("preset: worker", "preset: worker, permissions: readonly")
    error = (await gateway.call("POST", RUNS, {"text": text})).json()["error"]
    assert (error["code"], "permissions of agent Greeter" in error["message"]) == ("INVALID_WORKFLOW", True)


async def test_a_step_waits_for_a_time_and_for_a_message_and_takes_what_it_says(gateway: Gateway) -> None:
    text = A_WORKFLOW.replace(
        "{ name: utter, agent: Greeter, task: say hello }",
        "{ name: rest, waitFor: { durationMs: 50 } },"
        " { name: hear, waitFor: { message: { from: operator, contains: ready } }, dependsOn: [rest] }",
    )
    async with gateway.machine(), a_worker(gateway):
        await gateway.ok("POST", "/v1/sessions/main/agents", {"name": "Worker", "cli": "demo"})
        run = await gateway.ok("POST", RUNS, {"text": text, "session": "main"})
        async with asyncio.timeout(30):
            while states(await gateway.ok("GET", f"{RUNS}/{run['id']}"))["hear"] != "running":
                await asyncio.sleep(0.02)
        for said in ("not yet", "it is ready"):
            await gateway.ok("POST", "/v1/sessions/main/messages", {"to": "Worker", "text": said})
        await until(gateway, run["id"], "completed")
        heard = await gateway.ok("GET", f"{RUNS}/{run['id']}/steps/hear/output")
        assert heard["output"] == "it is ready"


class Killed(BaseException):
    """As a process that is killed ends: nothing is cleaned up behind it."""


@dataclass(slots=True)
class Fate:
    """At which question a driver dies, and whether the store has heard that one."""

    at: int
    heard: bool
    asked: int = 0


class Mortal:
    """A part of the store that whoever asks it may die at."""

    def __init__(self, part: object, fate: Fate) -> None:
        self._part = part
        self._fate = fate

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._part, name)

        async def ask(*arguments: Any, **named: Any) -> Any:
            self._fate.asked += 1
            dies = self._fate.asked == self._fate.at
            if dies and not self._fate.heard:
                raise Killed
            answer = await method(*arguments, **named)
            if dies:
                raise Killed
            return answer

        return ask


async def drive(gateway: Gateway, run: str, fate: Fate) -> dict[str, Any]:
    """Look at the run until it has ended, with another driver after each death."""
    adapters = gateway.adapters
    mortal: Any = {name: Mortal(getattr(adapters, name), fate) for name in ("workflows", "mailroom", "registry")}
    driver = build_driver(Settings(), replace(adapters, **mortal))
    async with asyncio.timeout(60):
        while (shown := await gateway.ok("GET", f"{RUNS}/{run}"))["state"] == "running":
            claim = await adapters.workflows.claim(gateway.workspace, most=10, lease_s=0.05)
            for claimed in claim.runs:
                try:
                    await driver.look(gateway.workspace, claimed, now_ms=claim.now_ms)
                except Killed:
                    driver = build_driver(Settings(), adapters)
                except Fenced:
                    pass
            await asyncio.sleep(0.01)
    return cast(dict[str, Any], shown)


def spawned(machine: Machine) -> Counter[AgentId]:
    return Counter(each.agent for each in machine.commands if isinstance(each, Spawn))


@pytest.mark.parametrize("heard", [False, True], ids=["unheard", "heard"])
async def test_a_driver_that_dies_at_any_question_to_the_store_leaves_a_run_that_ends_and_does_nothing_twice(
    gateway: Gateway, heard: bool
) -> None:
    async with gateway.machine() as machine:
        at, survived = 1, False
        while not survived:
            fate = Fate(at=at, heard=heard)
            run = await gateway.ok("POST", RUNS, {"text": TWO, "session": f"run-{at}"})
            shown = await drive(gateway, run["id"], fate)
            assert (shown["state"], states(shown)) == ("completed", {"first": "completed", "second": "completed"}), at
            assert [len(each["attempts"]) for each in shown["steps"]] == [1, 1], at
            survived = fate.asked < at
            at += 1
        assert at > 20
        assert set(spawned(machine).values()) == {1}
        assert len(spawned(machine)) == 2 * (at - 1)
