"""`relaycast token` and `service-account` against a gateway."""

import pytest
from click.testing import Result

from tests.fixtures.callers import a_caller
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


async def test_a_person_makes_lists_rotates_and_revokes_tokens_of_their_own(gateway: Gateway, shell: Shell) -> None:
    async with gateway.machine() as machine:
        ada = await a_caller(gateway, machine, "member")

    async def hers(*arguments: str) -> Result:
        return await shell("token", "personal", *arguments, RELAYCAST_TOKEN=ada.token)

    made = await hers("mint", "dashboard", "--scope", "send", "--session", "main", "--days", "7")
    secret = made.stdout.strip()
    assert secret.startswith("pt_live_")
    assert (await gateway.ok("GET", "/v1/whoami", token=secret))["scopes"] == ["send"]
    token_id = made.stderr.split()[1]
    (row,) = (await hers("list")).stdout.splitlines()
    assert row.startswith(token_id)
    assert "dashboard  (may send in 1 sessions; last used " in row
    fresh = await hers("rotate", token_id, "--overlap", "0")
    assert (await gateway.call("GET", "/v1/whoami", token=secret)).status_code == 401
    fresh_id, fresh_secret = fresh.stderr.split()[1], fresh.stdout.strip()
    assert (await hers("revoke", fresh_id)).stdout == f"✓ {fresh_id} was revoked\n"
    assert (await gateway.call("GET", "/v1/whoami", token=fresh_secret)).status_code == 401


async def test_personal_tokens_are_for_people_and_within_what_they_may(gateway: Gateway, shell: Shell) -> None:
    async with gateway.machine() as machine:
        viewer = await a_caller(gateway, machine, "viewer")
        bob = await a_caller(gateway, machine, "member")
    with_key = await shell("token", "personal", "mint", "x", "--scope", "read")
    assert (with_key.exit_code, "NOT_PERMITTED" in with_key.stderr) == (2, True)
    too_much = await shell("token", "personal", "mint", "x", "--scope", "send", RELAYCAST_TOKEN=viewer.token)
    assert (too_much.exit_code, "may not send" in too_much.stderr) == (2, True)
    made = await shell("token", "personal", "mint", "x", "--scope", "read", RELAYCAST_TOKEN=viewer.token)
    for command in ("rotate", "revoke"):
        other = await shell("token", "personal", command, made.stderr.split()[1], RELAYCAST_TOKEN=bob.token)
        assert (other.exit_code, "NOT_PERMITTED" in other.stderr) == (2, True)
    assert (await gateway.call("GET", "/v1/whoami", token=made.stdout.strip())).status_code == 200
