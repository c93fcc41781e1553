"""Runs of workflows over HTTP, driven by a real worker; and drivers that die at every question they ask the store."""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any, cast

import orjson
import pytest
from redis.asyncio import Redis

from broker.adapters.redis import keys
from broker.app import build_driver, build_workflows
from broker.domain.agents.agents import Dialect
from broker.domain.approvals.answers import ApprovalAnswer, Verdict
from broker.domain.errors import Fenced
from broker.domain.workflows.runs.commands import digest_of, shell_template
from broker.protocol.agents.events import ApprovalRequested, TurnOutcome
from broker.protocol.proxy import Answer as OrderedAnswer
from broker.protocol.proxy import Deliver, FrameRecorded, RunCommand, Spawn, Stop
from broker.services.ports import ClaimedRun
from broker.settings import Settings
from tests.fixtures.desk import DEMO
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
TWO_COMMANDS = """\
version: "1.0"
name: two
swarm: { pattern: dag }
workflows:
  - name: two
    steps:
      - { name: first, type: deterministic, command: make }
      - { name: second, type: deterministic, command: "echo {{steps.first.output}}", dependsOn: [first] }
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


async def test_a_step_with_a_time_limit_that_fails_is_tried_again_and_what_it_said_is_kept(gateway: Gateway) -> None:
    step = "{ name: utter, agent: Greeter, task: say hello, retries: 1, timeoutMs: 60000, backoff: { initialMs: 1 } }"
    text = A_WORKFLOW.replace("{ name: utter, agent: Greeter, task: say hello }", step)
    async with gateway.machine() as machine, a_worker(gateway):
        machine.answering = False
        run = await gateway.ok("POST", RUNS, {"text": text, "session": "main"})
        for number, outcome in enumerate((TurnOutcome.FAILED, TurnOutcome.COMPLETED), 1):
            await machine.until(lambda n=number: len(delivered(machine)) == n)  # type: ignore[misc]  # bound at once
            await machine.answer(delivered(machine)[-1], outcome=outcome)
        (shown,) = (await until(gateway, run["id"], "completed"))["steps"]
        assert [each["outcome"] for each in shown["attempts"]] == ["failed", "succeeded"]
        assert "its turn was failed: re: " in delivered(machine)[1].text


async def test_a_step_whose_time_is_over_is_stopped_and_fails(gateway: Gateway) -> None:
    text = A_WORKFLOW.replace("task: say hello", "task: say hello, timeoutMs: 300")
    async with gateway.machine() as machine, a_worker(gateway):
        machine.answering = False
        run = await gateway.ok("POST", RUNS, {"text": text, "session": "main"})
        (step,) = (await until(gateway, run["id"], "failed"))["steps"]
        assert step["reason"] == "timeout"
        assert any(isinstance(each, Stop) for each in machine.commands)


def delivered(machine: Machine) -> list[Deliver]:
    return [each for each in machine.commands if isinstance(each, Deliver)]


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


CALLS = """\
version: "1.0"
name: calls
swarm: { pattern: dag }
agents: [{ name: A, cli: demo, preset: worker }]
vars: { what: nothing }
workflows:
  - name: outer
    steps:
      - { name: first, agent: A, task: begin }
      - { name: call, type: subworkflow, workflow: inner, vars: { what: "{{steps.first.output}}" }, dependsOn: [first] }
      - { name: behind, agent: A, task: "go on from {{steps.call.output}}", dependsOn: [call] }
  - name: inner
    steps:
      - { name: one, agent: A, task: "do {{what}}" }
      - { name: ask, type: approval, message: "May {{what}}?", dependsOn: [one] }
      - { name: two, agent: A, task: "finish", dependsOn: [ask] }
"""


async def test_a_step_that_is_another_workflow_is_a_run_of_its_own_with_its_values(gateway: Gateway) -> None:
    async with gateway.machine() as machine, a_worker(gateway):
        run = await gateway.ok("POST", RUNS, {"text": CALLS, "session": "main"})
        gate = await the_gate(gateway)
        first = next(each for each in machine.commands if isinstance(each, Deliver)).message_id
        assert gate["title"] == f"May re: {first}?"
        call = next(each for each in (await gateway.ok("GET", f"{RUNS}/{run['id']}"))["steps"] if each["run"])
        called = await gateway.ok("GET", f"{RUNS}/{call['run']}")
        assert (called["origin"], called["workflow"], called["session"]) == (run["id"], "inner", run["session"])
        await gateway.ok("POST", f"/v1/approvals/{gate['id']}/answer", {"verdict": "allow"})
        ended = await until(gateway, run["id"], "completed")
        assert states(ended) == {"first": "completed", "call": "completed", "behind": "completed"}
        said = await gateway.ok("GET", f"{RUNS}/{call['run']}/steps/two/output")
        assert (await gateway.ok("GET", f"{RUNS}/{run['id']}/steps/call/output"))["output"] == said["output"]
        assert [each["id"] for each in (await gateway.ok("GET", RUNS))["runs"]] == [run["id"]]


async def test_a_called_workflow_that_failed_goes_on_from_what_it_had_done(gateway: Gateway) -> None:
    async with gateway.machine() as machine, a_worker(gateway):
        run = await gateway.ok("POST", RUNS, {"text": CALLS, "session": "main"})
        gate = await the_gate(gateway)
        await gateway.ok("POST", f"/v1/approvals/{gate['id']}/answer", {"verdict": "deny"})
        failed = await until(gateway, run["id"], "failed")
        assert "ask: denied by operator" in failed["reason"]
        begun = len(ordered(machine))
        await gateway.ok("POST", f"{RUNS}/{run['id']}/resume")
        gate = await the_gate(gateway)
        await gateway.ok("POST", f"/v1/approvals/{gate['id']}/answer", {"verdict": "allow"})
        await until(gateway, run["id"], "completed")
        assert len(ordered(machine)) == begun + 2  # `two`, and `behind`; neither `first` nor `one`


async def test_a_run_that_is_cancelled_ends_the_workflow_that_it_calls(gateway: Gateway) -> None:
    async with gateway.machine(), a_worker(gateway):
        run = await gateway.ok("POST", RUNS, {"text": CALLS, "session": "main"})
        gate = await the_gate(gateway)
        await gateway.ok("POST", f"{RUNS}/{run['id']}/cancel")
        ended = await until(gateway, run["id"], "cancelled")
        (called,) = (each["run"] for each in ended["steps"] if each["run"])
        assert (await gateway.ok("GET", f"{RUNS}/{called}"))["state"] == "cancelled"
        assert (await gateway.ok("GET", f"/v1/approvals/{gate['id']}"))["status"] == "withdrawn"


async def test_a_run_says_that_the_workflow_it_calls_needs_a_person(gateway: Gateway) -> None:
    text = CALLS.replace("task: finish", "task: finish").replace("pattern: dag", "pattern: dag, tokenBudget: 0")
    text = text.replace("agent: A, task: begin", "type: approval").replace("dependsOn: [first] }", "dependsOn: [] }")
    async with gateway.machine(), a_worker(gateway):
        run = await gateway.ok("POST", RUNS, {"text": text, "session": "main"})
        async with asyncio.timeout(30):
            while "needs a person" not in (call := await the_call(gateway, run["id"]))["reason"]:
                await asyncio.sleep(0.02)
        assert call["reason"] == "needs a person: one: budget: the tokens of the run"


async def the_call(gateway: Gateway, run: str) -> dict[str, Any]:
    shown = await gateway.ok("GET", f"{RUNS}/{run}")
    return next(each for each in shown["steps"] if each["name"] == "call")


async def the_gate(gateway: Gateway) -> dict[str, Any]:
    """The only one that is asked now."""
    async with asyncio.timeout(30):
        while not (found := (await gateway.ok("GET", "/v1/sessions/main/approvals?status=pending"))["approvals"]):
            await asyncio.sleep(0.02)
    return cast(dict[str, Any], found[0])


async def a_failed_run(gateway: Gateway, text: str = GATED) -> dict[str, Any]:
    """One whose gate was denied."""
    run = await gateway.ok("POST", RUNS, {"text": text, "session": "main"})
    gate = await the_gate(gateway)
    await gateway.ok("POST", f"/v1/approvals/{gate['id']}/answer", {"verdict": "deny"})
    return await until(gateway, run["id"], "failed")


async def test_a_run_goes_on_with_a_corrected_file_and_keeps_what_is_the_same(gateway: Gateway) -> None:
    async with gateway.machine() as machine, a_worker(gateway):
        text = GATED.replace("vars: { what: it }", "vars: { what: all }")
        run = await a_failed_run(gateway, text)
        corrected = text.replace('type: approval, message: "May {{ what }} go on?"', "agent: A, task: decide")
        preview = await gateway.ok("POST", f"{RUNS}/{run['id']}/rerun/preview", {"text": corrected})
        assert {each["name"]: each["why"] for each in preview["steps"]} == {
            "ask": "it was not completed",
            "beside": "",
            "behind": "it was not completed",
        }
        assert "+      - { name: ask, agent: A, task: decide }" in preview["difference"].splitlines()
        begun = len(ordered(machine))
        other = await gateway.ok("POST", f"{RUNS}/{run['id']}/rerun", {"text": corrected})
        assert (other["origin"], other["session"]) == (run["id"], run["session"])
        ended = await until(gateway, other["id"], "completed")
        kept = {each["name"]: each["reason"] for each in ended["steps"]}
        assert kept == {"ask": "", "beside": f"completed in run {run['id']}", "behind": ""}
        assert len(ordered(machine)) == begun + 2
        said = [await gateway.ok("GET", f"{RUNS}/{each['id']}/steps/beside/output") for each in (run, other)]
        assert said[0]["output"] == said[1]["output"] != ""


async def test_from_a_step_on_all_is_done_again_in_a_run_of_its_own_that_is_compared(gateway: Gateway) -> None:
    async with gateway.machine() as machine, a_worker(gateway):
        run = await gateway.ok("POST", RUNS, {"text": TWO, "session": "main"})
        await until(gateway, run["id"], "completed")
        other = await gateway.ok("POST", f"{RUNS}/{run['id']}/rerun", {"step": "second"})
        await until(gateway, other["id"], "completed")
        assert len(ordered(machine)) == 3
        found = await gateway.ok("GET", f"{RUNS}/{run['id']}/compare/{other['id']}")
        assert (found["left"]["id"], found["right"]["id"], found["difference"]) == (run["id"], other["id"], "")
        assert [(each["name"], each["same_output"]) for each in found["steps"]] == [("first", True), ("second", False)]
        assert [len(each["right"]["attempts"]) for each in found["steps"]] == [0, 1]


async def test_a_run_that_goes_on_is_not_done_again_beside_itself(gateway: Gateway) -> None:
    async with gateway.machine(), a_worker(gateway):
        run = await gateway.ok("POST", RUNS, {"text": GATED, "session": "main"})
        answer = await gateway.call("POST", f"{RUNS}/{run['id']}/rerun", {})
        assert (answer.status_code, answer.json()["error"]["code"]) == (409, "RUN_GOES_ON")
        answer = await gateway.call("POST", f"{RUNS}/{run['id']}/rerun/preview", {"step": "bside"})
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "STEP_NOT_FOUND")


async def test_what_nobody_carries_out_or_can_be_kept_to_is_refused_with_its_line(gateway: Gateway) -> None:
    integration = A_WORKFLOW.replace("agent: Greeter, task: say hello", "type: integration, integration: x, action: y")
    kept = A_WORKFLOW.replace("preset: worker", "preset: worker, permissions: restricted")
    for text, says in ((integration, 'nobody carries out y of "x"'), (kept, "nobody can keep Greeter to")):
        error = (await gateway.call("POST", RUNS, {"text": text})).json()["error"]
        assert error["code"] == "INVALID_WORKFLOW"
        assert re.search(rf"^line \d+: {says}", error["message"])


CLAUDE = replace(DEMO, cli="claude", dialect=Dialect.CLAUDE)


async def test_a_read_only_agent_is_ordered_so_and_so_is_what_it_spawns(gateway: Gateway) -> None:
    text = A_WORKFLOW.replace("cli: demo, preset: worker", "cli: claude, preset: worker, permissions: readonly")
    async with gateway.machine(clis=[DEMO, CLAUDE]) as machine, a_worker(gateway):
        machine.answering = False
        run = await gateway.ok("POST", RUNS, {"text": text, "session": "main"})
        await machine.until(lambda: any(isinstance(each, Deliver) for each in machine.commands))
        (order,) = [each for each in machine.commands if isinstance(each, Spawn)]
        assert order.readonly
        own = machine.tokens[order.agent]
        asked = {"name": "Other", "cli": "claude", "wait": False}
        await gateway.ok("POST", "/v1/sessions/main/agents", asked, token=own)
        await machine.until(lambda: sum(isinstance(each, Spawn) for each in machine.commands) == 2)
        assert all(each.readonly for each in machine.commands if isinstance(each, Spawn))
        other = await gateway.call("POST", "/v1/sessions/main/agents", {**asked, "name": "D", "cli": "demo"}, token=own)
        assert (other.status_code, other.json()["error"]["code"]) == (409, "NO_READONLY")
        refused = await gateway.call("POST", RUNS, {"text": A_WORKFLOW}, token=own)
        assert refused.status_code == 403
        await gateway.ok("POST", f"{RUNS}/{run['id']}/cancel")


@pytest.mark.parametrize("knows", [True, False])
async def test_an_agent_that_is_kept_to_files_is_ordered_so_and_so_is_what_it_spawns(
    gateway: Gateway, knows: bool
) -> None:
    kept = "cli: claude, preset: worker, permissions: {files: {write: ['out/**']}}"
    text = A_WORKFLOW.replace("cli: demo, preset: worker", kept)
    other_cli = replace(DEMO, cli="codex", dialect=Dialect.CODEX)
    async with gateway.machine(clis=[DEMO, CLAUDE, other_cli], asks_writes=knows) as machine, a_worker(gateway):
        machine.answering = False
        await gateway.ok("PUT", "/v1/rules", {"rules": [{"effect": "allow", "tool": "*"}]})
        run = await gateway.ok("POST", RUNS, {"text": text, "session": "main", "folder": "/w"})
        if not knows:
            assert (
                "keeps no agent to some files: update it there" in (await until(gateway, run["id"], "failed"))["reason"]
            )
            assert not [each for each in machine.commands if isinstance(each, Spawn)]
            return
        await machine.until(lambda: any(isinstance(each, Deliver) for each in machine.commands))
        own = machine.tokens[next(each.agent for each in machine.commands if isinstance(each, Spawn))]
        asked = {"name": "Other", "cli": "claude", "wait": False}
        await gateway.ok("POST", "/v1/sessions/main/agents", asked, token=own)
        await machine.until(lambda: len(machine.tokens) == 2)
        orders = [each for each in machine.commands if isinstance(each, Spawn)]
        assert [each.asks_writes for each in orders] == [True, True]
        for order in orders:
            for path in ("/w/other", "/w/out/a"):
                given = {"file_path": path}
                await machine.state(order, ApprovalRequested(native_id=path, tool="Write", title="write", input=given))
        answers = await _answers(machine, 4)
        assert {key: each.verdict for key, each in answers.items()} == {
            (order.agent, path): verdict
            for order in orders
            for path, verdict in (("/w/other", Verdict.DENY), ("/w/out/a", Verdict.ALLOW))
        }
        codex = await gateway.call(
            "POST", "/v1/sessions/main/agents", {**asked, "name": "D", "cli": "codex"}, token=own
        )
        assert (codex.status_code, codex.json()["error"]["code"]) == (409, "NO_FILE_LIMITS")
        assert (await gateway.call("POST", RUNS, {"text": A_WORKFLOW}, token=own)).status_code == 403


async def _answers(machine: Machine, count: int) -> dict[tuple[str, str], ApprovalAnswer]:
    """So many, by agent and request."""
    await machine.until(lambda: sum(isinstance(each, OrderedAnswer) for each in machine.commands) >= count)
    found = [each for each in machine.commands if isinstance(each, OrderedAnswer)]
    return {(each.agent, each.native_id): each.answer for each in found}


async def test_a_step_whose_vendors_limit_is_reached_waits_until_the_vendor_says(gateway: Gateway) -> None:
    async with gateway.machine() as machine, a_worker(gateway):
        machine.answering = False
        run = await gateway.ok("POST", RUNS, {"text": A_WORKFLOW, "session": "main"})
        await machine.until(lambda: any(isinstance(each, Deliver) for each in machine.commands))
        (delivered,) = [each for each in machine.commands if isinstance(each, Deliver)]
        resets = int(time.time()) + 3600
        limits = {"primary": {"usedPercent": 100, "resetsAt": resets}}
        told = {"method": "account/rateLimits/updated", "params": {"rateLimits": limits}}
        about: dict[str, Any] = {"agent": delivered.agent, "generation": delivered.generation}
        await machine.report(FrameRecorded(**about, direction="out", frame_type="rateLimits", raw=told))
        await machine.answer(delivered, outcome=TurnOutcome.FAILED)
        async with asyncio.timeout(30):
            while states(shown := await gateway.ok("GET", f"{RUNS}/{run['id']}"))["utter"] != "waiting_quota":
                await asyncio.sleep(0.02)
        (step,) = shown["steps"]
        assert step["until_ms"] == (resets + 5) * 1000
        assert step["reason"].startswith("the limit of demo is reached")
        assert [each["outcome"] for each in step["attempts"]] == ["quota"]


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


async def test_a_run_is_a_workers_as_long_as_that_renews_its_lease(gateway: Gateway) -> None:
    records, workspace = gateway.adapters.workflows, gateway.workspace
    async with gateway.machine():
        await gateway.ok("POST", RUNS, {"text": A_WORKFLOW, "session": "main"})
        (claimed,) = (await records.claim(workspace, most=10, lease_s=4)).runs
        await records.renew(workspace, [claimed], lease_s=600)
        later = await records.claim(workspace, most=10, lease_s=4)
        assert not later.runs
        assert later.next_in_s == pytest.approx(600, abs=60)
        await records.renew(workspace, [replace(claimed, fence=claimed.fence - 1)], lease_s=6000)
        assert (await records.claim(workspace, most=10, lease_s=4)).next_in_s == pytest.approx(600, abs=60)
        await records.settle(workspace, claimed, due_at_ms=None)
        await records.renew(workspace, [claimed], lease_s=600)
        assert (await records.claim(workspace, most=10, lease_s=4)).next_in_s is None


async def test_what_happens_behind_a_lease_that_has_ended_is_not_lost_when_its_worker_lets_go(gateway: Gateway) -> None:
    records, workspace = gateway.adapters.workflows, gateway.workspace
    async with gateway.machine():
        run = await gateway.ok("POST", RUNS, {"text": A_WORKFLOW, "session": "main"})
        (slow,) = (await records.claim(workspace, most=10, lease_s=0)).runs
        await gateway.ok("POST", f"{RUNS}/{run['id']}/cancel")
        await records.settle(workspace, slow, due_at_ms=None)
        assert [each.id for each in (await records.claim(workspace, most=10, lease_s=4)).runs] == [run["id"]]


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
    parts = ("workflows", "commands", "mailroom", "registry")
    mortal: Any = {name: Mortal(getattr(adapters, name), fate) for name in parts}
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


async def drive_handed(gateway: Gateway, run: str, fate: Fate) -> dict[str, Any]:
    """The same by drivers that are handed the run, of which one dies with it: its lease ends, and another claims it."""
    adapters = gateway.adapters
    mortal: Any = {name: Mortal(getattr(adapters, name), fate) for name in ("workflows", "commands", "registry")}
    drivers = [build_driver(Settings(), replace(adapters, **mortal))]
    due = keys.key(gateway.workspace, "workflow_due")

    async def look(claimed: ClaimedRun, now_ms: int) -> None:
        try:
            await drivers[-1].look(gateway.workspace, claimed, now_ms=now_ms, holder="me")
        except Killed:
            drivers.append(build_driver(Settings(), adapters))
            await cast(Redis, adapters.redis).zadd(due, {run: 1})

    async def take_handed() -> None:
        async for handed in adapters.workflows.handed("me"):
            if handed is not None:
                await look(handed.claimed, handed.now_ms)

    async with asyncio.timeout(60):
        taking = asyncio.create_task(take_handed())
        while (shown := await gateway.ok("GET", f"{RUNS}/{run}"))["state"] == "running":
            claim = await adapters.workflows.claim(gateway.workspace, most=10, lease_s=60)
            for claimed in claim.runs:
                await look(claimed, claim.now_ms)
            await asyncio.sleep(0.01)
        taking.cancel()
        await asyncio.gather(taking, return_exceptions=True)
    return cast(dict[str, Any], shown)


def ordered(machine: Machine) -> Counter[str]:
    """How often each agent and each command was ordered."""
    spawns = [str(each.agent) for each in machine.commands if isinstance(each, Spawn)]
    return Counter(spawns + [each.command for each in machine.commands if isinstance(each, RunCommand)])


@pytest.mark.parametrize(
    ("text", "driven"),
    [(TWO, drive), (TWO_COMMANDS, drive), (TWO_COMMANDS, drive_handed)],
    ids=["agents", "commands", "commands, handed over"],
)
@pytest.mark.parametrize("heard", [False, True], ids=["unheard", "heard"])
async def test_a_driver_that_dies_at_any_question_to_the_store_leaves_a_run_that_ends_and_does_nothing_twice(
    gateway: Gateway, heard: bool, text: str, driven: Callable[[Gateway, str, Fate], Awaitable[dict[str, Any]]]
) -> None:
    async with gateway.machine(runs_commands=True) as machine:
        at, survived = 1, False
        while not survived:
            fate = Fate(at=at, heard=heard)
            run = await gateway.ok("POST", RUNS, {"text": text, "session": f"run-{at}"})
            shown = await driven(gateway, run["id"], fate)
            assert (shown["state"], states(shown)) == ("completed", {"first": "completed", "second": "completed"}), at
            assert [len(each["attempts"]) for each in shown["steps"]] == [1, 1], at
            survived = fate.asked < at
            at += 1
        assert at > 6
        assert set(ordered(machine).values()) == {1}
        assert len(ordered(machine)) == 2 * (at - 1)


@pytest.mark.parametrize(
    ("knows", "letters", "told"),
    [(True, 2_000, 0), (False, 2_000, 10), (True, 20, 10)],
    ids=["long", "long, and an older machine", "short"],
)
async def test_what_is_long_is_told_with_no_order_so_that_a_run_costs_what_its_steps_do(
    gateway: Gateway, knows: bool, letters: int, told: int
) -> None:
    commands = [f"echo {number} {'x' * letters}" for number in range(10)]
    steps = "".join(
        f"      - {{ name: s{number}, type: deterministic, command: {command} }}\n"
        for number, command in enumerate(commands)
    )
    text = f'version: "1.0"\nname: long\nswarm: {{ pattern: dag }}\nworkflows:\n  - name: long\n    steps:\n{steps}'
    templates = [shell_template(each) for each in commands]
    async with gateway.machine(runs_commands=True, takes_digests=knows) as machine, a_worker(gateway):
        await gateway.ok("POST", RUNS, {"text": text, "session": "main"})
        await machine.until(lambda: len(machine.commands) == len(commands))
        orders = [each for each in machine.commands if isinstance(each, RunCommand)]
        assert [each.template for each in orders] == templates
        assert {each.digest for each in orders} == {digest_of(templates)}
        assert [len(each.templates) for each in orders] == [told] * len(orders)


CROSSED = """\
version: "1.0"
name: crossed
swarm: { pattern: dag }
workflows:
  - name: crossed
    steps:
      - { name: there, type: worktree, branch: b, machine: laptop }
      - { name: here, type: deterministic, command: "ls {{steps.there.output}}", dependsOn: [there], machine: ID }
"""


async def test_a_machine_by_its_name_and_by_its_id_is_one_and_another_is_refused_before_anything_is_made(
    gateway: Gateway,
) -> None:
    async with gateway.machine(runs_commands=True):
        (found,) = (await gateway.ok("GET", "/v1/proxies"))["proxies"]
        assert found["name"] == "laptop"
        text = CROSSED.replace("ID", f'"{found["id"]}"')
        assert (await gateway.ok("POST", RUNS, {"text": text, "session": "main"}))["state"] == "running"
        for other in ("0" * 32, "laptop-2"):
            answer = await gateway.call("POST", RUNS, {"text": CROSSED.replace("ID", f'"{other}"'), "session": "new"})
            error = answer.json()["error"]
            assert (answer.status_code, error["code"]) == (400, "INVALID_WORKFLOW")
            assert f'"there" says where something lies on laptop, and "here" runs on {other}' in error["message"]
        assert (await gateway.call("GET", "/v1/sessions/new")).status_code == 404


async def test_commands_of_which_nobody_says_where_they_run_are_refused_or_wait_for_the_only_machine(
    gateway: Gateway,
) -> None:
    nowhere = await gateway.call("POST", RUNS, {"text": TWO_COMMANDS, "session": "main"})
    assert (nowhere.status_code, nowhere.json()["error"]["code"]) == (409, "NO_PROXY")
    async with gateway.machine(runs_commands=True):
        pass
    (away,) = (await gateway.ok("GET", "/v1/proxies"))["proxies"]
    run = await gateway.ok("POST", RUNS, {"text": TWO_COMMANDS, "session": "main"})
    assert run["machine"] == away["id"]
    async with (
        gateway.machine(runs_commands=True),
        gateway.machine(runs_commands=True, machine_id="machine-2", name="box", boot_id="boot-2", spool_id="spool-2"),
    ):
        several = (await gateway.call("POST", RUNS, {"text": TWO_COMMANDS, "session": "main"})).json()["error"]
        assert several["code"] == "MACHINE_NOT_CHOSEN"
        assert "connected: box; laptop" in several["message"] or "connected: laptop; box" in several["message"]
        named = TWO_COMMANDS.replace("pattern: dag", "pattern: dag, machine: box")
        await gateway.ok("POST", RUNS, {"text": named, "session": "main"})


async def test_a_completed_step_of_a_failed_run_is_not_said_to_be_tried_again(gateway: Gateway) -> None:
    async with gateway.machine(), a_worker(gateway):
        run = await a_failed_run(gateway)
        refused = await gateway.call("POST", f"{RUNS}/{run['id']}/steps/beside/retry")
        assert (refused.status_code, refused.json()["error"]["code"]) == (409, "STEP_NOT_RETRYABLE")
        assert (await gateway.ok("GET", f"{RUNS}/{run['id']}"))["state"] == "failed"
