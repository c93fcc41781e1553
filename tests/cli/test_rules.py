"""`relaycast rule` and `relaycast session` against a gateway."""

import orjson
import pytest

from tests.fixtures.gateway import Gateway
from tests.fixtures.shell import Shell, shell_of


@pytest.fixture
def shell(gateway: Gateway) -> Shell:
    return shell_of(gateway)


async def test_rules_are_added_once_listed_and_removed(gateway: Gateway, shell: Shell) -> None:
    for _ in range(2):
        assert (await shell("rule", "put", "deny", "--command", "rm *")).stdout == "✓ deny tool: *  command: rm *\n"
    await shell("rule", "put", "allow", "--tool", "read", "--path", "src/*")
    assert (await shell("rule", "list")).stdout == (
        "  1  deny   tool: *  command: rm *\n  2  allow  tool: read  path: src/*\n"
    )
    assert orjson.loads((await shell("rule", "list", "--json")).stdout)["rules"][1]["path"] == "src/*"
    assert "no longer: deny" in (await shell("rule", "remove", "1")).stdout
    [left] = (await gateway.ok("GET", "/v1/rules"))["rules"]
    assert (left["effect"], left["tool"]) == ("allow", "read")
    beyond = await shell("rule", "remove", "2")
    assert (beyond.exit_code, "there are 1 rules" in beyond.stderr) == (2, True)
    assert (await shell("rule", "put", "forbid")).exit_code == 2


async def test_sessions_are_created_and_listed(gateway: Gateway, shell: Shell) -> None:
    created = await shell("session", "create", "feature-x")
    assert created.stdout.startswith("✓ feature-x (")
    [made] = [each for each in (await gateway.ok("GET", "/v1/sessions"))["sessions"] if each["name"] == "feature-x"]
    listed = (await shell("session", "list")).stdout
    assert [made["id"], "feature-x", made["url"]] in [line.split() for line in listed.splitlines()]
    assert "feature-x" in (await shell("session", "list", "--json")).stdout
