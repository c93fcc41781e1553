"""`relaycast machine` against a gateway."""

import re

import pytest

from broker.domain.machines.load import MachineLoad
from broker.domain.machines.policy import UNSET_POLICY, MachinePolicy
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
    assert ("load unknown" in listed, "policy unknown" in listed) == (True, True)
    load = MachineLoad(processors=8, load_1=0.5, memory_bytes=100, memory_free_bytes=59)
    await linking.note_load(key, attached, load)
    assert "load 0.50 of 8, memory 41 %   " in (await shell("list")).stdout
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


async def test_a_machines_policy_is_listed_by_the_first_digits_of_its_hash(gateway: Gateway, shell: Shell) -> None:
    linking, key = linking_of(gateway.adapters), a_person(gateway.workspace)
    for name, hash_ in (("changed", "0123456789abcdef"), ("new", UNSET_POLICY)):
        await linking.attach(key, a_hello(machine_id=name, name=name, policy=MachinePolicy(hash=hash_)))
    listed = (await shell("list")).stdout
    assert ("policy 0123456789ab  changed" in listed, "policy as shipped    new" in listed) == (True, True)
