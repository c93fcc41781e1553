"""Hooks that answer what waits for people: with what people, rules and other hooks say, and whoever dies meanwhile."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from broker.domain.approvals.answers import AnswerOption
from broker.domain.errors import Unavailable
from broker.domain.hooks.answers import HookAnswer, HookSays
from broker.domain.hooks.events import HookEvent
from broker.domain.hooks.runs import RunState
from broker.protocol.agents.events import ApprovalRequested, HookOpinion
from broker.protocol.proxy import Answer, HookRan, RunHook, Spawn
from tests.fixtures.callers import a_caller
from tests.fixtures.gateway import Gateway, Machine
from tests.gateway.http.test_hooks import apply, hooked, orders, runs, spawn
from tests.gateway.test_hook_kills import Dying, dispatcher, look_at_all

__all__ = ["hooked"]
S = "/v1/sessions/main"
GUARD = "{id: guard, command: /usr/local/bin/guard, decides: true, may_allow: true}"
HOOKS = f"hooks:\n  demo:\n    on_approval_needed:\n      - {GUARD}\n"
TWO = HOOKS + "      - {id: other, command: /usr/local/bin/other, decides: true, on_error: deny}\n"


async def ask(machine: Machine, native: str = "1", **given: Any) -> None:
    """The agent asks to run a command."""
    (agent,) = [order for order in machine.commands if isinstance(order, Spawn)]
    plain: dict[str, Any] = {"tool": "Bash", "title": "t", "command": "npm test", "cwd": "/p"}
    await machine.state(agent, ApprovalRequested(native_id=native, **{**plain, **given}))


async def order_of(machine: Machine, hook: str = "guard", *, count: int = 1) -> RunHook:
    await machine.until(lambda: sum(each.hook == hook for each in orders(machine)) == count)
    return [each for each in orders(machine) if each.hook == hook][-1]


async def end(machine: Machine, order: RunHook, says: HookSays | None = None, **given: Any) -> None:
    """The machine says how a hook ended: with an answer, else as it is given."""
    about: dict[str, Any] = {"agent": order.agent, "generation": order.generation, "run": order.run}
    answer = HookAnswer(says=says, reason=f"says {order.hook}") if says else None
    plain: dict[str, Any] = {"state": RunState.COMPLETED, "exit_code": 0, "answer": answer}
    await machine.report(HookRan(**about, hook=order.hook, **{**plain, **given}))


def told(machine: Machine) -> list[str]:
    return [str(each.answer.verdict) for each in machine.commands if isinstance(each, Answer)]


async def resolved(gateway: Gateway, *, count: int = 1) -> Mapping[str, Any]:
    """The newest request, once so many are answered."""
    async with asyncio.timeout(10):
        while True:
            found = (await gateway.ok("GET", f"{S}/approvals"))["approvals"]
            if len(found) == count and all(each["status"] != "pending" for each in found):
                return dict(found[0])
            await asyncio.sleep(0.02)


async def noted(gateway: Gateway, wanted: str) -> Mapping[str, Any]:
    """The request that waits, once people read what hooks have said."""
    async with asyncio.timeout(10):
        while True:
            (found,) = (await gateway.ok("GET", f"{S}/approvals?status=pending"))["approvals"]
            if wanted in (found["reason"] or ""):
                return dict(found)
            await asyncio.sleep(0.02)


@pytest.mark.parametrize(("says", "status"), [(HookSays.ALLOW, "allowed"), (HookSays.DENY, "denied")])
async def test_a_hook_that_decides_answers_for_people(hooked: Gateway, says: HookSays, status: str) -> None:
    async with hooked.machine(runs_hooks=True) as machine:
        await spawn(hooked, "Worker")
        await apply(hooked, HOOKS)
        await ask(machine)
        order = await order_of(machine)
        assert order.answers is HookEvent.APPROVAL_NEEDED
        assert (order.values["command"], order.event["data"]["tool"]) == ("npm test", "Bash")
        await end(machine, order, says)
        asked = await resolved(hooked)
        assert (asked["status"], asked["answered_by"]) == (status, "hook guard")
        await machine.until(lambda: told(machine) == [says])
    if says is HookSays.DENY:
        assert asked["note"] == "denied by hook guard: says guard"
    (run,) = await runs(hooked, bool)
    assert (run["state"], run["data"]["answer"]["says"]) == ("completed", says)


async def test_of_several_one_no_is_enough_and_a_yes_waits_for_all(hooked: Gateway) -> None:
    async with hooked.machine(runs_hooks=True) as machine:
        await spawn(hooked, "Worker")
        await apply(hooked, TWO)
        await ask(machine)
        guard, other = await order_of(machine), await order_of(machine, "other")
        await end(machine, guard, HookSays.ALLOW)
        await ask(machine, "2")  # comes behind it, and is looked at later
        second = await order_of(machine, "other", count=2)
        assert told(machine) == []
        await end(machine, other)  # no opinion
        await machine.until(lambda: told(machine) == ["allow"])
        await end(machine, second, state=RunState.FAILED, exit_code=1, reason="exit code 1")
        await machine.until(lambda: told(machine) == ["allow", "deny"])
        asked = await resolved(hooked, count=2)
    assert asked["note"] == "denied by hook other: the hook failed: exit code 1"


@pytest.mark.parametrize(
    ("says", "ended", "read"),
    [
        (HookSays.ASK, {}, "hook guard: says guard"),
        (None, {"state": RunState.FAILED, "reason": "exit code 1"}, "hook guard did not answer (exit code 1): it is"),
        (
            None,
            {"state": RunState.REFUSED, "reason": "nobody has allowed it"},
            "(nobody has allowed it): it is left",
        ),
    ],
    ids=["asks", "fails", "no consent"],
)
async def test_a_hook_that_asks_or_does_not_work_leaves_it_to_people_who_read_why(
    hooked: Gateway, says: HookSays | None, ended: dict[str, Any], read: str
) -> None:
    async with hooked.machine(runs_hooks=True) as machine:
        await spawn(hooked, "Worker")
        await apply(hooked, HOOKS)
        await ask(machine)
        await end(machine, await order_of(machine), says, **ended)
        waits = await noted(hooked, read)
        await hooked.ok("POST", f"/v1/approvals/{waits['id']}/answer", {"verdict": "allow"})
        await machine.until(lambda: told(machine) == ["allow"])


OPTIONS = (
    AnswerOption(id="a", name="Allow in mode A", kind="allow_once"),
    AnswerOption(id="b", name="Allow in mode B", kind="allow_once"),
)


@pytest.mark.parametrize(
    "given",
    [
        {"hooks": (HookOpinion(hook="first", says="ask", why="look at it"),)},
        {"widens": ("network",)},
        {"options": OPTIONS},
        {"command": "git push"},
    ],
    ids=["a hook before the tool asks", "it widens", "no plain yes", "a rule asks"],
)
async def test_the_yes_of_a_hook_widens_nothing(hooked: Gateway, given: dict[str, Any]) -> None:
    async with hooked.machine(runs_hooks=True) as machine:
        await spawn(hooked, "Worker")
        await hooked.ok("PUT", "/v1/rules", {"rules": [{"effect": "ask", "command": "git push*"}]})
        await apply(hooked, HOOKS)
        await ask(machine, **given)
        await end(machine, await order_of(machine), HookSays.ALLOW)
        await ask(machine, "2")  # what it says is dealt with before this
        await end(machine, await order_of(machine, count=2), HookSays.DENY)
        await machine.until(lambda: told(machine) == ["deny"])
        (waits,) = (await hooked.ok("GET", f"{S}/approvals?status=pending"))["approvals"]
    assert waits["command"] == given.get("command", "npm test")


async def test_a_rule_that_denies_goes_before_the_yes_of_a_hook_and_a_person_who_is_faster_wins(
    hooked: Gateway,
) -> None:
    async with hooked.machine(runs_hooks=True) as machine:
        await spawn(hooked, "Worker")
        await apply(hooked, HOOKS)
        await ask(machine)
        first = await order_of(machine)
        await hooked.ok("PUT", "/v1/rules", {"rules": [{"effect": "deny", "command": "npm*"}]})
        await end(machine, first, HookSays.ALLOW)
        assert (await resolved(hooked))["answered_by"] == "rule deny * npm*"
        await ask(machine, "2", command="make")
        second = await order_of(machine, count=2)
        (waits,) = (await hooked.ok("GET", f"{S}/approvals?status=pending"))["approvals"]
        await hooked.ok("POST", f"/v1/approvals/{waits['id']}/answer", {"verdict": "allow"})
        await end(machine, second, HookSays.DENY)
        await ask(machine, "3", command="make")
        await end(machine, await order_of(machine, count=3), HookSays.DENY)
        await machine.until(lambda: told(machine) == ["deny", "allow", "deny"])
        shown = await hooked.ok("GET", f"/v1/approvals/{waits['id']}")
    assert (shown["status"], shown["answered_by"]) == ("allowed", "operator")


async def test_no_yes_of_a_hook_stands_in_for_people_that_a_rule_requires(hooked: Gateway) -> None:
    async with hooked.machine(runs_hooks=True) as machine:
        ada = (await a_caller(hooked, machine, "admin")).token
        await spawn(hooked, "Worker")
        await apply(hooked, HOOKS)
        await ask(machine)
        order = await order_of(machine)
        rule = {"effect": "require", "role": "admin", "command": "npm*"}
        await hooked.ok("PUT", "/v1/rules", {"rules": [rule]})  # it comes while the hook runs
        await end(machine, order, HookSays.ALLOW)
        await ask(machine, "2", command="make")
        await end(machine, await order_of(machine, count=2), HookSays.ALLOW)
        await machine.until(lambda: told(machine) == ["allow"])  # what came after it was dealt with
        (waits,) = (await hooked.ok("GET", f"{S}/approvals?status=pending"))["approvals"]
        assert waits["command"] == "npm test"
        assert [each["words"] for each in waits["needs"]] == ["1 person with the role admin or above"]
        await hooked.ok("POST", f"/v1/approvals/{waits['id']}/answer", {"verdict": "allow"}, token=ada)
        await machine.until(lambda: told(machine) == ["allow", "allow"])


async def test_a_hook_that_only_learns_of_it_answers_nothing(hooked: Gateway) -> None:
    async with hooked.machine(runs_hooks=True) as machine:
        await spawn(hooked, "Worker")
        learning = "{id: told, command: /usr/local/bin/say}"
        await apply(hooked, HOOKS + f"      - {learning}\n")
        await ask(machine)
        told_of = await order_of(machine, "told")
        assert told_of.answers is None
        await end(machine, told_of)
        await end(machine, await order_of(machine), HookSays.ALLOW)
        assert (await resolved(hooked))["status"] == "allowed"


@pytest.mark.parametrize("made", [False, True], ids=["before", "behind"])
async def test_it_is_answered_wherever_the_dispatcher_dies(gateway: Gateway, *, made: bool) -> None:
    """Each record it makes, one after the other, is the last that it makes; another goes on."""
    async with gateway.machine(runs_hooks=True) as machine:
        await spawn(gateway, "Worker")
        await apply(gateway, TWO)
        await look_at_all(gateway)
        steps = 0
        while True:
            steps += 1
            dying = Dying(gateway.adapters.hooks, last=steps, made=made)
            await ask(machine, str(steps))
            await machine.until(lambda: machine.acked == machine.sent)
            for hook in ("guard", "other"):
                await look(gateway, dying)
                await look_at_all(gateway)
                order = await order_of(machine, hook, count=steps)
                await end(machine, order, HookSays.ALLOW)
                await machine.until(lambda: machine.acked == machine.sent)
            await look(gateway, dying)
            await look_at_all(gateway)
            await resolved(gateway, count=steps)
            await machine.until(lambda: told(machine) == ["allow"] * steps)  # noqa: B023 - awaited at once
            if not dying.has_died:
                break
        assert steps > 8
        assert len(orders(machine)) == 2 * steps


async def look(gateway: Gateway, dying: Dying) -> None:
    try:
        await dispatcher(gateway, records=dying).look(gateway.workspace)
    except Unavailable:
        assert dying.has_died
