"""Archives carry the audit trail: it verifies in the archive and where it was imported, and is never that one's own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
import pytest_asyncio
from click.testing import CliRunner

from broker.adapters.signing import Ed25519Signing
from broker.cli import main
from broker.domain.audit.archived import MAX_IMPORTED_TRAILS
from broker.domain.audit.chain import Checkpoint, next_seal
from broker.domain.plans.plans import Plan
from broker.services.ports import LogStore
from tests.cli.operations.test_audit import OTHER_KEY
from tests.fixtures.gateway import SECRET_KEY, Gateway
from tests.gateway.http.test_archive import FORMATS, exported, imported, shipped
from tests.gateway.http.test_archived_people import another

KEYS = Ed25519Signing((SECRET_KEY,)).keys
_Lines = list[dict[str, Any]]


@pytest_asyncio.fixture(loop_scope="session")
async def source(logged: Gateway, store: LogStore) -> Gateway:
    """A workspace where something was done."""
    for name in ("Ada", "Ben", "Cleo"):
        await logged.ok("POST", "/v1/members", {"name": name, "role": "member"})
    await shipped(logged, store)
    return logged


async def shell(gateway: Gateway, *arguments: str, token: str = "") -> Any:
    environment = {"RELAYCAST_URL": gateway.url, "RELAYCAST_TOKEN": token or gateway.key}
    return await asyncio.to_thread(CliRunner().invoke, main, list(arguments), env=environment)


async def chain(gateway: Gateway, path: str, key: str) -> Any:
    return await gateway.ok("GET", path, token=key)


def lines_of(path: Path) -> _Lines:
    return [orjson.loads(line) for line in path.read_bytes().splitlines()]


def write(path: Path, lines: _Lines) -> None:
    path.write_bytes(b"".join(orjson.dumps(line) + b"\n" for line in lines))


@pytest.mark.parametrize("name", FORMATS)
async def test_a_trail_comes_along_and_is_kept_beside_the_own_one(source: Gateway, tmp_path: Path, name: str) -> None:
    workspace, key = await another(source)
    await exported(source, tmp_path / name)
    done = await imported(source, key, tmp_path / name)
    there = await chain(source, "/v1/audit/chain", source.key)
    kept = await chain(source, f"/v1/audit/imported/{done.trail}/chain", key)
    last = kept["head"]["number"]
    assert kept["workspace"] == source.workspace
    assert kept["entries"] == [each for each in there["entries"] if each["number"] <= last]
    assert [orjson.loads(each["record"])["act"] for each in kept["entries"]][-1] == "workspace.exported"
    own = await chain(source, "/v1/audit/chain", key)
    assert own["workspace"] == workspace
    assert own["head"]["number"] < last or own["entries"][: len(kept["entries"])] != kept["entries"]
    acts = [orjson.loads(each["record"])["act"] for each in own["entries"]]
    assert (acts.count("workspace.imported"), acts.count("member.added")) == (2, 3)
    assert "workspace.exported" not in acts


@pytest.mark.parametrize("name", FORMATS)
async def test_it_verifies_in_the_archive_and_where_it_was_imported(source: Gateway, tmp_path: Path, name: str) -> None:
    _, key = await another(source)
    await exported(source, tmp_path / name)
    done = await imported(source, key, tmp_path / name)
    assert done.trail
    for where, given in (
        (("--archive", str(tmp_path / name)), ()),
        (("--imported", done.trail), ()),
        (("--archive", str(tmp_path / name)), ("--key", KEYS[0])),
        (("--imported", done.trail), ("--key", KEYS[0])),
    ):
        found = await shell(source, "audit", "verify", *where, *given, token=key)
        assert found.exit_code == 0, found.output
        assert "are whole; 1 checkpoint agrees" in found.stdout
        assert f"of the workspace {source.workspace}" in found.stdout
        assert ("as the archive says itself" in found.stdout) is not bool(given)
    own = await shell(source, "audit", "verify", token=key)
    assert (own.exit_code, "are whole" in own.stdout) == (0, True)
    listed = await shell(source, "audit", "imported", token=key)
    assert done.trail in listed.stdout
    assert "not here yet" not in listed.stdout
    written = await shell(source, "audit", "export", "--imported", done.trail, token=key)
    assert orjson.loads(written.stdout.splitlines()[0])["number"] == 1


def _change(lines: _Lines) -> None:
    lines[2]["record"] = lines[2]["record"].replace('"act":"', '"act":"x')


def _reseal(lines: _Lines) -> None:
    """Change a record and make all seals and the head anew, as whoever can write the file may."""
    _change(lines)
    seal = lines[0]["trail"]["head"]["base"]
    for line in lines:
        if line["type"] == "record":
            seal = line["seal"] = next_seal(seal, line["record"])
    lines[0]["trail"]["head"]["seal"] = seal


def _sign_anew(lines: _Lines) -> None:
    """That, and sign it with another key."""
    _reseal(lines)
    trail = lines[0]["trail"]
    signing = Ed25519Signing((OTHER_KEY,))
    checkpoint = signing.sign(Checkpoint(**{**trail["checkpoint"], "seal": trail["head"]["seal"]}))
    trail["checkpoint"] |= {"seal": checkpoint.seal, "key": checkpoint.key, "signature": checkpoint.signature}


def _remove(lines: _Lines) -> None:
    del lines[2]


def _swap(lines: _Lines) -> None:
    lines[2], lines[3] = lines[3], lines[2]


def _cut(lines: _Lines) -> None:
    """Take the last record out and say that the trail ends ahead of it."""
    last = max(n for n, line in enumerate(lines) if line["type"] == "record")
    del lines[last]
    head = lines[0]["trail"]["head"]
    head |= {"number": head["number"] - 1, "sealed": head["sealed"] - 1, "seal": lines[last - 1]["seal"]}


@pytest.mark.parametrize(
    ("tamper", "said"),
    [
        (_change, "was changed"),
        (_reseal, "is not what the checkpoint"),
        (_sign_anew, "is not signed by this broker"),
        (_remove, "is missing"),
        (_swap, "stands behind"),
        (_cut, "the end was cut"),
    ],
)
async def test_what_was_done_to_it_is_found(
    source: Gateway, tmp_path: Path, tamper: Callable[[_Lines], None], said: str
) -> None:
    path = tmp_path / "all.ndjson"
    await exported(source, path)
    lines = lines_of(path)
    tamper(lines)
    write(path, lines)
    found = await shell(source, "audit", "verify", "--archive", str(path), "--key", KEYS[0])
    assert (found.exit_code, said in found.stdout) == (1, True), found.output


async def test_one_that_was_changed_is_found_where_it_was_imported_too(source: Gateway, tmp_path: Path) -> None:
    """An import takes what there is; a workspace is not lost because somebody touched its trail."""
    _, key = await another(source)
    path = tmp_path / "all.ndjson"
    await exported(source, path)
    lines = lines_of(path)
    _change(lines)
    write(path, lines)
    done = await imported(source, key, path)
    found = await shell(source, "audit", "verify", "--imported", str(done.trail), token=key)
    assert (found.exit_code, "✗ record 2 or its seal was changed" in found.stdout) == (1, True), found.output
    own = await shell(source, "audit", "verify", token=key)
    assert own.exit_code == 0, own.output


async def test_to_import_a_trail_twice_is_to_import_it_once(source: Gateway, tmp_path: Path) -> None:
    _, key = await another(source)
    await exported(source, tmp_path / "all.ndjson")
    first = await imported(source, key, tmp_path / "all.ndjson")
    kept = await chain(source, f"/v1/audit/imported/{first.trail}/chain", key)
    again = await imported(source, key, tmp_path / "all.ndjson")
    assert again.trail == first.trail
    assert await chain(source, f"/v1/audit/imported/{first.trail}/chain", key) == kept
    assert len((await chain(source, "/v1/audit/imported", key))["trails"]) == 1
    body = {"trail": first.trail, "entries": kept["entries"][:2]}
    await source.ok("POST", "/v1/import/trail", body, token=key)
    assert await chain(source, f"/v1/audit/imported/{first.trail}/chain", key) == kept


async def test_a_trail_is_of_the_workspace_that_imported_it_alone(source: Gateway, tmp_path: Path) -> None:
    _, key = await another(source)
    await exported(source, tmp_path / "all.ndjson")
    done = await imported(source, key, tmp_path / "all.ndjson")
    for method, path, body in (
        ("GET", f"/v1/audit/imported/{done.trail}/chain", None),
        ("POST", "/v1/import/trail", {"trail": done.trail, "entries": []}),
    ):
        answer = await source.call(method, path, body)
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "TRAIL_NOT_FOUND")
    assert (await chain(source, "/v1/audit/imported", source.key))["trails"] == []


async def test_a_plan_without_a_trail_and_one_session_bring_none(
    source: Gateway, store: LogStore, tmp_path: Path
) -> None:
    await exported(source, tmp_path / "one.ndjson", session="main")
    found = await shell(source, "audit", "verify", "--archive", str(tmp_path / "one.ndjson"))
    assert (found.exit_code, "has no audit trail" in found.stderr) == (2, True), found.output
    _, key = await another(source)
    assert (await imported(source, key, tmp_path / "one.ndjson")).trail is None
    await source.adapters.workspaces.set_plan(source.workspace, Plan.FREE)
    await exported(source, tmp_path / "all.ndjson")
    assert lines_of(tmp_path / "all.ndjson")[0]["trail"] is None


def a_trail(number: int = 3, **changes: Any) -> dict[str, Any]:
    head = {"number": number, "sealed": number, "seal": "a" * 64, "first": 1, "base": "b" * 64}
    checkpoint = {"workspace": "w1", "number": number, "seal": "a" * 64, "at_ms": 1, "key": None, "signature": None}
    trail: dict[str, Any] = {"workspace": "w1", "head": head, "checkpoint": checkpoint, "keys": []}
    for name, value in changes.items():
        trail[name] = {**trail[name], **value} if isinstance(value, dict) else value
    return trail


async def begun(gateway: Gateway, trail: dict[str, Any], key: str) -> Any:
    body = {"version": 1, "control": {"sessions": [], "agents": []}, "trail": trail}
    return await gateway.call("POST", "/v1/import", body, token=key)


@pytest.mark.parametrize(
    "changes",
    [
        {"workspace": "w2"},
        {"workspace": "a:b", "checkpoint": {"workspace": "a:b"}},
        {"head": {"first": 5}},
        {"head": {"first": 0}},
        {"head": {"number": 10**7, "sealed": 10**7}},
        {"head": {"sealed": 2}},
        {"head": {"seal": "x"}},
        {"keys": ["k" * 200]},
        {"keys": ["k"] * 30},
    ],
)
async def test_a_trail_that_is_none_is_refused(source: Gateway, changes: dict[str, Any]) -> None:
    _, key = await another(source)
    answer = await begun(source, a_trail(**changes), key)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "INVALID_ARGUMENT"), answer.text
    assert (await chain(source, "/v1/audit/imported", key))["trails"] == []


@pytest.mark.parametrize(
    "entries",
    [
        [{"number": 4, "record": "{}", "seal": None}],
        [{"number": number, "record": "{}", "seal": None} for number in (2, 1)],
        [{"number": 1, "record": "{}", "seal": "x"}],
        [{"number": 1, "record": "x" * 9000, "seal": None}],
    ],
)
async def test_records_that_are_not_of_the_trail_are_refused(source: Gateway, entries: list[dict[str, Any]]) -> None:
    _, key = await another(source)
    kept = (await begun(source, a_trail(), key)).json()["data"]["trail"]
    answer = await source.call("POST", "/v1/import/trail", {"trail": kept["id"], "entries": entries}, token=key)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "INVALID_ARGUMENT"), answer.text


async def test_a_workspace_keeps_some_trails_and_no_more(source: Gateway) -> None:
    _, key = await another(source)
    for number in range(1, MAX_IMPORTED_TRAILS + 1):
        assert (await begun(source, a_trail(number), key)).status_code == 200
    refused = await begun(source, a_trail(100), key)
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "TOO_MANY_TRAILS")
    assert (await begun(source, a_trail(1), key)).status_code == 200
