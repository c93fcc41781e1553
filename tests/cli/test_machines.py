"""`relaycast machine` against a gateway."""

import re

import pytest

from tests.fixtures.desk import a_hello, a_person
from tests.fixtures.gateway import Gateway
from tests.fixtures.shell import Shell, shell_of
from tests.services.machines.test_linking import linking_of


@pytest.fixture
def shell(gateway: Gateway) -> Shell:
    return shell_of(gateway, "machine")


async def test_machines_are_listed_adopted_and_forgotten(gateway: Gateway, shell: Shell) -> None:
    linking, key = linking_of(gateway.adapters), a_person(gateway.workspace)
    attached, _ = await linking.attach(key, a_hello(name="my laptop"))
    listed = (await shell("list")).stdout
    assert [listed.split()[index] for index in (0, 1)] == [attached.link, "online"]
    assert ("my laptop" in listed, listed.rstrip().endswith("workspace")) == (True, True)
    adopted = await shell("adopt", "my laptop")
    assert (adopted.exit_code, "token of yours" in adopted.stdout) == (0, True)
    online = await shell("forget", attached.link)
    assert (online.exit_code, "PROXY_ONLINE" in online.stderr) == (2, True)
    await linking.detach(key, attached)
    assert (await shell("forget", "my laptop")).stdout == "✓ my laptop was removed\n"
    assert (await shell("list")).stdout == ""
    unknown = await shell("adopt", "my laptop")
    assert (unknown.exit_code, "PROXY_NOT_FOUND" in unknown.stderr) == (2, True)


async def test_codes_that_nobody_has_used_are_listed_and_revoked(gateway: Gateway, shell: Shell) -> None:
    made = await shell("enrol", "--name", "build box")
    code = made.stdout.strip()
    [id_] = re.findall(r"revoke-code ([0-9a-f]{16})`", made.stderr)
    listed = (await shell("codes")).stdout
    assert [line.split()[0] for line in listed.splitlines()] == [id_]
    assert (listed.rstrip().endswith("build box"), code in listed) == (True, False)
    assert (await shell("revoke-code", id_)).stdout == "✓ the code for build box links nothing any more\n"
    assert (await shell("codes")).stdout == ""
    refused = await gateway.call("POST", "/v1/enrol", {"code": code})
    assert (refused.status_code, refused.json()["error"]["code"]) == (401, "ENROLMENT_FAILED")
    again = await shell("revoke-code", id_)
    assert (again.exit_code, "CODE_NOT_FOUND" in again.stderr) == (2, True)
