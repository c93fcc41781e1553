"""`relaycast secrets` against a gateway."""

import stat
from pathlib import Path

import orjson
import pytest

from broker.adapters.sealing import make_key, split_keys
from broker.settings import Settings
from tests.fixtures.gateway import Gateway
from tests.fixtures.shell import Shell, shell_of


@pytest.fixture
def shell(gateway: Gateway) -> Shell:
    return shell_of(gateway)


async def test_a_secret_comes_from_standard_input_and_is_never_shown(shell: Shell) -> None:
    assert "there are no secrets" in (await shell("secrets", "list")).stdout
    assert (await shell("secrets", "set", "CI", stdin="hunter2\n")).stderr == "✓ secret:CI is set\n"
    listed = (await shell("secrets", "list")).stdout
    assert listed.startswith("CI ")
    everything = listed + (await shell("secrets", "list", "--json")).stdout
    assert "hunter2" not in everything
    assert orjson.loads((await shell("secrets", "list", "--json")).stdout)["secrets"][0]["name"] == "CI"
    assert (await shell("secrets", "delete", "CI")).stdout == "✓ secret:CI is deleted\n"
    gone = await shell("secrets", "delete", "CI")
    assert (gone.exit_code, "there is no secret 'CI'" in gone.stderr) == (2, True)


async def test_a_value_cannot_be_given_as_an_argument(shell: Shell) -> None:
    assert (await shell("secrets", "set", "CI", "hunter2")).exit_code == 2


async def test_a_signing_secret_is_made_and_printed_once(shell: Shell) -> None:
    made = await shell("secrets", "set", "CI", "--generate")
    assert made.stdout.startswith("whsec_")
    assert made.stdout.strip() not in (await shell("secrets", "list", "--json")).stdout
    again = await shell("secrets", "set", "CI", "--generate")
    assert "the one it replaced holds until" in again.stderr
    at_once = await shell("secrets", "set", "CI", "--generate", "--at-once")
    assert "holds until" not in at_once.stderr


async def test_a_key_is_put_before_those_of_the_data_folder(shell: Shell, tmp_path: Path) -> None:
    missing = await shell("secrets", "rotate-key", "--data-dir", str(tmp_path))
    assert (missing.exit_code, "`relaycast up` makes it" in missing.stderr) == (1, True)
    file = Settings(data_dir=tmp_path).secret_key_file
    file.write_text((old := make_key()) + "\n")
    assert (await shell("secrets", "rotate-key", "--data-dir", str(tmp_path))).exit_code == 0
    new, kept = split_keys(file.read_text())
    assert (kept, new != old, stat.S_IMODE(file.stat().st_mode)) == (old, True, 0o600)
