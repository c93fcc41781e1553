"""Two data folders on one store: neither ends the other's key."""

from pathlib import Path

import httpx
import pytest

from tests.fixtures.processes import Running, command, key_of, refused, up
from tests.fixtures.redis_servers import data_server


async def whoami(broker: Running, key: str) -> int:
    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {key}"}, timeout=30) as client:
        return (await client.get(f"{broker.url}/v1/whoami")).status_code


@pytest.mark.timeout(180)
async def test_another_folders_up_is_refused_and_may_join_without_ending_any_key(tmp_path: Path) -> None:
    (tmp_path / "second").mkdir()
    async with data_server(tmp_path / "store") as store:
        async with up(tmp_path, "--redis", store.url) as first:
            key = key_of(first)
        second = ["up", "--redis", store.url, "--data-dir", str(tmp_path / "second" / "broker"), "--port", "0"]
        status, said = refused(tmp_path, *second)
        assert status == 2
        assert "ANOTHERS_STORE" in said
        assert str(tmp_path / "broker") in said
        assert str(tmp_path / "second" / "broker") in said
        assert "Traceback" not in said
        async with up(tmp_path / "second", "--redis", store.url, "--join") as joined:
            own = key_of(joined)
            assert own != key
            assert [await whoami(joined, each) for each in (key, own)] == [200, 200]
        async with up(tmp_path / "second", "--redis", store.url) as again:  # it belongs there now
            assert key_of(again) == own
            assert [await whoami(again, each) for each in (key, own)] == [200, 200]
        async with up(tmp_path, "--redis", store.url) as first:
            assert [await whoami(first, each) for each in (key, own)] == [200, 200]


@pytest.mark.timeout(180)
async def test_a_key_that_its_owner_replaced_ends_the_old_one(tmp_path: Path) -> None:
    async with data_server(tmp_path / "store") as store:
        async with up(tmp_path, "--redis", store.url) as first:
            key = key_of(first)
        (tmp_path / "broker" / "workspace.key").unlink()
        async with up(tmp_path, "--redis", store.url) as again:
            assert [await whoami(again, each) for each in (key, key_of(again))] == [401, 200]


@pytest.mark.timeout(180)
async def test_a_key_that_was_revoked_does_not_come_back_with_the_next_start(tmp_path: Path) -> None:
    async with up(tmp_path) as first:
        key = key_of(first)
        async with httpx.AsyncClient(headers={"Authorization": f"Bearer {key}"}, timeout=30) as client:
            [own] = (await client.get(f"{first.url}/v1/tokens")).json()["data"]["tokens"]
            assert (await client.delete(f"{first.url}/v1/tokens/{own['id']}")).status_code == 200
        assert await whoami(first, key) == 401
    async with up(tmp_path) as again:
        assert [await whoami(again, each) for each in (key, key_of(again))] == [401, 200]


async def test_a_gateway_names_no_key_that_it_has_not(tmp_path: Path) -> None:
    folder = str(tmp_path / "gateway")
    async with data_server(tmp_path / "store") as store:
        given = ["gateway", "--redis", store.url, "--data-dir", folder, "--port", "0", "--json"]
        async with command("broker.cli", given, folder=tmp_path) as gateway:
            assert "token_file" not in gateway.ready
