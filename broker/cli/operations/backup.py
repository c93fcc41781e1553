"""`relaycast backup` and `relaycast restore`: a whole installation in one file."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from broker.cli.options import together
from broker.settings import Settings, default_data_dir


def _stores(command: Callable[..., Any]) -> Callable[..., Any]:
    return together(
        click.option(
            "--data-dir",
            envvar="RELAYCAST_DATA_DIR",
            type=click.Path(path_type=Path, file_okay=False),
            default=default_data_dir,
            show_default="the platform's user data folder",
            help="The data folder of `up`, or of `migrate`.",
        ),
        click.option(
            "--redis", "redis_url", envvar="RELAYCAST_REDIS_URL", metavar="URL", help="The Redis, where it is shared."
        ),
        click.option(
            "--clickhouse",
            "clickhouse_url",
            envvar="RELAYCAST_CLICKHOUSE_URL",
            metavar="URL",
            help="The log store is a server, which has backups of its own: the file is without it.",
        ),
    )(command)


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@_stores
def backup(*, file: Path, data_dir: Path, redis_url: str | None, clickhouse_url: str | None) -> None:
    """Write the whole installation to FILE, while it runs or not: Redis, the embedded log store, and the keys.

    Writes wait while Redis is read. FILE holds every secret of the installation: only you can read it; keep it so.
    A ClickHouse server is backed up by its own BACKUP, after this command.
    """
    from broker.adapters.backup.jobs import back_up  # noqa: PLC0415 - --help must not load the server

    made = asyncio.run(
        back_up(Settings(data_dir=data_dir, redis_url=redis_url, clickhouse_url=clickhouse_url), file.absolute())
    )
    logs = "with the log store" if made.manifest.has_logs else "without a log store"
    size = file.stat().st_size / 1_000_000
    click.echo(f"✓ {made.manifest.keys:,} keys {logs}, {size:.1f} MB; writes waited {made.paused_s:.2f} s", err=True)
    if clickhouse_url:
        click.echo("  now back up ClickHouse: BACKUP DATABASE … TO …; in this order nothing is missing", err=True)
    if not (data_dir / Settings().key_file.name).exists():
        click.echo(f"  there are no keys in {data_dir}: keep those of this installation yourself", err=True)


@click.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@_stores
def restore(*, file: Path, data_dir: Path, redis_url: str | None, clickhouse_url: str | None) -> None:
    """Restore the backup FILE into an installation that is empty and does not run.

    Every checksum is verified first. Logs continue on a new branch, so what readers saw after the backup is not mixed
    with what comes now. Machines reconnect by themselves if the broker's URL is the same.
    """
    from broker.adapters.backup.jobs import restore as job  # noqa: PLC0415 - --help must not load the server

    settings = Settings(data_dir=data_dir, redis_url=redis_url, clickhouse_url=clickhouse_url)
    manifest = asyncio.run(job(settings, file.absolute()))
    click.echo(f"✓ {manifest.keys:,} keys of Relaycast {manifest.version} were restored into {data_dir}", err=True)
    if clickhouse_url or not manifest.has_logs:
        click.echo("  the log store is not in it; restore ClickHouse from its own backup", err=True)
