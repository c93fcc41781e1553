"""`relaycast export` and `relaycast import`: a workspace, or one session, as an archive."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any

import click

from broker.cli.operator_client import using_broker

if TYPE_CHECKING:
    from broker.cli.archiving.jobs import Progress


@click.command("export")
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--session", help="Only this session, by name or id.")
def export_(*, path: Path, session: str | None) -> None:
    """Write sessions, agents, rules, people, groups, the audit trail and the complete log to PATH.

    A PATH that ends in .parquet becomes a folder of Parquet files, any other a file of JSON lines. After an
    interruption the same command continues. Tokens are listed without their secrets, which the broker does not have.
    With --session people, groups and the audit trail are left out. `relaycast audit verify --archive PATH` checks the
    trail.
    """
    from broker.cli.archiving.jobs import export_archive  # noqa: PLC0415 - --help must not load an HTTP client

    with _bar("exporting") as progress:
        rows = using_broker(lambda client: export_archive(client, path, session=session, progress=progress))
    click.echo(f"✓ {rows:,} lines were written to {path}", err=True)


@click.command("import")
@click.argument("path", type=click.Path(path_type=Path, exists=True))
def import_(*, path: Path) -> None:
    """Restore the archive at PATH into an empty workspace.

    Agents are restored as ended: their processes are not part of the archive. People have no sign-in yet: give each a
    link (`relaycast sign-in NAME`). Who has the name of somebody who is there already is taken for them, and stays what
    they are. The archive's audit trail is kept beside the workspace's own (`relaycast audit imported`). After an
    interruption the same command continues. Lines older than the workspace's retention are not restored.
    """
    from broker.cli.archiving.jobs import import_archive  # noqa: PLC0415 - --help must not load an HTTP client

    with _bar("importing") as progress:
        done = using_broker(lambda client: import_archive(client, path, progress=progress))
    control = done.contents["control"]
    click.echo(f"✓ {len(control['sessions'])} sessions and {len(control['agents'])} agents were restored", err=True)
    _tell_outcomes(done.outcomes)
    if done.trail:
        click.echo(f"✓ its audit trail is kept, too: `relaycast audit verify --imported {done.trail}`", err=True)
    accounts = {each["id"]: each["name"] for each in control.get("people", {}).get("service_accounts", ())}
    _tell_tokens([token for token in control["tokens"] if token["id"] != "workspace"], accounts)


def _tell_outcomes(outcomes: list[dict[str, Any]]) -> None:
    """How many of what, and all that is not as it was."""
    for what, many in (("person", "people"), ("group", "groups"), ("service account", "service accounts")):
        of_it = Counter(each["came"] for each in outcomes if each["what"] == what)
        if of_it:
            made = of_it["made"] + of_it["changed"]
            told = [f"{made} {what if made == 1 else many} made"]
            told += [f"{of_it['was_here']} here before"] if of_it["was_here"] else []
            told += [f"{of_it['left_out']} left out"] if of_it["left_out"] else []
            click.echo(f"✓ {', '.join(told)}", err=True)
    for each in outcomes:
        if each["why"]:
            left_out = "left out: " if each["came"] == "left_out" else ""
            click.echo(f"  {each['what']} {each['name']}: {left_out}{each['why']}", err=True)


def _tell_tokens(tokens: list[dict[str, Any]], accounts: dict[str, str]) -> None:
    if tokens:
        click.echo("  create these tokens again; their secrets are not in the archive:", err=True)
    for token in tokens:
        click.echo(f"  {_command(token, accounts)}", err=True)


def _command(token: dict[str, Any], accounts: dict[str, str]) -> str:
    """How to make another in the place of one."""
    name = quote(token["name"])
    limits = "".join(f" --scope {scope}" for scope in token.get("scopes") or ())
    limits += "".join(f" --session {session}" for session in token.get("only") or ())
    if token["kind"] == "personal":
        return f"relaycast token personal mint {name}{limits}  (by the person whose it is)"
    if token["kind"] == "service":
        account = accounts.get(token["service"], token["service"])
        return f"relaycast service-account token {quote(account)} --label {name}{limits}"
    return f"relaycast token mint --kind {token['kind']} --name {name}"


@contextmanager
def _bar(verb: str) -> Iterator[Progress]:
    from rich.console import Console  # noqa: PLC0415 - --help must not load it
    from rich.progress import Progress as Bar  # noqa: PLC0415 - --help must not load it

    with Bar(console=Console(stderr=True)) as bar:
        task = bar.add_task(verb, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
