"""Hooks that start workflows: once, with the rights of who has applied them, and never by what they have caused."""

from __future__ import annotations

import textwrap
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from broker.domain.errors import Unavailable
from tests.fixtures.gateway import Gateway
from tests.gateway.http.test_api import refusal
from tests.gateway.http.test_hooks import apply, hooked, runs, say, spawn
from tests.gateway.http.test_workflows import a_worker, until
from tests.gateway.test_hook_kills import Dying, a_turn, dispatcher, look_at_all

__all__ = ["hooked"]
WORKFLOW = """\
version: "1.0"
name: greeting
swarm: { pattern: dag }
vars: { whom: nobody }
agents: [{ name: Greeter, cli: demo, preset: worker }]
workflows: [{ name: greeting, steps: [{ name: utter, agent: Greeter, task: "say hello to {{ whom }}" }] }]
"""


def starting(*, selector: str = '"*"', machine: str = "") -> str:
    text = textwrap.indent(WORKFLOW, " " * 10)
    return f"""\
hooks:
  {selector}:
    on_turn_complete:
      id: greet
      max_per_minute: 600
      start_workflow:
        vars: {{whom: "${{agent}}"}}
        {machine}
        text: |
{text}"""


@pytest_asyncio.fixture(loop_scope="session")
async def worked(hooked: Gateway) -> AsyncIterator[Gateway]:
    async with hooked.machine():
        await spawn(hooked, "Worker")
        async with a_worker(hooked):
            yield hooked


async def workflows(gateway: Gateway) -> list[dict[str, Any]]:
    return list((await gateway.ok("GET", "/v1/workflows/runs"))["runs"])


async def test_a_workflow_is_started_in_a_session_of_its_own_and_what_happens_there_starts_no_other(
    worked: Gateway,
) -> None:
    shown = await apply(worked, starting())
    assert shown["hooks"][0]["does"] == {"start_workflow": "the first of its file"}
    await say(worked, "Worker")
    (run,) = await runs(worked, lambda all_: [each["state"] for each in all_] == ["completed"])
    done = await until(worked, run["id"], "completed")
    assert done["id"] == run["id"], "they are one run, by one id"
    assert done["session_name"] == f"greet-{run['id'][:8]}"
    log = (await worked.ok("GET", f"/v1/sessions/{done['session_name']}/events?limit=1000"))["events"]
    tasks = [each["data"]["text"] for each in log if each["kind"] == "message.accepted"]
    assert any("say hello to Worker" in each for each in tasks)
    # The turn of the workflow's own agent would set the hook off again.
    both = await runs(worked, lambda all_: len(all_) == 2)
    assert (both[0]["state"], both[0]["name"].startswith("Greeter")) == ("skipped", True)
    assert "it was caused by itself: greet" in both[0]["data"]["reason"]
    assert len(await workflows(worked)) == 1


@pytest.mark.parametrize("made", [False, True], ids=["before", "behind"])
@pytest.mark.parametrize("part", ["records", "workflows"])
async def test_a_workflow_is_started_once_wherever_the_dispatcher_dies(
    gateway: Gateway, part: str, *, made: bool
) -> None:
    async with gateway.machine():
        await spawn(gateway, "Worker")
        await apply(gateway, starting(selector='"agent:Worker"'))
        await look_at_all(gateway)
        turns = 0
        while True:
            await a_turn(gateway)
            turns += 1
            real = gateway.adapters.hooks if part == "records" else dispatcher(gateway)._starts._workflows
            dying = Dying(real, last=turns, made=made)
            try:
                await dispatcher(gateway, **{part: dying}).look(gateway.workspace)
            except Unavailable:
                assert dying.has_died
            await look_at_all(gateway)
            found = (await gateway.ok("GET", "/v1/hooks/runs?limit=1000"))["runs"]
            assert [each["state"] for each in found] == ["completed"] * turns
            assert {each["id"] for each in await workflows(gateway)} == {each["id"] for each in found}
            if not dying.has_died:
                break
        assert turns > 1


async def test_a_workflow_that_cannot_be_started_has_failed_and_says_why(worked: Gateway) -> None:
    await apply(worked, starting(machine="machine: nowhere"))
    await say(worked, "Worker")
    (run,) = await runs(worked, lambda all_: [each["state"] for each in all_] == ["failed"])
    assert "nowhere" in run["data"]["reason"]
    assert await workflows(worked) == []


async def test_whoever_has_applied_the_hooks_and_is_gone_starts_nothing(worked: Gateway) -> None:
    of_a_week, token = await worked.token("workspace")
    await worked.ok("PUT", "/v1/hooks", {"text": starting()}, token=token)
    await worked.ok("DELETE", f"/v1/tokens/{of_a_week}")
    await say(worked, "Worker")
    (run,) = await runs(worked, lambda all_: [each["state"] for each in all_] == ["failed"])
    assert "token" in run["data"]["reason"]
    assert await workflows(worked) == []


async def test_a_wrong_workflow_is_refused_when_the_hooks_are_saved(gateway: Gateway) -> None:
    wrong = starting().replace("agent: Greeter", "agent: Greter")
    assert await refusal(gateway, "PUT", "/v1/hooks", {"text": wrong}) == (400, "INVALID_HOOKS")
