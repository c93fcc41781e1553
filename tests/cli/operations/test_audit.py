"""`relaycast audit` against a gateway whose trail is sealed."""

import asyncio
import csv
import io
import json
from base64 import b64encode
from pathlib import Path

import pytest
from click.testing import Result

from broker.adapters.checkpoint_file import CheckpointFile
from broker.adapters.signing import Ed25519Signing
from broker.domain.audit.chain import read_checkpoint
from broker.services.audit.sealing import AuditSealer
from tests.fixtures.gateway import SECRET_KEY, Gateway
from tests.fixtures.shell import Shell, shell_of

OTHER_KEY = b64encode(b"o" * 32).decode()
SIGNING = Ed25519Signing((SECRET_KEY,))


@pytest.fixture
def shell(gateway: Gateway) -> Shell:
    return shell_of(gateway)


async def succeeded(shell: Shell, *arguments: str) -> Result:
    result = await shell(*arguments)
    assert result.exit_code == 0, result.output
    return result


async def sealed(gateway: Gateway, file: Path) -> None:
    await AuditSealer(gateway.adapters.audit, [CheckpointFile(file)], SIGNING).tend(gateway.workspace)


async def test_a_trail_is_listed_with_names_and_only_what_is_wanted(gateway: Gateway, shell: Shell) -> None:
    await succeeded(shell, "members", "add", "Ada", "--role", "admin")
    await succeeded(shell, "members", "role", "Ada", "viewer")
    lines = (await succeeded(shell, "audit", "list", "--act", "member.role")).stdout.splitlines()
    assert len(lines) == 1
    assert "member.role_changed" in lines[0]
    assert "admin → viewer" in lines[0]
    assert "from 127.0.0.1" in lines[0]
    said = (await succeeded(shell, "audit", "list", "--json", "--limit", "1")).stdout
    assert json.loads(said)["act"] == "member.role_changed"
    refused = await shell("audit", "list", "--act", "nothing.like.it")
    assert (refused.exit_code, "no act begins" in refused.stderr) == (2, True)


async def test_a_trail_is_exported_as_it_is_kept_and_for_spreadsheets(
    gateway: Gateway, shell: Shell, tmp_path: Path
) -> None:
    await succeeded(shell, "rule", "put", "deny", "--command", "rm *")
    await sealed(gateway, tmp_path / "checkpoints")
    lines = [json.loads(line) for line in (await succeeded(shell, "audit", "export")).stdout.splitlines()]
    assert [line["number"] for line in lines] == list(range(1, len(lines) + 1))
    assert all(line["seal"] for line in lines)
    file = tmp_path / "trail.csv"
    await succeeded(shell, "audit", "export", "--format", "csv", str(file))
    rows = list(csv.DictReader(io.StringIO(await asyncio.to_thread(file.read_text))))
    assert [row["act"] for row in rows] == [json.loads(line["record"])["act"] for line in lines]
    assert rows[-1]["address"] == "127.0.0.1"


async def test_verify_says_what_is_whole_and_finds_what_was_changed(
    gateway: Gateway, shell: Shell, tmp_path: Path
) -> None:
    await succeeded(shell, "members", "add", "Ada")
    file = tmp_path / "checkpoints"
    await sealed(gateway, file)
    whole = (await succeeded(shell, "audit", "verify", "--checkpoint", str(file))).stdout
    assert "are whole" in whole
    assert "1 checkpoint agrees" in whole
    assert "no checkpoint was compared" in (await succeeded(shell, "audit", "verify")).stdout
    pipe = gateway.adapters.redis.pipeline(transaction=False)
    pipe.xdel(f"rc:{{{gateway.workspace}}}:audit", "1-0")
    await pipe.execute()
    broken = await shell("audit", "verify", "--checkpoint", str(file))
    assert (broken.exit_code, "✗ record 1 is missing" in broken.stdout) == (1, True)


async def test_checkpoints_that_this_broker_did_not_sign_are_found(
    gateway: Gateway, shell: Shell, tmp_path: Path
) -> None:
    """Whoever rewrites the store and the file as well cannot sign what the file then says."""
    await succeeded(shell, "members", "add", "Ada")
    file = tmp_path / "checkpoints"
    await sealed(gateway, file)
    [key] = (await succeeded(shell, "audit", "keys")).stdout.split()
    assert "agrees" in (await succeeded(shell, "audit", "verify", "--checkpoint", str(file), "--key", key)).stdout
    said = json.loads(await asyncio.to_thread(file.read_text))
    checkpoint = read_checkpoint(json.dumps(said))
    assert checkpoint is not None
    unsigned = {name: value for name, value in said.items() if name not in {"key", "signature"}}
    other = {**said, **json.loads(Ed25519Signing((OTHER_KEY,)).sign(checkpoint).line)}
    for forged in (unsigned, other, {**said, "at_ms": 1}):
        await asyncio.to_thread(file.write_text, json.dumps(forged) + "\n")
        found = await shell("audit", "verify", "--checkpoint", str(file))
        assert (found.exit_code, "is not signed by this broker" in found.stdout) == (1, True)
