"""`relaycast machine` against a gateway."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from click.testing import CliRunner, Result

from broker.cli import main
from tests.fixtures.desk import a_hello, a_person
from tests.fixtures.gateway import Gateway
from tests.services.test_linking import linking_of

Shell = Callable[..., Awaitable[Result]]


@pytest.fixture
def shell(gateway: Gateway) -> Shell:
    environment = {"RELAYCAST_URL": gateway.url, "RELAYCAST_TOKEN": gateway.key}

    async def run(*arguments: str) -> Result:
        return await asyncio.to_thread(CliRunner().invoke, main, ["machine", *arguments], env=environment)

    return run


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
    assert (await shell("forget", "my laptop")).stdout == "✓ my laptop is forgotten\n"
    assert (await shell("list")).stdout == ""
    unknown = await shell("adopt", "my laptop")
    assert (unknown.exit_code, "PROXY_NOT_FOUND" in unknown.stderr) == (2, True)
