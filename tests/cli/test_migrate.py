"""`relaycast migrate` does for a shared store what `up` does at its start."""

import shutil
from pathlib import Path

from broker.protocol.local import ADMINISTRATOR_KEY_FILE, KEY_FILE
from tests.fixtures.processes import refused
from tests.fixtures.redis_servers import data_server


async def test_keys_are_made_once_and_the_same_keys_elsewhere_are_the_same_installation(tmp_path: Path) -> None:
    async with data_server(tmp_path / "server") as store:
        first, second = tmp_path / "first", tmp_path / "second"
        assert refused(tmp_path, "migrate", "--redis", store.url, "--data-dir", str(first)) == (0, "")
        key = (first / KEY_FILE).read_text()
        assert refused(tmp_path, "migrate", "--redis", store.url, "--data-dir", str(first)) == (0, "")
        assert (first / KEY_FILE).read_text() == key
        # A job of a cluster has the keys in a folder that is new each time.
        second.mkdir()
        for name in (KEY_FILE, ADMINISTRATOR_KEY_FILE):
            shutil.copy(first / name, second / name)
        assert refused(tmp_path, "migrate", "--redis", store.url, "--data-dir", str(second)) == (0, "")
        assert (second / KEY_FILE).read_text() == key
        status, said = refused(tmp_path, "migrate", "--redis", store.url, "--data-dir", str(tmp_path / "third"))
        assert (status, "ANOTHERS_STORE" in said) == (2, True)
