"""`relaycast rule` and `relaycast session` against a gateway."""

import asyncio
import re

import orjson
import pytest

from tests.fixtures.gateway import Gateway
from tests.fixtures.shell import Shell, shell_of


@pytest.fixture
def shell(gateway: Gateway) -> Shell:
    return shell_of(gateway)


async def test_a_session_that_is_over_is_removed_with_its_log(gateway: Gateway, shell: Shell) -> None:
    await gateway.ok("POST", "/v1/sessions", {"name": "old-one"})
    assert "old-one was removed" in (await shell("session", "remove", "old-one")).stdout
    assert (await shell("session", "list")).stdout == ""
    again = await shell("session", "remove", "old-one")
    assert (again.exit_code, "SESSION_NOT_FOUND" in again.stderr) == (2, True)


async def test_rules_are_added_once_listed_and_removed(gateway: Gateway, shell: Shell) -> None:
    for _ in range(2):
        assert (await shell("rule", "put", "deny", "--command", "rm *")).stdout == "✓ deny tool: *  command: rm *\n"
    await shell("rule", "put", "allow", "--tool", "read", "--path", "src/*")
    made = r"  by operator, \d{4}-\d\d-\d\d \d\d:\d\d \S+"
    assert re.fullmatch(
        rf"  1  allow   tool: read  path: src/\*{made}\n  2  deny    tool: \*  command: rm \*{made}\n",
        (await shell("rule", "list")).stdout,
    )
    assert orjson.loads((await shell("rule", "list", "--json")).stdout)["rules"][0]["path"] == "src/*"
    assert "removed: deny" in (await shell("rule", "remove", "2")).stdout
    [left] = (await gateway.ok("GET", "/v1/rules"))["rules"]
    assert (left["effect"], left["tool"]) == ("allow", "read")
    beyond = await shell("rule", "remove", "2")
    assert (beyond.exit_code, "there are 1 rules" in beyond.stderr) == (2, True)
    assert (await shell("rule", "put", "forbid")).exit_code == 2


async def test_a_rule_requires_people_of_a_group_from_a_risk_on(gateway: Gateway, shell: Shell) -> None:
    await gateway.ok("POST", "/v1/groups", {"name": "ops"})
    put = await shell("rule", "put", "require", "--tool", "shell", "--risk", "high", "--group", "OPS", "--people", "2")
    assert put.stdout == "✓ require tool: shell  from risk: high  needs: 2 people of the group OPS\n"
    (kept,) = (await gateway.ok("GET", "/v1/rules"))["rules"]
    wanted = {"effect": "require", "tool": "shell", "risk": "high", "role": None, "group": "ops", "people": 2}
    assert {name: kept[name] for name in wanted} == wanted
    assert "needs: 2 people of the group ops" in (await shell("rule", "list")).stdout
    meaningless = await shell("rule", "put", "require")
    assert (meaningless.exit_code, "say whom it requires" in meaningless.stderr) == (2, True)
    assert (await shell("rule", "put", "require", "--role", "viewer")).exit_code == 2
    await shell("rule", "remove", "1")
    assert (await gateway.ok("GET", "/v1/rules"))["rules"] == []


async def test_rules_of_two_people_at_the_same_time_all_stay(gateway: Gateway) -> None:
    async def put(number: int) -> None:
        await gateway.ok("POST", "/v1/rules", {"effect": "deny", "command": f"rm {number}"})

    async def remove(number: int) -> None:
        gone = await gateway.ok("DELETE", "/v1/rules", {"effect": "deny", "command": f"rm {number}"})
        assert gone["removed"] is True

    await asyncio.gather(*map(put, range(10)))
    assert len((await gateway.ok("GET", "/v1/rules"))["rules"]) == 10
    await asyncio.gather(*map(remove, range(0, 10, 2)), *map(put, range(10, 15)))
    left = {each["command"] for each in (await gateway.ok("GET", "/v1/rules"))["rules"]}
    assert left == {f"rm {number}" for number in (1, 3, 5, 7, 9, *range(10, 15))}
    for number in (9, 14, 1, 13, 3, 12, 5, 11, 7, 10):  # from the end, the beginning, the middle, and the last
        await remove(number)
    assert await gateway.ok("DELETE", "/v1/rules", {"effect": "deny", "command": "rm 1"}) == {
        "removed": False,
        "rules": [],
    }


async def test_sessions_are_created_and_listed(gateway: Gateway, shell: Shell) -> None:
    created = await shell("session", "create", "feature-x")
    assert created.stdout.startswith("✓ feature-x (")
    [made] = [each for each in (await gateway.ok("GET", "/v1/sessions"))["sessions"] if each["name"] == "feature-x"]
    listed = (await shell("session", "list")).stdout
    assert [made["id"], "feature-x", made["url"]] in [line.split() for line in listed.splitlines()]
    assert "feature-x" in (await shell("session", "list", "--json")).stdout
