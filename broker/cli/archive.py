"""`relaycast export` and `relaycast import`: a workspace, or one session, as an archive."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from broker.cli.operator_client import using_broker

if TYPE_CHECKING:
    from broker.cli.archiving.jobs import Progress


@click.command("export")
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--session", help="Only this session, by name or id.")
def export_(*, path: Path, session: str | None) -> None:
    """Write sessions, agents, rules and the complete log to PATH.

    A PATH that ends in .parquet becomes a folder of Parquet files, any other a file of JSON lines. After an
    interruption the same command continues. Tokens are listed without their secrets, which the broker does not have.
    """
    from broker.cli.archiving.jobs import export_archive  # noqa: PLC0415 - --help must not load an HTTP client

    with _bar("exporting") as progress:
        rows = using_broker(lambda client: export_archive(client, path, session=session, progress=progress))
    click.echo(f"✓ {rows:,} lines were written to {path}", err=True)


@click.command("import")
@click.argument("path", type=click.Path(path_type=Path, exists=True))
def import_(*, path: Path) -> None:
    """Restore the archive at PATH into an empty workspace.

    Agents are restored as ended: their processes are not part of the archive. After an interruption the same command
    continues. Lines older than the workspace's retention are not restored.
    """
    from broker.cli.archiving.jobs import import_archive  # noqa: PLC0415 - --help must not load an HTTP client

    with _bar("importing") as progress:
        contents = using_broker(lambda client: import_archive(client, path, progress=progress))
    control = contents["control"]
    click.echo(f"✓ {len(control['sessions'])} sessions and {len(control['agents'])} agents were restored", err=True)
    _tell_tokens([token for token in control["tokens"] if token["id"] != "workspace"])


def _tell_tokens(tokens: list[dict[str, Any]]) -> None:
    if tokens:
        click.echo("  create these tokens again; their secrets are not in the archive:", err=True)
    for token in tokens:
        click.echo(f"  relaycast token mint --kind {token['kind']} --name {token['name']!r}", err=True)


@contextmanager
def _bar(verb: str) -> Iterator[Progress]:
    from rich.console import Console  # noqa: PLC0415 - --help must not load it
    from rich.progress import Progress as Bar  # noqa: PLC0415 - --help must not load it

    with Bar(console=Console(stderr=True)) as bar:
        task = bar.add_task(verb, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
