"""Trying hooks over HTTP and with `relaycast hooks test`: what they would have done, and one that is let run now."""

from typing import Any

from broker.protocol.proxy import RunHook
from tests.fixtures.gateway import Gateway
from tests.fixtures.shell import shell_of
from tests.gateway.http.test_api import refusal
from tests.gateway.http.test_hooks import RELAY, apply, hooked, orders, runs, say, spawn

__all__ = ["hooked"]
COMMAND = """
hooks:
  demo:
    on_turn_complete: {id: sound, command: 'afplay "${agent} is done.aiff"'}
"""
PROJECT = "hooks:\n  '*':\n    on_turn_complete: {id: note, command: 'note ${project} ${agent} ${last_message}'}\n"


async def tried(gateway: Gateway, **asked: object) -> dict[str, Any]:
    found: dict[str, Any] = await gateway.ok("POST", "/v1/hooks/test", asked)
    return found


async def test_a_dry_run_says_what_would_have_been_done_and_does_nothing(gateway: Gateway) -> None:
    async with gateway.machine(runs_hooks=True) as machine:
        await spawn(gateway, "Worker")
        await spawn(gateway, "Other")
        await say(gateway, "Worker", "one")
        await say(gateway, "Worker", "two")
        await say(gateway, "Other", "three")
        trial = await tried(gateway, text=RELAY)
        (hook,) = trial["hooks"]
        assert (hook["hook"], hook["runs"], trial["complete"], trial["sessions"]) == ("tell-lead", 2, True, 1)
        assert [each["agent"] for each in hook["examples"]] == ["Worker", "Worker"]
        assert hook["examples"][0]["does"]["relay"] == "Lead"
        (note,) = (await tried(gateway, text=PROJECT))["hooks"]
        assert note["runs"] == 3
        ((program, project, agent, last),) = note["examples"][0]["does"]["argv"]
        assert (program, project, agent, last.startswith("re: ")) == ("note", "${project}", "Worker", True)
        assert (await gateway.ok("GET", "/v1/hooks/runs"))["runs"] == []
        assert not orders(machine)


async def test_those_that_hold_are_tried_one_or_all(gateway: Gateway) -> None:
    async with gateway.machine():
        await spawn(gateway, "Worker")
        await say(gateway, "Worker")
        await apply(gateway, RELAY + "    on_turn_failed: {id: tell-me, relay: Lead}\n")
        assert [(each["hook"], each["runs"]) for each in (await tried(gateway))["hooks"]] == [
            ("tell-lead", 1),
            ("tell-me", 0),
        ]
        assert [each["hook"] for each in (await tried(gateway, hook="tell-me"))["hooks"]] == ["tell-me"]
        assert await refusal(gateway, "POST", "/v1/hooks/test", {"hook": "x"}) == (404, "HOOK_NOT_FOUND")
        assert await refusal(gateway, "POST", "/v1/hooks/test", {"text": "hooks: 1"}) == (400, "INVALID_HOOKS")


async def test_a_hook_is_let_run_on_a_machine_about_the_latest_that_set_it_off(hooked: Gateway) -> None:
    async with hooked.machine(runs_hooks=True, name="box") as machine:
        await spawn(hooked, "Worker")
        await apply(hooked, COMMAND)
        fired = await hooked.ok("POST", "/v1/hooks/test/runs", {"hook": "sound", "machine": "box"})
        assert (fired["agent"], fired["from_log"]) == ("Worker", False)
        assert fired["does"] == {"argv": [["afplay", "Worker is done.aiff"]]}
        await machine.until(lambda: orders(machine))
        (order,) = orders(machine)
        assert (order.run, order.command) == (fired["run"], 'afplay "${agent} is done.aiff"')
        await say(hooked, "Worker", "really")
        await machine.until(lambda: len(orders(machine)) == 2)
        again = await hooked.ok("POST", "/v1/hooks/test/runs", {"hook": "sound", "machine": "box"})
        assert again["from_log"] is True
        found = await runs(hooked, lambda all_: len(all_) == 3)
        assert [each["data"].get("test_by") is not None for each in found] == [True, False, True]
        assert all(isinstance(each, RunHook) for each in orders(machine))


async def test_what_cannot_be_let_run_says_why(gateway: Gateway) -> None:
    async with gateway.machine(name="box"):
        await apply(gateway, COMMAND)
        for hook, machine, expected in (
            ("nothing", "box", (404, "HOOK_NOT_FOUND")),
            ("sound", "nowhere", (404, "MACHINE_NOT_FOUND")),
            ("sound", "box", (409, "NO_AGENT_THERE")),
        ):
            asked = {"hook": hook, "machine": machine}
            assert await refusal(gateway, "POST", "/v1/hooks/test/runs", asked) == expected


async def test_the_command_shows_it_in_words(gateway: Gateway) -> None:
    shell = shell_of(gateway, "hooks", "test")
    async with gateway.machine(runs_hooks=True, name="box"):
        await spawn(gateway, "Worker")
        await say(gateway, "Worker")
        shown = (await shell("-", stdin=COMMAND)).stdout
        assert "sound (on_turn_complete) would have run once in the last 7 days" in shown
        assert "main/Worker  afplay 'Worker is done.aiff'" in shown
        assert "of 1 session" in shown
        await apply(gateway, COMMAND)
        fired = (await shell("--hook", "sound", "--on", "box")).stdout
        assert "for main/Worker, about the latest that set it off" in fired
        assert "  afplay 'Worker is done.aiff'\n" in fired
        assert (await shell("--on", "box")).exit_code == 2
