"""Carrying a workspace from a broker into an archive and back, page by page. What is done is written down beside the
archive after every batch: who is interrupted goes on from there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import orjson

from broker.cli.archiving.files import Archive, Row, archive_at, write_whole
from broker.domain.audit.archived import MAX_RECORDS_AT_ONCE
from broker.domain.errors import Conflict
from connect.sdk.api_client import ApiClient

_TIMEOUT_S = 120.0
_REQUEST_BYTES = 4 * 1024 * 1024
"""Of one request of an import, unless a single row is larger."""
Progress = Callable[[int, int], object]
"""Called with the rows done and the rows there are."""


@dataclass(slots=True, kw_only=True)
class _Exported:
    """How far an export is."""

    of: str
    """The workspace, and the session if it is of one: another export must not go on here."""
    contents: Row
    position: int
    trail_after: int | None = None
    """The audit record up to which the trail is in the archive; None: all of it is, or there is none."""
    log: int = 0
    after: int = 0
    rows: int = 0


@dataclass(slots=True, kw_only=True)
class _Imported:
    """How far an import is."""

    into: str
    position: int = 0
    rows: int = 0


async def export_archive(client: ApiClient, path: Path, *, session: str | None, progress: Progress) -> int:
    """Write an archive, or go on with it; how many rows it has. Raises `Conflict`, and what the broker refuses."""
    archive, noted = archive_at(path), _beside(path, "export-state")
    of = await _workspace(client) + (f"/{session}" if session else "")
    if noted.exists():
        state = _Exported(**orjson.loads(noted.read_bytes()))
        if state.of != of:
            raise Conflict(f"{noted} belongs to another export; choose another name, or delete it")
    else:
        _refuse_to_replace(path)
        contents = await client.call("GET", "/v1/export", query={"session": session} if session else None)
        trail = contents.get("trail")
        after = trail["head"]["first"] - 1 if trail else None
        state = _Exported(of=of, contents=contents, position=archive.begin(contents), trail_after=after)
        _note(noted, state)
    await _export_trail(client, archive, state, noted=noted)
    await _export_logs(client, archive, state, noted=noted, progress=progress)
    archive.finish(state.rows, state.position)
    noted.unlink()
    return state.rows


async def _export_trail(client: ApiClient, archive: Archive, state: _Exported, *, noted: Path) -> None:
    """The audit trail's records, up to the one that the archive's checkpoint is of."""
    while state.trail_after is not None:
        last = state.contents["trail"]["head"]["number"]
        page = await client.call("GET", "/v1/audit/chain", query={"after": state.trail_after}, timeout_s=_TIMEOUT_S)
        records = [each for each in page["entries"] if each["number"] <= last]
        if records:
            state.position, state.trail_after = archive.append_trail(records, state.position), records[-1]["number"]
        if not records or records[-1]["number"] == last:
            state.position, state.trail_after = archive.begin_rows(state.position), None
        _note(noted, state)


async def _export_logs(
    client: ApiClient, archive: Archive, state: _Exported, *, noted: Path, progress: Progress
) -> None:
    logs = state.contents["logs"]
    total = sum(log["rows"] for log in logs)
    progress(state.rows, total)
    while state.log < len(logs):
        log = logs[state.log]
        batch, more = await _page(client, log, after=state.after, rows=archive.batch_rows)
        if batch:
            state.position = archive.append(batch, state.position)
            state.after, state.rows = batch[-1]["offset"], state.rows + len(batch)
        if not more:
            state.log, state.after = state.log + 1, 0
        _note(noted, state)
        progress(state.rows, total)


async def _page(client: ApiClient, log: Row, *, after: int, rows: int) -> tuple[list[Row], bool]:
    """Up to about so many rows of one log, none beyond what it had when the export began."""
    found: list[Row] = []
    while len(found) < rows:
        query = {"session": log["session"], "epoch": log["epoch"], "after": after}
        page = await client.call("GET", "/v1/export/rows", query=query, timeout_s=_TIMEOUT_S)
        kept = [row for row in page["rows"] if row["offset"] <= log["last"]]
        found += kept
        if not page["more"] or len(kept) < len(page["rows"]):
            return found, False
        after = kept[-1]["offset"]
    return found, True


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What an import came to."""

    contents: Row
    """The archive's."""
    outcomes: list[Row]
    """What became of people, groups and access: `what`, `name`, `came`, `why`."""
    trail: str | None
    """Under which id the archive's audit trail is kept there; None: it has none."""


async def import_archive(client: ApiClient, path: Path, *, progress: Progress) -> Imported:
    """Restore an archive into the empty workspace, or go on with that."""
    archive, noted = archive_at(path), _beside(path, "import-state")
    contents = archive.contents()
    state = _Imported(into=await _workspace(client))
    if noted.exists():
        before = _Imported(**orjson.loads(noted.read_bytes()))
        state = before if before.into == state.into else state
    body = {"version": contents["version"], "control": contents["control"], "trail": contents.get("trail")}
    answer = await client.call("POST", "/v1/import", body=body, timeout_s=_TIMEOUT_S)
    if answer["trail"]:
        await _import_trail(client, archive, answer["trail"])
    total = sum(log["rows"] for log in contents["logs"])
    progress(state.rows, total)
    for batch, position in archive.batches(state.position):
        for rows in _requests(batch):
            await client.call("POST", "/v1/import/rows", body={"rows": rows}, timeout_s=_TIMEOUT_S)
        state.position, state.rows = position, state.rows + len(batch)
        _note(noted, state)
        progress(state.rows, total)
    noted.unlink(missing_ok=True)
    kept = answer["trail"] and str(answer["trail"]["id"])
    return Imported(contents=contents, outcomes=answer["outcomes"], trail=kept)


async def _import_trail(client: ApiClient, archive: Archive, kept: Row) -> None:
    """Those of the archive's audit records that are not there yet."""
    missing = (each for each in archive.trail() if each["number"] > kept["last"])
    while entries := list(islice(missing, MAX_RECORDS_AT_ONCE)):
        body = {"trail": kept["id"], "entries": entries}
        await client.call("POST", "/v1/import/trail", body=body, timeout_s=_TIMEOUT_S)


def _requests(batch: list[Row]) -> Iterator[list[Row]]:
    rows: list[Row] = []
    size = 0
    for row in batch:
        added = len(orjson.dumps(row))
        if rows and size + added > _REQUEST_BYTES:
            yield rows
            rows, size = [], 0
        rows.append(row)
        size += added
    if rows:
        yield rows


async def _workspace(client: ApiClient) -> str:
    told: dict[str, Any] = await client.call("GET", "/v1/whoami")
    return str(told["workspace"]["id"])


def _beside(path: Path, kind: str) -> Path:
    return path.with_name(f"{path.name}.{kind}")


def _refuse_to_replace(path: Path) -> None:
    if path.exists():
        raise Conflict(f"{path} is there already; choose another name, or delete it")


def _note(noted: Path, state: _Exported | _Imported) -> None:
    write_whole(noted, orjson.dumps(asdict(state)))
