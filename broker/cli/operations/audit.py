"""`relaycast audit`: who did what in the workspace, and whether anybody has touched the record of it."""

from __future__ import annotations

import csv
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO
from urllib.parse import quote, urlencode

import click
import orjson

from broker.cli.operations.checked_trail import CheckedTrail, check_archive
from broker.cli.operator_client import ask, using_broker
from broker.domain.audit.chain import Checkpoint, Entry, Head, read_checkpoint
from broker.domain.audit.records import AuditRecord, read_record
from broker.domain.ids import WorkspaceId

if TYPE_CHECKING:
    from connect.sdk.api_client import ApiClient

_PAGE = 100
_OWN = "/v1/audit/chain"
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


def _chain_of(imported: str | None) -> str:
    """Where a trail is read: one that was imported, or the workspace's own."""
    return _OWN if imported is None else f"/v1/audit/imported/{quote(imported, safe='')}/chain"


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
@click.option("--imported", metavar="ID", help="Of a trail that came with an archive, not of the workspace's own.")
def export(*, file: TextIO, form: str, imported: str | None) -> None:
    """Write all records to FILE (default: standard output), the oldest first, with their seals.

    A line of NDJSON has each record exactly as it is kept: the seals are over that text.
    """
    place = _chain_of(imported)
    write = _ndjson(file) if form == "ndjson" else _csv(file)

    async def job(client: ApiClient) -> int:
        count = 0
        async for _, entries in _pages(client, place):
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
    help="A public key that `relaycast audit keys` printed before, of the broker whose trail it is; several times for"
    " more.  [default: what the broker, or the archive, says itself]",
)
@click.option(
    "--imported", metavar="ID", help="A trail that came with an archive; `relaycast audit imported` lists them."
)
@click.option(
    "--archive",
    "archive",
    type=click.Path(path_type=Path, exists=True),
    help="The trail in an archive that `relaycast export` wrote. Asks no broker.",
)
def verify(*, checkpoint_file: Path | None, keys: tuple[str, ...], imported: str | None, archive: Path | None) -> None:
    """Check that no record was changed, removed, moved or cut off. Exits with 1 when one was.

    Without --checkpoint this finds what was changed in the records alone; whoever can write to the store could have
    made the seals anew. A file of checkpoints that was kept elsewhere shows that, too; each is signed, so that whoever
    can write to both cannot make them agree without the broker's secret key. An archive has one signed checkpoint.
    """
    if imported and archive:
        raise click.UsageError("--imported and --archive are two trails: choose one")
    checkpoints = _checkpoints(checkpoint_file) if checkpoint_file else []
    if archive:
        checked = check_archive(archive, checkpoints, keys)
    else:
        place = _chain_of(imported)
        checked = using_broker(lambda client: _check_at(client, place, checkpoints, keys))
    problems = checked.finish()
    for problem in problems:
        click.echo(f"✗ {problem}")
    if problems:
        sys.exit(1)
    click.echo(f"✓ {checked.in_words}")
    _tell_trust(checked, given=bool(keys), brought=bool(imported or archive), compares=checkpoint_file is not None)


def _tell_trust(checked: CheckedTrail, *, given: bool, brought: bool, compares: bool) -> None:
    """What a trail that is whole in itself does not show."""
    if brought:
        click.echo(f"  of the workspace {checked.workspace}")
    if brought and not checked.keys:
        click.echo("  its checkpoint is not signed: the broker that it comes from had no secret key")
    elif brought and not given:
        click.echo(
            f"  signed with {checked.keys[0]}, as the archive says itself: give --key with what `relaycast audit keys`"
            " printed at the broker that it comes from"
        )
    elif not brought and not compares:
        click.echo("  no checkpoint was compared: give --checkpoint FILE to find a trail that was rewritten as a whole")
    elif not checked.compared:
        click.echo("  no checkpoint of the file is of a record of this workspace that is kept: none was compared")


@audit.command("imported")
def imported_() -> None:
    """List the audit trails that came with archives. Each is kept beside the workspace's own, and verifies alone."""
    trails = ask("GET", "/v1/audit/imported")["trails"]
    for each in trails:
        head = each["head"]
        missing = "" if each["last"] == head["number"] else f", {head['number'] - each['last']} not here yet"
        click.echo(
            f"{each['id']}  {_instant(each['at_ms'])}  of the workspace {each['workspace']}, records {head['first']} to"
            f" {head['number']}{missing}"
        )
    if not trails:
        click.echo("no archive has brought a trail", err=True)


@audit.command("keys")
def keys_() -> None:
    """Print the public keys that this broker signs checkpoints with, the present one first. Keep them elsewhere."""
    for key in ask("GET", f"{_OWN}?limit=1")["keys"]:
        click.echo(key)


async def _check_at(
    client: ApiClient, place: str, checkpoints: Sequence[Checkpoint], keys: Sequence[str]
) -> CheckedTrail:
    """A trail that a broker has, its own or one that was imported."""
    checked: CheckedTrail | None = None
    if place == _OWN:
        keys = keys or (await client.call("GET", f"{place}?limit=1"))["keys"]
    async for page, entries in _pages(client, place):
        if checked is None:
            known = [*checkpoints, *([Checkpoint(**page["checkpoint"])] if "checkpoint" in page else [])]
            workspace, head = WorkspaceId(page["workspace"]), Head(**page["head"])
            checked = CheckedTrail(workspace, head, known, keys or page["keys"])
        checked.feed(entries)
    assert checked is not None
    return checked


async def _pages(client: ApiClient, place: str) -> AsyncIterator[tuple[dict[str, Any], list[Entry]]]:
    """The whole trail; at least one page, which may be empty."""
    after = 0
    while True:
        page = await client.call("GET", f"{place}?after={after}")
        entries = [Entry(**entry) for entry in page["entries"]]
        yield page, entries
        if not entries or entries[-1].number <= after:
            return
        after = entries[-1].number


def _checkpoints(file: Path) -> list[Checkpoint]:
    with file.open(encoding="utf-8", errors="replace") as lines:
        return [found for line in lines if (found := read_checkpoint(line))]
