"""Archives: what is exported comes back the same in another workspace, also after interruptions."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import orjson
import pytest
import pytest_asyncio
from click.testing import CliRunner
from typing_extensions import override

from broker.cli import main
from broker.cli.archiving.jobs import Imported, export_archive, import_archive
from broker.domain.errors import BadRequest, Conflict, RelayError
from broker.domain.ids import SessionId, WorkspaceId
from broker.domain.logs.rows import LineKind, LogRow
from broker.services.logs.shipping import Shipper
from broker.services.ports import LogStore
from connect.access.endpoint import Endpoint
from connect.sdk.api_client import ApiClient
from tests.fixtures.gateway import Gateway, make_workspace
from tests.fixtures.log_rows import log_row
from tests.fixtures.log_store import whole_log

RULE = {"effect": "deny", "tool": "Bash", "command": "rm *", "path": None}
FORMATS = ["all.ndjson", "all.parquet"]


class _Cut(httpx.AsyncHTTPTransport):
    """Refuses all requests for rows after the first few."""

    def __init__(self, *, after: int) -> None:
        super().__init__()
        self.left = after

    @override
    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/rows"):
            if not self.left:
                return httpx.Response(403, json={"ok": False, "error": {"code": "CUT", "message": "cut"}})
            self.left -= 1
        return await super().handle_async_request(request)


@asynccontextmanager
async def client_of(url: str, key: str, *, cut_after: int | None = None) -> AsyncIterator[ApiClient]:
    transport = None if cut_after is None else _Cut(after=cut_after)
    client = ApiClient(Endpoint(url=url, token=key), transport=transport)
    try:
        yield client
    finally:
        await client.close()


def silent(_done: int, _total: int) -> None:
    """No progress bar."""


async def exported(gateway: Gateway, path: Path, *, session: str | None = None, cut_after: int | None = None) -> int:
    async with client_of(gateway.url, gateway.key, cut_after=cut_after) as client:
        return await export_archive(client, path, session=session, progress=silent)


async def imported(gateway: Gateway, key: str, path: Path, *, cut_after: int | None = None) -> Imported:
    async with client_of(gateway.url, key, cut_after=cut_after) as client:
        return await import_archive(client, path, progress=silent)


@pytest_asyncio.fixture(loop_scope="session")
async def source(logged: Gateway, store: LogStore) -> Gateway:
    """A workspace with rules, an ended agent, a long log in one session and a short one in another."""
    await logged.ok("PUT", "/v1/rules", {"rules": [RULE]})
    await logged.ok("PUT", "/v1/redaction", {"rules": [{"name": "ticket", "pattern": "ACME-[0-9]{8}"}]})
    await logged.ok("PUT", "/v1/retention", {"days": 30})
    await logged.token("observer")
    async with logged.machine():
        await logged.ok("POST", "/v1/sessions/main/agents", {"name": "Worker", "cli": "demo", "task": "begin"})
        await logged.ok("DELETE", "/v1/sessions/main/agents/Worker")
        await logged.ok("POST", "/v1/sessions/main/agents", {"name": "Living", "cli": "demo"})
    other = SessionId((await logged.ok("POST", "/v1/sessions", {"name": "other"}))["id"])
    rows = [log_row(logged.workspace, n, f"line {n} 🎉", session=other) for n in range(1, 1301)]
    rows[0] = rows[0]._replace(
        kind=LineKind.COMMAND,
        command="ls -l",
        exit_code=-9,
        paths=("a b.py", "c'd.py"),
        diff="-x\n+y",
        ok=False,
        input_tokens=2**40,
        cost_usd=0.125,
        cumulative=True,
        redactions=2,
    )
    await store.insert(logged.workspace, rows, token=uuid4().hex, days=30)
    await shipped(logged, store)
    return logged


async def shipped(gateway: Gateway, store: LogStore) -> None:
    adapters = gateway.adapters
    await adapters.backlog.begin(gateway.workspace)
    shipper = Shipper(adapters.tail, adapters.backlog, store, adapters.registry)
    while (await shipper.ship([gateway.workspace])).events:
        pass


@pytest_asyncio.fixture(loop_scope="session")
async def target(logged: Gateway) -> tuple[WorkspaceId, str]:
    """An empty workspace and its key."""
    workspace = WorkspaceId(f"target-{uuid4().hex}")
    return workspace, await make_workspace(logged.adapters, workspace)


async def all_rows(store: LogStore, workspace: WorkspaceId) -> list[LogRow]:
    """Every row, as if it were of no workspace."""
    found = []
    for extent in await store.extents(workspace):
        rows = await whole_log(store, workspace, extent.session, extent.epoch)
        found += [row._replace(workspace=WorkspaceId("")) for row in rows]
    return sorted(found, key=lambda row: (row.session, row.epoch, row.offset))


@pytest.mark.parametrize("name", FORMATS)
async def test_a_workspace_comes_back_as_it_was(
    source: Gateway, target: tuple[WorkspaceId, str], store: LogStore, tmp_path: Path, name: str
) -> None:
    workspace, key = target
    count = await exported(source, tmp_path / name)
    contents = (await imported(source, key, tmp_path / name)).contents
    there = await all_rows(store, source.workspace)
    assert count == len(there) > 1310
    assert await all_rows(store, workspace) == there
    assert [token["kind"] for token in contents["control"]["tokens"]] == ["workspace", "observer"]
    for path, part in (("/v1/sessions", "sessions"), ("/v1/redaction", "rules")):
        assert (await source.ok("GET", path, token=key))[part] == (await source.ok("GET", path))[part]
    # A rule that was brought along is there since then, by who brought it.
    rules = [(await source.ok("GET", "/v1/rules", **whose))["rules"] for whose in ({"token": key}, {})]
    assert [{**each, "at_ms": 0} for each in rules[0]] == [{**each, "at_ms": 0} for each in rules[1]]
    assert (await source.ok("GET", "/v1/retention", token=key))["own_days"] == 30
    agents = (await source.ok("GET", "/v1/sessions/main/agents", token=key))["agents"]
    assert [(agent["name"], agent["state"]) for agent in agents] == [("Worker", "released"), ("Living", "released")]


async def test_a_restored_session_is_read_and_goes_on(
    source: Gateway, target: tuple[WorkspaceId, str], tmp_path: Path
) -> None:
    _, key = target
    await exported(source, tmp_path / "all.ndjson")
    await imported(source, key, tmp_path / "all.ndjson")
    pages = [await source.ok("GET", "/v1/sessions/main/events?limit=1000", token=k) for k in (source.key, key)]
    assert pages[1]["events"] == pages[0]["events"]
    head = (await source.ok("GET", "/v1/sessions/main", token=key))["offset"]
    async with source.machine(token=key):
        await source.ok("POST", "/v1/sessions/main/agents", {"name": "Worker", "cli": "demo"}, token=key)
    page = await source.ok("GET", f"/v1/sessions/main/events?after={pages[0]['head']}", token=key)
    assert page["events"][0]["offset"] == head + 1


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("cut_after", [0, 1, 2])
async def test_an_interrupted_export_and_import_go_on_where_they_ended(
    source: Gateway, target: tuple[WorkspaceId, str], store: LogStore, tmp_path: Path, name: str, cut_after: int
) -> None:
    workspace, key = target
    path = tmp_path / name
    with pytest.raises(RelayError, match="cut"):
        await exported(source, path, cut_after=cut_after)
    with pytest.raises(BadRequest, match="not a whole archive"):
        await imported(source, key, path)
    count = await exported(source, path)
    with pytest.raises(RelayError, match="cut"):
        await imported(source, key, path, cut_after=cut_after)
    await imported(source, key, path)
    there = await all_rows(store, source.workspace)
    assert await all_rows(store, workspace) == there
    assert count == len(there)
    assert {each.name for each in tmp_path.iterdir()} == {name}


async def test_what_a_killed_export_wrote_behind_its_note_is_written_over(source: Gateway, tmp_path: Path) -> None:
    path, whole = tmp_path / "all.ndjson", tmp_path / "whole.ndjson"
    await exported(source, whole)
    with pytest.raises(RelayError, match="cut"):
        await exported(source, path, cut_after=2)
    with path.open("ab") as file:
        file.write(b'{"type":"row","offset":99')
    await exported(source, path)
    lines = [file.read_bytes().splitlines() for file in (path, whole)]
    rows = [
        [line for line in each if not line.startswith((b'{"type":"contents"', b'{"type":"record"'))] for each in lines
    ]
    assert rows[0] == rows[1]


async def test_one_session_is_exported_alone(
    source: Gateway, target: tuple[WorkspaceId, str], store: LogStore, tmp_path: Path
) -> None:
    workspace, key = target
    assert await exported(source, tmp_path / "one.ndjson", session="other") == 1301
    await imported(source, key, tmp_path / "one.ndjson")
    assert [s["name"] for s in (await source.ok("GET", "/v1/sessions", token=key))["sessions"]] == ["other"]
    assert (await source.ok("GET", "/v1/rules", token=key))["rules"] == []
    assert len(await all_rows(store, workspace)) == 1301


async def test_an_import_needs_an_empty_workspace(
    source: Gateway, target: tuple[WorkspaceId, str], tmp_path: Path
) -> None:
    _, key = target
    await exported(source, tmp_path / "all.ndjson")
    await source.ok("POST", "/v1/sessions", {"name": "busy"}, token=key)
    with pytest.raises(Conflict) as refused:
        await imported(source, key, tmp_path / "all.ndjson")
    assert refused.value.code == "WORKSPACE_NOT_EMPTY"


async def test_an_export_replaces_no_file_and_goes_on_only_with_its_own(source: Gateway, tmp_path: Path) -> None:
    path = tmp_path / "all.ndjson"
    path.write_text("mine")
    with pytest.raises(Conflict, match="there already"):
        await exported(source, path)
    path.unlink()
    with pytest.raises(RelayError, match="cut"):
        await exported(source, path, cut_after=0)
    with pytest.raises(Conflict, match="another export"):
        await exported(source, path, session="other")


async def test_an_archive_holds_no_secret(source: Gateway, tmp_path: Path) -> None:
    await exported(source, tmp_path / "all.ndjson")
    text = (tmp_path / "all.ndjson").read_text()
    assert source.key not in text
    assert "sha256" not in text.splitlines()[0]
    assert (tmp_path / "all.ndjson").stat().st_mode & 0o077 == 0


async def test_only_administrators_export_and_import(source: Gateway) -> None:
    _, observer = await source.token("observer")
    calls: list[tuple[str, str, Any]] = [
        ("GET", "/v1/export", None),
        ("GET", "/v1/export/rows?session=s&epoch=e", None),
        ("POST", "/v1/import", {"version": 1, "control": {"sessions": [], "agents": []}}),
        ("POST", "/v1/import/rows", {"rows": []}),
    ]
    for method, path, body in calls:
        answer = await source.call(method, path, body, token=observer)
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "NOT_PERMITTED")


async def test_odd_archives_are_refused_with_the_place(source: Gateway) -> None:
    bad: list[tuple[str, Any]] = [
        ("/v1/import", {"version": 99, "control": {}}),
        ("/v1/import", {"version": 1, "control": {"sessions": [{"id": 5}], "agents": []}}),
        ("/v1/import/rows", {"rows": [{"at_ms": "soon"}]}),
        ("/v1/import/rows", {"rows": [{"at_ms": 1, "session": "s", "epoch": "e", "offset": 1, "kind": "odd"}]}),
    ]
    for path, body in bad:
        answer = await source.call("POST", path, body)
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "INVALID_ARGUMENT"), answer.text


def an_archive(**changes: Any) -> dict[str, Any]:
    """A small one, with something changed in its session or its agent."""
    session = {"id": "a" * 32, "name": "main", "epoch": "e1", "offset": 3, "created_at_ms": 1}
    agent = {"id": str(uuid4()), "session_id": "a" * 32, "name": "Worker", "cli": "demo", "state": "released"}
    rest = {"proxy": "b" * 32, "machine": "laptop", "generation": 1}
    control = {
        "sessions": [{**session, **changes.get("session", {})}],
        "agents": [{**agent, **rest, **changes.get("agent", {})}],
    }
    return {"version": 1, "control": control}


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"session": {"name": "f" * 32}}, "INVALID_NAME"),
        ({"session": {"name": "a b"}}, "INVALID_NAME"),
        ({"session": {"id": "main:log"}}, "INVALID_ARGUMENT"),
        ({"session": {"epoch": 'e","kind":"x'}}, "INVALID_ARGUMENT"),
        ({"agent": {"name": str(uuid4())}}, "INVALID_NAME"),
        ({"agent": {"name": "system"}}, "INVALID_NAME"),
        ({"agent": {"id": "x:queue"}}, "INVALID_ARGUMENT"),
        ({"agent": {"proxy": "x:tokens"}}, "INVALID_ARGUMENT"),
        ({"agent": {"session_id": "c" * 32}}, "INVALID_ARGUMENT"),
    ],
)
async def test_an_archive_is_held_to_what_is_asked_of_everybody(
    source: Gateway, target: tuple[WorkspaceId, str], changes: dict[str, Any], code: str
) -> None:
    answer = await source.call("POST", "/v1/import", an_archive(**changes), token=target[1])
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, code), answer.text
    assert (await source.ok("GET", "/v1/sessions", token=target[1]))["sessions"] == []


async def test_an_archive_takes_neither_a_name_nor_an_id_that_is_taken(
    source: Gateway, target: tuple[WorkspaceId, str]
) -> None:
    first = an_archive()
    await source.ok("POST", "/v1/import", first, token=target[1])
    second = an_archive(session={"id": "d" * 32}, agent={"session_id": "d" * 32})
    second["control"]["sessions"] += first["control"]["sessions"]
    twice = await source.call("POST", "/v1/import", second, token=target[1])
    assert (twice.status_code, twice.json()["error"]["code"]) == (400, "INVALID_ARGUMENT")
    first["control"]["sessions"].append({**first["control"]["sessions"][0], "id": "d" * 32, "name": "other"})
    first["control"]["agents"] = [{**first["control"]["agents"][0], "session_id": "d" * 32}]
    taken = await source.call("POST", "/v1/import", first, token=target[1])
    assert (taken.status_code, taken.json()["error"]["code"]) == (409, "ID_TAKEN")


async def test_the_commands_say_what_they_did(source: Gateway, target: tuple[WorkspaceId, str], tmp_path: Path) -> None:
    _, key = target

    async def shell(*arguments: str, token: str) -> Any:
        environment = {"RELAYCAST_URL": source.url, "RELAYCAST_TOKEN": token}
        return await asyncio.to_thread(CliRunner().invoke, main, list(arguments), env=environment)

    path = str(tmp_path / "all.parquet")
    out = await shell("export", path, token=source.key)
    assert (out.exit_code, out.stdout) == (0, "")
    assert f"lines were written to {path}" in out.stderr
    back = await shell("import", path, token=key)
    assert back.exit_code == 0
    assert "2 sessions and 2 agents were restored" in back.stderr
    assert "relaycast token mint --kind observer --name 'a observer'" in back.stderr
    told = await shell("usage", "--by", "session", "--json", token=key)
    counted = await shell("usage", "--by", "session", "--json", token=source.key)
    assert orjson.loads(told.stdout) == orjson.loads(counted.stdout)
    assert "other" in (await shell("usage", "--by", "session", token=key)).stdout
