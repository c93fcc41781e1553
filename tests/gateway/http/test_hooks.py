"""Hooks over HTTP and on a linked machine: what sets them off, what is ordered, and what becomes of it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import pytest_asyncio

from broker.adapters.redis import keys
from broker.app import build_hooks
from broker.domain.hooks.answers import HookAnswer, HookSays
from broker.domain.hooks.definitions import CommandAction
from broker.domain.hooks.events import HookEvent
from broker.domain.hooks.happenings import Happening
from broker.domain.hooks.runs import RunState
from broker.domain.ids import AgentId, SessionId
from broker.domain.logs.events import Cursor
from broker.protocol.proxy import Deliver, FrameRecorded, Guards, HookRan, RunHook, Spawn
from broker.services.ports import HeldHook
from broker.settings import Settings
from tests.fixtures.gateway import A_WORKFLOW, Gateway, Machine
from tests.gateway.http.test_api import answered, refusal
from tests.gateway.http.test_workflows import a_worker
from tests.gateway.test_hook_kills import dispatcher

S = "/v1/sessions/main"
RELAY = """
hooks:
  "agent:Worker":
    on_turn_complete: {id: tell-lead, relay: Lead}
"""
COMMAND = """
hooks:
  demo:
    on_turn_complete: {id: sound, command: "afplay '${agent} is done.aiff'", timeout: 5s}
"""


@pytest_asyncio.fixture(loop_scope="session")
async def hooked(gateway: Gateway) -> AsyncIterator[Gateway]:
    """A gateway whose hooks somebody looks after."""
    worker = asyncio.create_task(build_hooks(Settings(), gateway.adapters, alone=False).run())
    try:
        yield gateway
    finally:
        worker.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await worker


async def apply(gateway: Gateway, text: str) -> dict[str, Any]:
    shown: dict[str, Any] = await gateway.ok("PUT", "/v1/hooks", {"text": text})
    return shown


async def spawn(gateway: Gateway, name: str) -> None:
    await gateway.ok("POST", f"{S}/agents", {"name": name, "cli": "demo"})


async def say(gateway: Gateway, to: str, text: str = "hello") -> None:
    sent = await gateway.ok("POST", f"{S}/messages", {"to": to, "text": text})
    await answered(gateway, sent["message_id"])


async def runs(gateway: Gateway, ready: Callable[[list[dict[str, Any]]], bool]) -> list[dict[str, Any]]:
    """The runs, once they are as they are to be."""
    async with asyncio.timeout(10):
        while not ready(found := (await gateway.ok("GET", "/v1/hooks/runs"))["runs"]):
            await asyncio.sleep(0.02)
    return list(found)


def orders(machine: Machine) -> list[RunHook]:
    return [command for command in machine.commands if isinstance(command, RunHook)]


async def events(gateway: Gateway, prefix: str) -> list[str]:
    page = await gateway.ok("GET", f"{S}/events?limit=1000")
    return [event["kind"] for event in page["events"] if event["kind"].startswith(prefix)]


async def test_hooks_are_saved_shown_paused_and_removed(gateway: Gateway) -> None:
    assert (await gateway.ok("GET", "/v1/hooks"))["version"] == 0
    shown = await apply(gateway, COMMAND)
    assert (shown["version"], shown["text"], shown["paused"]) == (1, COMMAND, False)
    (hook,) = shown["hooks"]
    assert (hook["id"], hook["for"], hook["on"]) == ("sound", "demo", "on_turn_complete")
    assert hook["does"] == {"command": "afplay '${agent} is done.aiff'"}
    again = {"text": RELAY, "version": 0}
    assert await refusal(gateway, "PUT", "/v1/hooks", again) == (409, "HOOKS_CHANGED")
    assert (await gateway.ok("PUT", "/v1/hooks", {**again, "version": 1}))["version"] == 2
    assert (await gateway.ok("PUT", "/v1/hooks/paused", {"paused": True}))["paused"]
    await gateway.ok("DELETE", "/v1/hooks")
    assert (await gateway.ok("GET", "/v1/hooks"))["hooks"] == []


async def test_a_wrong_file_is_refused_with_every_place(gateway: Gateway) -> None:
    wrong = "hooks:\n  codex:\n    on_trun_complete: say\n    on_command: 'a | b'\n"
    response = await gateway.call("PUT", "/v1/hooks", {"text": wrong})
    error = response.json()["error"]
    assert (response.status_code, error["code"]) == (400, "INVALID_HOOKS")
    assert [(each["line"], each["column"]) for each in error["details"]["problems"]] == [(3, 5), (4, 17)]
    assert (await gateway.ok("GET", "/v1/hooks"))["version"] == 0
    checked = await gateway.ok("POST", "/v1/hooks/check", {"text": wrong})
    assert checked == {"problems": error["details"]["problems"], "hooks": []}


async def test_a_good_file_is_checked_and_not_saved(gateway: Gateway) -> None:
    assert await gateway.ok("POST", "/v1/hooks/check", {"text": RELAY}) == {"problems": [], "hooks": ["tell-lead"]}
    assert (await gateway.ok("GET", "/v1/hooks"))["version"] == 0


async def test_a_relay_tells_another_agent_once_and_does_not_go_round(hooked: Gateway) -> None:
    async with hooked.machine() as machine:
        await spawn(hooked, "Lead")
        await spawn(hooked, "Worker")
        await apply(hooked, RELAY + '  "agent:Lead":\n    on_turn_complete: {id: tell-worker, relay: Worker}\n')
        await say(hooked, "Worker")
        found = await runs(hooked, lambda all_: [each["state"] for each in all_].count("skipped") == 1)
    assert [(each["hook"], each["state"]) for each in reversed(found)] == [
        ("tell-lead", "completed"),
        ("tell-worker", "completed"),
        ("tell-lead", "skipped"),
    ]
    assert "caused by itself" in found[0]["data"]["reason"]
    delivered = [command for command in machine.commands if isinstance(command, Deliver)]
    told = delivered[1].text
    assert "hook:tell-lead" in told
    assert "Worker (demo): on_turn_complete" in told
    assert len(delivered) == 3


async def test_a_command_is_ordered_on_the_agents_machine_and_what_it_reports_is_the_log(hooked: Gateway) -> None:
    async with hooked.machine(runs_hooks=True) as machine:
        await spawn(hooked, "Worker")
        await apply(hooked, COMMAND)
        await say(hooked, "Worker")
        await machine.until(lambda: orders(machine))
        (order,) = orders(machine)
        assert order.command == "afplay '${agent} is done.aiff'"
        assert (order.hook, order.timeout_s, order.values["agent"], order.event["type"]) == (
            "sound",
            5.0,
            "Worker",
            "on_turn_complete",
        )
        about: dict[str, Any] = {"agent": order.agent, "generation": order.generation}
        about |= {"run": order.run, "hook": order.hook, "argv": ["afplay", "Worker is done.aiff"]}
        await machine.report(HookRan(**about, state=RunState.STARTED))
        await machine.report(HookRan(**about, state=RunState.COMPLETED, exit_code=0, duration_ms=7))
        await machine.report(HookRan(**about, state=RunState.FAILED, exit_code=1))
        (run,) = await runs(hooked, lambda all_: all_[0]["state"] == "completed")
        assert (run["id"], run["data"]["argv"], run["data"]["exit_code"]) == (order.run, about["argv"], 0)
        await say(hooked, "Worker")  # its reports come behind those
        assert (await events(hooked, "hook."))[:3] == ["hook.ordered", "hook.started", "hook.completed"]
        assert "hook.failed" not in await events(hooked, "hook.")


async def test_a_machine_is_told_until_when_it_may_begin_a_run_that_is_then_given_up(hooked: Gateway) -> None:
    async with hooked.machine(runs_hooks=True) as machine:
        await spawn(hooked, "Worker")
        await apply(hooked, COMMAND)
        await say(hooked, "Worker")
        await machine.until(lambda: orders(machine))
    (order,) = orders(machine)
    timers = keys.key(hooked.workspace, "timers")
    waiting = dict(await hooked.adapters.redis.zrangebyscore(timers, "-inf", "+inf", withscores=True))
    assert order.not_after_ms == waiting[f"hook|{order.run}"]


async def test_a_machine_that_knows_no_hooks_is_given_none(hooked: Gateway) -> None:
    async with hooked.machine() as machine:
        await spawn(hooked, "Worker")
        await apply(hooked, COMMAND)
        await say(hooked, "Worker")
        (run,) = await runs(hooked, bool)
        assert run["state"] == "skipped"
        assert "too old to run hooks" in run["data"]["reason"]
        assert not orders(machine)


async def test_a_relay_to_nobody_has_failed_and_says_why(hooked: Gateway) -> None:
    async with hooked.machine():
        await spawn(hooked, "Worker")
        await apply(hooked, RELAY)
        await say(hooked, "Worker")
        (run,) = await runs(hooked, lambda all_: bool(all_) and all_[0]["state"] == "failed")
        assert "Lead" in run["data"]["reason"]


async def test_what_happens_while_hooks_are_paused_or_gone_sets_nothing_off(hooked: Gateway) -> None:
    async with hooked.machine():
        await spawn(hooked, "Lead")
        await spawn(hooked, "Worker")
        await apply(hooked, RELAY)
        await hooked.ok("PUT", "/v1/hooks/paused", {"paused": True})
        await say(hooked, "Worker", "while paused")
        async with asyncio.timeout(10):
            while await hooked.adapters.hooks.due(hooked.workspace):
                await asyncio.sleep(0.02)
        await hooked.ok("PUT", "/v1/hooks/paused", {"paused": False})
        await say(hooked, "Worker", "afterwards")
        assert len(await runs(hooked, bool)) == 1
        await hooked.ok("DELETE", "/v1/hooks")
        await say(hooked, "Worker", "without hooks")
        assert await hooked.adapters.hooks.due(hooked.workspace) == []


async def test_a_hook_runs_so_often_in_a_minute_and_no_more(hooked: Gateway) -> None:
    async with hooked.machine():
        await spawn(hooked, "Lead")
        await spawn(hooked, "Worker")
        await apply(hooked, RELAY.replace("relay: Lead", "relay: Lead, max_per_minute: 1"))
        await say(hooked, "Worker")
        await say(hooked, "Worker")
        found = await runs(hooked, lambda all_: len(all_) == 2 and all_[1]["state"] == "completed")
        assert [each["state"] for each in found] == ["skipped", "completed"]
        assert "more than 1 times in a minute" in found[0]["data"]["reason"]


CHANGED = """
hooks:
  demo:
    on_file_change:
      - {id: each, command: "lint ${file}"}
      - {id: calm, command: "lint ${file}", debounce: 10m}
"""


async def test_ten_thousand_changes_of_files_at_once_start_thirty_runs_and_one_that_waits(gateway: Gateway) -> None:
    async with gateway.machine(runs_hooks=True) as machine:
        await spawn(gateway, "Worker")
        await apply(gateway, CHANGED)
        (agent,) = [order for order in machine.commands if isinstance(order, Spawn)]
        about: dict[str, Any] = {"agent": agent.agent, "generation": 1, "direction": "in", "frame_type": "x", "raw": {}}
        for frame in range(100):
            names = [f"/f{frame}-{number}.ts" for number in range(100)]
            changes = [{"type": "files", "changes": [{"path": name, "change": "add"}]} for name in names]
            await machine.report(FrameRecorded(**about, events=changes))
        await machine.until(lambda: machine.acked == machine.sent)
        while await dispatcher(gateway).look(gateway.workspace):
            pass
        await machine.until(lambda: len(orders(machine)) == 30)
        key = keys.key(gateway.workspace, "hook_hold", "calm", agent.agent)
        assert await gateway.adapters.redis.hget(key, "count") == "10000"
        found = (await gateway.ok("GET", "/v1/hooks/runs?limit=1000"))["runs"]
    skipped = [run["data"] for run in found if run["state"] == "skipped"]
    assert (len(found), 30 + sum(data.get("times", 1) for data in skipped)) == (30 + len(skipped), 10_000)
    assert all("more than 30 times in a minute" in data["reason"] for data in skipped)
    assert len(skipped) < 10


@pytest.mark.parametrize(
    ("method", "path"), [("PUT", "/v1/hooks"), ("DELETE", "/v1/hooks"), ("PUT", "/v1/hooks/paused")]
)
async def test_only_who_administers_a_workspace_changes_its_hooks(gateway: Gateway, method: str, path: str) -> None:
    token = (await gateway.ok("POST", "/v1/tokens", {"kind": "observer", "name": "screen"}))["token"]
    body = {"text": RELAY} if path == "/v1/hooks" else {"paused": True}
    refused = await gateway.call(method, path, body, token=token)
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "NOT_PERMITTED")


async def held(gateway: Gateway, agent: str, *, count: int) -> None:
    """Wait until a hook has been held back so often."""
    key = keys.key(gateway.workspace, "hook_hold", "tell-lead", agent)
    async with asyncio.timeout(10):
        while await gateway.adapters.redis.hget(key, "count") != str(count):
            await asyncio.sleep(0.02)


async def test_what_comes_in_a_burst_sets_a_hook_off_once_when_it_is_quiet(hooked: Gateway) -> None:
    async with hooked.machine():
        await spawn(hooked, "Lead")
        await spawn(hooked, "Worker")
        listed = (await hooked.ok("GET", f"{S}/agents"))["agents"]
        agent = next(each["id"] for each in listed if each["name"] == "Worker")
        shown = await apply(hooked, RELAY.replace("relay: Lead", "relay: Lead, debounce: 10m"))
        assert shown["hooks"][0]["debounce_s"] == 600
        for _ in range(3):
            await say(hooked, "Worker")
        await held(hooked, agent, count=3)
        assert (await hooked.ok("GET", "/v1/hooks/runs"))["runs"] == []
        await hooked.adapters.timers.due(hooked.workspace, f"hold|tell-lead|{agent}")
        (run,) = await runs(hooked, lambda all_: [each["state"] for each in all_] == ["completed"])
        assert (await hooked.ok("GET", "/v1/hooks/runs"))["runs"][0]["id"] == run["id"]
        page = await hooked.ok("GET", f"{S}/events?limit=1000")
        (ordered,) = [each for each in page["events"] if each["kind"] == "hook.ordered"]
        assert ordered["data"]["times"] == 3
        # The next one begins a burst of its own.
        await say(hooked, "Worker")
        await held(hooked, agent, count=1)
        assert len((await hooked.ok("GET", "/v1/hooks/runs"))["runs"]) == 1


async def test_events_that_are_looked_at_again_hold_nothing_back_a_second_time(gateway: Gateway) -> None:
    records, timers = gateway.adapters.hooks, gateway.adapters.timers
    happening = Happening(
        event=HookEvent.FILE_CHANGE,
        at=Cursor("e", 7),
        at_ms=1,
        agent=AgentId("a-1"),
        name="Worker",
        values={"tool": "Edit"},
    )

    def burst(mark: int, *files: str) -> HeldHook:
        return HeldHook(hook="lint", happening=happening, session=SessionId("s-1"), mark=mark, files=files)

    async def hold(each: HeldHook) -> None:
        await records.hold(gateway.workspace, each, quiet_s=600, most_s=6000)

    for each in (burst(7000, "a.py"), burst(7000, "a.py"), burst(8000, "b.py", "a.py"), burst(7001, "c.py")):
        await hold(each)
    await timers.due(gateway.workspace, "hold|lint|a-1")
    (found,) = await records.quiet(gateway.workspace)
    assert (found.files, found.count, found.mark, found.happening) == (("a.py", "b.py"), 2, 8000, happening)
    # Something comes while it is let go: it waits for its own quiet.
    await hold(burst(9000, "d.py"))
    await records.drop(gateway.workspace, found)
    assert await records.quiet(gateway.workspace) == []
    await timers.due(gateway.workspace, "hold|lint|a-1")
    (rest,) = await records.quiet(gateway.workspace)
    await records.drop(gateway.workspace, rest)
    for each in (burst(7000, "a.py"), burst(9000, "d.py")):
        await hold(each)
    await timers.due(gateway.workspace, "hold|lint|a-1")
    assert await records.quiet(gateway.workspace) == []


GUARDS = """
hooks:
  "*":
    on_turn_complete: {id: sound, command: afplay x}
    before_tool: {id: guard, command: /usr/local/bin/guard, when: {command: "git push*"}}
    before_turn: {id: off, command: /usr/local/bin/guard, enabled: false}
"""


def guards(machine: Machine) -> list[tuple[int, list[str]]]:
    return [(each.version, [hook.id for hook in each.hooks]) for each in machine.commands if isinstance(each, Guards)]


async def test_machines_are_told_which_hooks_hold_their_agents_up_when_they_come_and_when_that_changes(
    gateway: Gateway,
) -> None:
    async with gateway.machine(machine_id="m1", guards=0) as first, gateway.machine(machine_id="m2") as old:
        shown = await apply(gateway, GUARDS)
        assert "claude is held before each tool" in shown["notes"][0]
        assert shown["notes"][1:] == ["agents on laptop are not held up: its relay-connect is too old for that"]
        await first.until(lambda: guards(first) == [(1, ["guard"])])
        (hook,) = next(each.hooks for each in first.commands if isinstance(each, Guards))
        assert (hook.when.command, hook.action) == (
            "git push*",
            CommandAction(command="/usr/local/bin/guard", timeout_s=10),
        )
        async with gateway.machine(machine_id="m3", guards=0) as second:
            await second.until(lambda: guards(second) == [(1, ["guard"])])
            assert isinstance(second.commands[0], Guards)
            await gateway.ok("PUT", "/v1/hooks/paused", {"paused": True})
            await second.until(lambda: guards(second)[-1] == (1, []))
            await gateway.ok("PUT", "/v1/hooks/paused", {"paused": False})
            await gateway.ok("DELETE", "/v1/hooks")
            await second.until(lambda: guards(second)[2:] == [(1, ["guard"]), (2, [])])
        assert guards(old) == []


async def test_a_run_that_a_machine_began_for_a_waiting_agent_is_recorded_like_any_other(gateway: Gateway) -> None:
    async with gateway.machine(guards=0) as machine:
        await spawn(gateway, "Worker")
        await machine.until(lambda: any(isinstance(each, Spawn) for each in machine.commands))
        (order,) = [each for each in machine.commands if isinstance(each, Spawn)]
        about: dict[str, Any] = {"agent": order.agent, "generation": 1, "run": "6f0b7d0e-6a55-5d0e-9d1c-6b1f5a3c2e10"}
        about |= {"hook": "guard", "on": HookEvent.BEFORE_TOOL, "argv": ["/bin/guard"]}
        assert order.session_name == "main"
        await machine.report(HookRan(**about, state=RunState.STARTED))
        denied = HookAnswer(says=HookSays.DENY, reason="not on Fridays")
        await machine.report(HookRan(**about, state=RunState.COMPLETED, exit_code=0, answer=denied))
        (run,) = await runs(gateway, lambda all_: bool(all_) and all_[0]["state"] == "completed")
        assert (run["hook"], run["name"], run["data"]["event"]) == ("guard", "Worker", "before_tool")
        assert run["data"]["answer"]["reason"] == "not on Fridays"
        assert await events(gateway, "hook.") == ["hook.started", "hook.completed"]


async def test_a_message_sets_off_what_its_recipient_is_told_and_no_message_of_that_goes_round(hooked: Gateway) -> None:
    text = """
hooks:
  "*":
    on_message: {id: note, relay: {to: Lead, text: "${agent} was told by ${from}: ${text}"}, when: {from: "[!h]*"}}
  "agent:Lead":
    on_message: {id: again, relay: Worker}
"""
    async with hooked.machine() as machine:
        await spawn(hooked, "Lead")
        await spawn(hooked, "Worker")
        await apply(hooked, text)
        await say(hooked, "Worker", "build it")
        found = await runs(hooked, lambda all_: [each["hook"] for each in all_].count("again") == 1)
        await machine.until(lambda: len([each for each in machine.commands if isinstance(each, Deliver)]) == 3)
    assert [(each["hook"], each["name"]) for each in reversed(found)] == [("note", "Worker"), ("again", "Lead")]
    told = [command.text for command in machine.commands if isinstance(command, Deliver)]
    assert "Worker was told by" in told[1]
    assert "build it" in told[1]


async def test_what_becomes_of_a_workflows_run_is_told_without_an_agent_or_a_machine(hooked: Gateway) -> None:
    tell = "{to: Lead, text: '${event} ${run} ${reason}'}"
    text = f"""
hooks:
  "session:main":
    on_run_started: {{id: begun, relay: {tell}}}
    on_run_failed: {{id: over, relay: {tell}}}
    on_run_completed: {{id: never, relay: {tell}}}
"""
    async with hooked.machine():
        await spawn(hooked, "Lead")
        await apply(hooked, text)
        run = await hooked.ok("POST", "/v1/workflows/runs", {"text": A_WORKFLOW, "session": "main"})
        async with a_worker(hooked):
            await hooked.ok("POST", f"/v1/workflows/runs/{run['id']}/cancel")
            found = await runs(hooked, lambda all_: [each["state"] for each in all_] == ["completed"] * 2)
        messages = [
            event["data"]["text"]
            for event in (await hooked.ok("GET", f"{S}/events?limit=1000"))["events"]
            if event["kind"] == "message.accepted" and event["data"]["from"]["name"].startswith("hook:")
        ]
    assert [(each["hook"], each["agent"]) for each in reversed(found)] == [("begun", ""), ("over", "")]
    assert messages[0] == f"on_run_started {run['id']} "
    assert messages[1].startswith(f"on_run_failed {run['id']} ")
    ordered = [
        event
        for event in (await hooked.ok("GET", f"{S}/events?limit=1000"))["events"]
        if event["kind"] == "hook.ordered"
    ]
    assert {each["agent"] for each in ordered} == {None}
