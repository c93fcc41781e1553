"""`relaycast workspace` and `admin` against a gateway, with the key of the installation."""

from uuid import uuid4

import orjson
import pytest
import pytest_asyncio

from broker.domain.operations.administrators import ADMINISTRATOR_PREFIX, Administrator
from broker.services.people.access import token_hash
from tests.fixtures.gateway import Gateway
from tests.fixtures.shell import Shell, shell_of


@pytest_asyncio.fixture(loop_scope="session")
async def shell(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> Shell:
    key = ADMINISTRATOR_PREFIX + uuid4().hex
    administrator = Administrator(id=uuid4().hex, name="operator")
    await gateway.adapters.administrators.put_in_place(administrator, sha256=token_hash(key))
    monkeypatch.setenv("RELAYCAST_ADMIN_KEY", key)
    return shell_of(gateway)


async def said(shell: Shell, *arguments: str) -> str:
    """What a command that succeeds prints."""
    result = await shell(*arguments)
    assert result.exit_code == 0, result.output
    return result.stdout.rstrip("\n")


async def test_a_workspace_is_made_listed_renamed_put_away_restored_and_deleted(gateway: Gateway, shell: Shell) -> None:
    name = f"Acme {uuid4().hex[:10]}"
    made = orjson.loads(await said(shell, "workspace", "create", name, "--json"))
    slug = made["slug"]
    assert (await gateway.ok("GET", "/v1/whoami", token=made["key"]))["workspace"]["id"] == made["id"]
    assert any(
        row.split()[0] == slug and row.endswith(name) for row in (await said(shell, "workspace", "list")).splitlines()
    )
    assert await said(shell, "workspace", "rename", slug, "Other", "--slug", f"{slug}-too") == f"✓ {slug}-too: Other"
    assert await said(shell, "workspace", "archive", slug) == f"✓ {slug}-too is archived"
    assert (await gateway.call("GET", "/v1/whoami", token=made["key"])).status_code == 401
    assert await said(shell, "workspace", "restore", slug) == f"✓ {slug}-too is restored"
    gone = await said(shell, "workspace", "delete", slug, "--yes")
    assert gone.startswith(f"✓ {slug}-too is deleted; it can be restored until ")
    shown = await said(shell, "admin", "workspaces")
    [row] = [row for row in shown.splitlines() if row.startswith(f"{slug}-too ")]
    assert "deleted until" in row


async def test_a_first_key_is_printed_alone_and_an_owner_gets_a_link(shell: Shell) -> None:
    made = await shell("workspace", "create", f"Acme {uuid4().hex}", "--owner", "Ada")
    assert made.stdout.startswith("rk_live_")
    assert len(made.stdout.split()) == 1
    assert "/sign-in#" in made.stderr


async def test_plans_are_changed_and_what_is_not_there_is_said(shell: Shell) -> None:
    slug = orjson.loads(await said(shell, "workspace", "create", f"Acme {uuid4().hex}", "--json"))["slug"]
    assert await said(shell, "admin", "plan", slug, "free") == f"✓ {slug} is on free"
    refused = await shell("workspace", "archive", "nobodys")
    assert (refused.exit_code, "WORKSPACE_NOT_FOUND" in refused.stderr) == (2, True)


async def test_without_a_key_of_the_installation_nothing_is_asked(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    monkeypatch.delenv("RELAYCAST_ADMIN_KEY")
    monkeypatch.setenv("RELAYCAST_DATA_DIR", str(tmp_path_factory.mktemp("empty")))
    refused = await shell("workspace", "list")
    assert refused.exit_code == 2
    assert "no key of the installation" in refused.stderr
