"""`relaycast token` and `service-account` against a gateway."""

import pytest

from tests.fixtures.gateway import Gateway
from tests.fixtures.shell import Shell, shell_of


@pytest.fixture
def shell(gateway: Gateway) -> Shell:
    return shell_of(gateway)


async def said(shell: Shell, *arguments: str) -> str:
    """What a command that succeeds prints."""
    result = await shell(*arguments)
    assert result.exit_code == 0, result.output
    return result.stdout.rstrip("\n")


async def test_a_service_account_is_made_given_a_token_that_is_rotated_and_removed(
    gateway: Gateway, shell: Shell
) -> None:
    await gateway.ok("POST", "/v1/sessions", {"name": "main"})
    assert (await said(shell, "service-account", "create", "ci")).startswith("✓ ci (")
    secret = await said(shell, "service-account", "token", "ci", "--scope", "send", "--session", "main")
    assert (await gateway.ok("GET", "/v1/whoami", token=secret))["scopes"] == ["send"]
    account, row = (await said(shell, "service-account", "list")).splitlines()
    assert account.split()[-1] == "ci"
    assert "may send in 1 sessions; made by operator; last used " in row
    token_id = row.split()[0]
    fresh = await said(shell, "token", "rotate", token_id, "--overlap", "0")
    assert (await gateway.call("GET", "/v1/whoami", token=secret)).status_code == 401
    assert (await gateway.ok("GET", "/v1/whoami", token=fresh))["sessions"] is not None
    assert len((await said(shell, "service-account", "list")).splitlines()) == 2
    assert await said(shell, "service-account", "remove", "ci") == "✓ ci was removed; with it end 1 token"
    assert (await gateway.call("GET", "/v1/whoami", token=fresh)).status_code == 401
    refused = await shell("service-account", "token", "ci", "--scope", "read")
    assert (refused.exit_code, "SERVICE_ACCOUNT_NOT_FOUND" in refused.stderr) == (2, True)


async def test_a_proxys_token_is_not_rotated(gateway: Gateway, shell: Shell) -> None:
    token_id, _ = await gateway.token("proxy")
    refused = await shell("token", "rotate", token_id)
    assert (refused.exit_code, "NOT_ROTATED" in refused.stderr) == (2, True)
