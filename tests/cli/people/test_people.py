"""`relaycast sign-in`, `members` and `share` against a gateway."""

import asyncio
import re

import pytest
from click.testing import CliRunner

from broker.cli import main
from tests.fixtures.browser import open_browser
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


async def test_people_are_added_with_a_link_listed_changed_and_removed(gateway: Gateway, shell: Shell) -> None:
    link = await said(shell, "members", "add", "Ada Lovelace", "--role", "owner")
    async with open_browser(gateway) as browser:
        assert (await browser.sign_in(link))["name"] == "Ada Lovelace"
    await said(shell, "members", "add", "Bob")
    assert await said(shell, "members", "role", "bob", "viewer") == "✓ Bob is viewer"
    rows = (await said(shell, "members", "list")).splitlines()
    assert [(row.split()[1], row.split("  ")[-1]) for row in rows] == [("owner", "Ada Lovelace"), ("viewer", "Bob")]
    assert (await said(shell, "members", "suspend", "Bob")).startswith("✓ Bob is suspended")
    assert (await said(shell, "members", "list")).endswith("Bob  (suspended)")
    assert await said(shell, "members", "reinstate", "Bob") == "✓ Bob is reinstated"
    assert (await said(shell, "members", "list")).endswith("Bob")
    assert await said(shell, "members", "remove", "Bob") == "✓ Bob was removed"
    await said(shell, "members", "add", "Eve")
    assert await said(shell, "members", "erase", "Eve", "--yes") == "✓ the name was erased"
    refused = await shell("members", "remove", "Ada Lovelace")
    assert (refused.exit_code, "LAST_OWNER" in refused.stderr) == (2, True)


async def test_a_fresh_link_is_the_first_owners_or_whose_one_asks_for(gateway: Gateway, shell: Shell) -> None:
    nobody = await shell("sign-in")
    assert (nobody.exit_code, "MEMBER_NOT_FOUND" in nobody.stderr) == (2, True)
    for name, role in (("Vera", "viewer"), ("Olga", "owner"), ("Otto", "owner")):
        await said(shell, "members", "add", name, "--role", role)
    for arguments, name in (([], "Olga"), (["vera"], "Vera")):
        async with open_browser(gateway) as browser:
            assert (await browser.sign_in(await said(shell, "sign-in", *arguments)))["name"] == name


async def test_tokens_are_listed_with_their_makers_and_what_hangs_on_them_and_revoking_says_what_ends(
    gateway: Gateway, shell: Shell
) -> None:
    minted = await shell("token", "mint", "--kind", "workspace", "--name", "alice", "--person")
    token_id, alice = minted.stderr.split()[1], minted.stdout.strip()
    proxy = (await gateway.ok("POST", "/v1/tokens", {"kind": "proxy", "name": "laptop"}, token=alice))["token"]
    await gateway.ok("POST", "/v1/sessions", {"name": "main"})
    async with gateway.machine(token=proxy) as machine:
        await gateway.ok("POST", "/v1/sessions/main/agents", {"name": "Worker", "cli": "demo"})
        rows = {row.split()[0]: row for row in (await said(shell, "token", "list")).splitlines()}
        [own] = [row for row in rows.values() if "operator" in row and "made by" not in row]
        hangs_on = "with it end 1 token, the link of 1 machine, what 1 agent may do"
        used = r"last used \d{4}-\d\d-\d\d \d\d:\d\d UTC"
        assert re.search(rf"alice  \(made by operator; {used}; {hangs_on}\)$", rows[token_id])
        assert own.endswith("with it end 2 tokens, the link of 1 machine, what 1 agent may do)")
        [laptop] = [row for row in rows.values() if "laptop" in row]
        assert re.search(rf"made by alice; {used}; with it end the link of 1 machine", laptop)
        revoked = await shell("token", "revoke", token_id)
        assert revoked.stderr.strip() == f"{token_id}: {hangs_on}"
        assert revoked.stdout.strip() == f"✓ {token_id} was revoked; {hangs_on}"
        assert await machine.closed() == 4501


async def test_a_session_is_shared_by_a_link_that_can_be_revoked(gateway: Gateway, shell: Shell) -> None:
    await gateway.ok("POST", "/v1/sessions", {"name": "main"})
    shared = await shell("share", "main", "--days", "2")
    assert re.match(r"valid until \d{4}-\d\d-\d\d \d\d:\d\d UTC; `relaycast token revoke", shared.stderr)
    token_id = shared.stderr.partition("revoke ")[2].split("`")[0]
    async with open_browser(gateway) as browser:
        assert (await browser.sign_in(shared.stdout.strip()))["kind"] == "observer"
        await said(shell, "token", "revoke", token_id)
        assert (await browser.ask("GET", "/v1/whoami")).status_code == 401


@pytest.mark.parametrize("mark", ["\ufeff", "\u200b", "\u201d"], ids=ascii)
async def test_a_token_with_a_mark_that_tokens_never_have_is_refused_without_being_said(
    gateway: Gateway, mark: str
) -> None:
    environment = {"RELAYCAST_URL": gateway.url, "RELAYCAST_TOKEN": gateway.key[:20] + mark + gateway.key[20:]}
    result = await asyncio.to_thread(CliRunner().invoke, main, ["token", "list"], env=environment)
    assert result.exit_code == 2
    assert f"U+{ord(mark):04X}" in result.output
    assert gateway.key[8:20] not in result.output
    header = f"Bearer {environment['RELAYCAST_TOKEN']}".encode()
    answer = await gateway.client.get(f"{gateway.url}/v1/whoami", headers={b"Authorization": header})
    assert (answer.status_code, gateway.key[8:20] in answer.text) == (401, False)


async def test_people_are_invited_by_a_link_that_says_to_what_and_lets_one_of_them_in(
    gateway: Gateway, shell: Shell
) -> None:
    await said(shell, "group", "create", "Crew")
    made = await shell("invitation", "create", "--role", "viewer", "--name", "Vera", "--group", "crew", "--days", "3")
    link, key = made.stdout.strip(), made.stderr.partition("revoke ")[2].split("`")[0]
    assert link.startswith(f"{gateway.url}/sign-in#iv_live_")
    row = await said(shell, "invitation", "list")
    assert re.fullmatch(rf"{key} +viewer +until \d{{4}}-\d\d-\d\d \d\d:\d\d UTC  Vera  in Crew", row)
    again = await said(shell, "invitation", "resend", key)
    code, before = (each.partition("#")[2] for each in (again, link))
    async with open_browser(gateway) as browser:
        assert (await browser.ask("POST", "/v1/invitations/look", {"code": before})).status_code == 404
        offer = await browser.ok("POST", "/v1/invitations/look", {"code": code})
        assert offer == {
            "workspace": {"name": offer["workspace"]["name"], "slug": offer["workspace"]["slug"]},
            **{"role": "viewer", "name": "Vera", "groups": ["Crew"], "made_by": None},
            "expires_at_ms": offer["expires_at_ms"],
        }
        told = await browser.ok("POST", "/v1/invitations/accept", {"code": code, "name": "Vera V."})
        assert (told["name"], told["role"]) == ("Vera V.", "viewer")
        assert (await browser.ok("GET", "/v1/whoami"))["name"] == "Vera V."
        assert (await browser.ask("POST", "/v1/invitations/accept", {"code": code})).status_code == 404
    nothing = await shell("invitation", "list")
    assert (nothing.exit_code, nothing.stdout, "relaycast invitation create" in nothing.stderr) == (0, "", True)
    made = await shell("invitation", "create")
    key = made.stderr.partition("revoke ")[2].split("`")[0]
    assert await said(shell, "invitation", "revoke", key) == f"✓ the invitation {key} is revoked"
