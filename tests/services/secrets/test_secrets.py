"""Secrets: written by people, read by the broker's own calls, sealed anew under a new key."""

import asyncio

import pytest

from broker.adapters.redis import keys
from broker.adapters.redis.client import TextRedis
from broker.adapters.redis.secrets.secrets import RedisSecrets
from broker.adapters.sealing import AesGcmSealing, make_key
from broker.app import Adapters
from broker.domain.errors import BadRequest, NotConfigured, NotFound
from broker.domain.ids import WorkspaceId
from broker.domain.people.access import Principal
from broker.domain.secrets import references
from broker.services.secrets.secrets import SecretReader, Secrets
from tests.fixtures.desk import a_person

OLD, NEW = make_key(), make_key()


@pytest.fixture
def owner(workspace: WorkspaceId) -> Principal:
    return a_person(workspace)


@pytest.fixture
def records(adapters: Adapters) -> RedisSecrets:
    return adapters.secrets


async def stored(redis: TextRedis, workspace: WorkspaceId) -> str:
    return str(await redis.hgetall(keys.key(workspace, "secrets")))


async def test_a_secret_is_kept_sealed_and_read_back(
    adapters: Adapters, records: RedisSecrets, owner: Principal, workspace: WorkspaceId
) -> None:
    sealing = AesGcmSealing([OLD])
    shown = await Secrets(records, sealing).set(owner, "CI", value="hunter2")
    assert (shown.name, shown.by, shown.usable, shown.previous_until_ms) == ("CI", owner.name, True, None)
    assert "hunter2" not in await stored(adapters.redis, workspace)
    assert await SecretReader(records, sealing).values(workspace, "CI") == ["hunter2"]
    assert "hunter2" not in repr(await Secrets(records, sealing).show(owner))


async def test_a_value_that_is_replaced_holds_for_a_while_longer_unless_it_ends_at_once(
    records: RedisSecrets, owner: Principal, workspace: WorkspaceId
) -> None:
    sealing = AesGcmSealing([OLD])
    secrets, reader = Secrets(records, sealing), SecretReader(records, sealing)
    await secrets.set(owner, "CI", value="one")
    shown = await secrets.set(owner, "CI", value="two")
    assert shown.previous_until_ms is not None
    assert shown.previous_until_ms > shown.at_ms
    assert await reader.values(workspace, "CI") == ["two", "one"]
    await secrets.set(owner, "CI", value="three", at_once=True)
    assert await reader.values(workspace, "CI") == ["three"]


async def test_a_replaced_value_is_forgotten_when_its_time_is_over(
    adapters: Adapters, records: RedisSecrets, owner: Principal, workspace: WorkspaceId
) -> None:
    sealing = AesGcmSealing([OLD])
    for value in ("one", "two"):
        sealed = sealing.seal(workspace, "CI", value)
        await records.put(workspace, "CI", sealed, by="Ada", overlap_s=1, most=10)
    async with asyncio.timeout(10):
        while await SecretReader(records, sealing).values(workspace, "CI") != ["two"]:
            await asyncio.sleep(0.05)
    assert "previous" not in await stored(adapters.redis, workspace)


async def test_what_an_older_key_sealed_is_sealed_anew(
    records: RedisSecrets, owner: Principal, workspace: WorkspaceId
) -> None:
    before = Secrets(records, AesGcmSealing([OLD]))
    await before.set(owner, "CI", value="one")
    await before.set(owner, "CI", value="two")
    await SecretReader(records, AesGcmSealing([NEW, OLD])).reseal(workspace)
    after = AesGcmSealing([NEW])
    assert await SecretReader(records, after).values(workspace, "CI") == ["two", "one"]
    (shown,) = await Secrets(records, after).show(owner)
    assert (shown.key, shown.usable) == (after.current, True)


async def test_what_no_key_opens_stays_and_is_said(
    records: RedisSecrets, owner: Principal, workspace: WorkspaceId
) -> None:
    await Secrets(records, AesGcmSealing([OLD])).set(owner, "CI", value="one")
    elsewhere = AesGcmSealing([NEW])
    await SecretReader(records, elsewhere).reseal(workspace)
    (shown,) = await Secrets(records, elsewhere).show(owner)
    assert not shown.usable
    with pytest.raises(NotConfigured):
        await SecretReader(records, elsewhere).values(workspace, "CI")
    assert await SecretReader(records, AesGcmSealing([OLD])).values(workspace, "CI") == ["one"]


async def test_a_secret_that_was_set_meanwhile_is_not_replaced_by_its_older_value(
    records: RedisSecrets, owner: Principal, workspace: WorkspaceId
) -> None:
    secrets = Secrets(records, AesGcmSealing([NEW, OLD]))
    await secrets.set(owner, "CI", value="one")
    (seen,) = await records.all(workspace)
    await secrets.set(owner, "CI", value="two", at_once=True)
    await records.reseal(workspace, seen, seen.sealed, None)
    assert await SecretReader(records, AesGcmSealing([NEW])).values(workspace, "CI") == ["two"]


async def test_one_that_is_not_there_says_how_to_make_it(
    records: RedisSecrets, owner: Principal, workspace: WorkspaceId
) -> None:
    secrets = Secrets(records, AesGcmSealing([OLD]))
    with pytest.raises(NotFound, match="relaycast secrets set CI"):
        await SecretReader(records, AesGcmSealing([OLD])).values(workspace, "CI")
    with pytest.raises(NotFound):
        await secrets.delete(owner, "CI")
    await secrets.set(owner, "CI", value="x")
    await secrets.delete(owner, "CI")
    assert await secrets.show(owner) == []


async def test_there_are_not_more_than_a_workspace_may_have(
    records: RedisSecrets, owner: Principal, workspace: WorkspaceId
) -> None:
    secrets = Secrets(records, AesGcmSealing([OLD]))
    for number in range(references.MAX_SECRETS):
        await secrets.set(owner, f"S{number}", value="x")
    with pytest.raises(BadRequest) as refused:
        await secrets.set(owner, "ONE_MORE", value="x")
    assert refused.value.code == "TOO_MANY_SECRETS"
    await secrets.set(owner, "S0", value="another")
