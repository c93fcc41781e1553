"""`relaycast audit`: who did what in the workspace, and whether anybody has touched the record of it."""

from __future__ import annotations

import csv
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO
from urllib.parse import urlencode

import click
import orjson

from broker.cli.operator_client import ask, using_broker
from broker.domain.audit.chain import Checkpoint, Entry, Head, Verification, read_checkpoint
from broker.domain.audit.records import AuditRecord, read_record
from broker.domain.ids import WorkspaceId

if TYPE_CHECKING:
    from connect.sdk.api_client import ApiClient

_PAGE = 100
_COLUMNS = (
    "number",
    "at",
    "act",
    "on",
    "before",
    "after",
    "by_kind",
    "by_token",
    "by_member",
    "by_account",
    "by_agent",
    "by_service",
    "address",
    "request",
    "seal",
)
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet would calculate rather than show."""


@click.group()
def audit() -> None:
    """Show, export and verify the audit trail: who did what, when and from where. For owners and admins.

    Uses the broker on this machine, or RELAYCAST_URL.
    """


@audit.command("list")
@click.option("--act", help="An act, or its beginning: member.role_changed, token.")
@click.option("--by", help="The id of a token, member or agent.")
@click.option("--on", help="A part of what it was done to: a member's or session's id.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 10_000), help="Show at most N records.")
@click.option("--json", "json_", is_flag=True, help="One JSON document a line.")
def list_(*, act: str | None, by: str | None, on: str | None, limit: int, json_: bool) -> None:
    """List records, the newest first."""
    wanted = {name: value for name, value in (("act", act), ("by", by), ("on", on)) if value}
    before: int | None = None
    while limit > 0:
        page = ask("GET", f"/v1/audit?{urlencode(wanted | _place(before, min(limit, _PAGE)))}")
        for record in page["records"]:
            click.echo(orjson.dumps(record).decode() if json_ else _show(record, page["names"]))
        limit -= len(page["records"])
        before = page["next"]
        if before is None:
            return


def _place(before: int | None, limit: int) -> dict[str, int]:
    return {"limit": limit} if before is None else {"limit": limit, "before": before}


def _show(record: dict[str, Any], names: dict[str, str]) -> str:
    by = record["by"]
    ids = [each for each in (by["member"], by["service"], by["token"]) if each]
    name = next((names[each] for each in ids if each in names), ids[0] if ids else by["kind"])
    change = " → ".join(each for each in (record["before"], record["after"]) if each)
    where = f" from {by['address']}" if by["address"] else ""
    return (
        f"{record['number']:>6}  {_instant(record['at_ms'])}  {record['act']:<26}  {record['on'] or ''}"
        f"{f'  {change}' if change else ''}  by {name}{where}"
    )


def _instant(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%SZ")


@audit.command()
@click.argument("file", type=click.File("w", encoding="utf-8"), default="-")
@click.option(
    "--format", "form", type=click.Choice(["ndjson", "csv"]), default="ndjson", show_default=True, help="How to write."
)
def export(*, file: TextIO, form: str) -> None:
    """Write all records to FILE (default: standard output), the oldest first, with their seals.

    A line of NDJSON has each record exactly as it is kept: the seals are over that text.
    """
    write = _ndjson(file) if form == "ndjson" else _csv(file)

    async def job(client: ApiClient) -> int:
        count = 0
        async for _, _, entries in _pages(client):
            for entry in entries:
                write(entry)
            count += len(entries)
        return count

    count = using_broker(job)
    click.echo(f"✓ {count} {'record' if count == 1 else 'records'}", err=True)


def _ndjson(file: TextIO) -> Callable[[Entry], None]:
    def write(entry: Entry) -> None:
        said = {"number": entry.number, "record": entry.record, "seal": entry.seal}
        file.write(orjson.dumps(said, option=orjson.OPT_APPEND_NEWLINE).decode())

    return write


def _csv(file: TextIO) -> Callable[[Entry], None]:
    rows = csv.writer(file)
    rows.writerow(_COLUMNS)

    def write(entry: Entry) -> None:
        rows.writerow([_cell(value) for value in _row(read_record(entry), entry.seal)])

    return write


def _row(record: AuditRecord, seal: str | None) -> tuple[object, ...]:
    by = record.by
    at = datetime.fromtimestamp(record.at_ms / 1000, UTC).isoformat(timespec="milliseconds")
    what = (record.number, at, record.act, record.on, record.before, record.after)
    return (*what, by.kind, by.token, by.member, by.account, by.agent, by.service, by.address, by.request, seal)


def _cell(value: object) -> str:
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text


@audit.command()
@click.option(
    "--checkpoint",
    "checkpoint_file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="A file of checkpoints that the broker wrote: `up` has audit-checkpoints.ndjson in its data folder.",
)
@click.option(
    "--key",
    "keys",
    multiple=True,
    help="A public key that `relaycast audit keys` printed before, of this broker; several times for more."
    "  [default: what the broker says now]",
)
def verify(*, checkpoint_file: Path | None, keys: tuple[str, ...]) -> None:
    """Check that no record was changed, removed, moved or cut off. Exits with 1 when one was.

    Without --checkpoint this finds what was changed in the records alone; whoever can write to the store could have
    made the seals anew. A file of checkpoints that was kept elsewhere shows that, too; each is signed, so that whoever
    can write to both cannot make them agree without the broker's secret key.
    """
    checkpoints = _checkpoints(checkpoint_file) if checkpoint_file else []

    async def job(client: ApiClient) -> tuple[Verification, Head, list[str]]:
        return await _verify(client, checkpoints, keys)

    found, head, forged = using_broker(job)
    problems = [*forged, *found.finish()]
    for problem in problems:
        click.echo(f"✗ {problem}")
    if problems:
        sys.exit(1)
    click.echo(f"✓ {_in_words(found, head)}")
    if checkpoint_file is None:
        click.echo("  no checkpoint was compared: give --checkpoint FILE to find a trail that was rewritten as a whole")
    elif not found.compared:
        click.echo("  no checkpoint of the file is of a record of this workspace that is kept: none was compared")


@audit.command("keys")
def keys_() -> None:
    """Print the public keys that this broker signs checkpoints with, the present one first. Keep them elsewhere."""
    for key in ask("GET", "/v1/audit/chain?limit=1")["keys"]:
        click.echo(key)


async def _verify(
    client: ApiClient, checkpoints: list[Checkpoint], keys: Sequence[str]
) -> tuple[Verification, Head, list[str]]:
    """What was found, how far the trail goes, and which checkpoints nobody with the broker's secret has signed."""
    found, known = None, None
    said: Sequence[str] = (await client.call("GET", "/v1/audit/chain?limit=1"))["keys"]
    forged: list[str] = []
    async for workspace, head, entries in _pages(client):
        if found is None or known is None:
            mine = [each for each in checkpoints if each.workspace == workspace]
            forged = _forged(mine, keys or said)
            known, found = head, Verification(workspace, head, mine)
        found.feed(entries)
    assert found is not None
    assert known is not None
    return found, known, forged


def _forged(checkpoints: list[Checkpoint], keys: Sequence[str]) -> list[str]:
    """Where there is a key, every checkpoint must be signed with one."""
    from broker.adapters.signing import is_signed_by  # noqa: PLC0415 - --help must not load the server

    return [
        f"the checkpoint of record {each.number} at {each.at_ms} ms is not signed by this broker"
        for each in checkpoints
        if keys and not is_signed_by(each, keys)
    ]


async def _pages(client: ApiClient) -> AsyncIterator[tuple[WorkspaceId, Head, list[Entry]]]:
    """The whole trail; at least one page, which may be empty."""
    after = 0
    while True:
        page = await client.call("GET", f"/v1/audit/chain?after={after}")
        entries = [Entry(**entry) for entry in page["entries"]]
        yield WorkspaceId(page["workspace"]), Head(**page["head"]), entries
        if not entries or entries[-1].number <= after:
            return
        after = entries[-1].number


def _checkpoints(file: Path) -> list[Checkpoint]:
    with file.open(encoding="utf-8", errors="replace") as lines:
        return [found for line in lines if (found := read_checkpoint(line))]


def _in_words(found: Verification, head: Head) -> str:
    count = found.last - head.first + 1
    if count <= 0:
        return "nothing was recorded yet"
    unsealed = max(0, head.number - head.sealed)
    return (
        f"records {head.first} to {found.last} are whole"
        + (f"; the last {unsealed} are not sealed yet" if unsealed else "")
        + (f"; older ones than {head.first} are not kept any more" if head.first > 1 else "")
        + _agreeing(found.compared)
    )


def _agreeing(checkpoints: int) -> str:
    if checkpoints == 0:
        return ""
    return "; 1 checkpoint agrees" if checkpoints == 1 else f"; {checkpoints} checkpoints agree"
