"""The broker's processes: `relaycast up`, `gateway` and `worker`; and `migrate`, which goes before them."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from broker import __version__
from broker.cli.plans.stripe_options import stripe_options
from broker.cli.processes.options import (
    USUAL,
    checkpoints_options,
    common_options,
    data_dir_option,
    gateway_settings,
    health_options,
)
from broker.domain.plans.plans import Plan
from broker.settings import Settings, StripeSettings, default_data_dir


@click.command()
@gateway_settings
@checkpoints_options
@click.option(
    "--join",
    is_flag=True,
    help="Use a --redis that belongs to another data folder. Its key stays valid; this folder gets a key of its own.",
)
@click.option(
    "--plan",
    type=click.Choice([p.value for p in Plan]),
    default=USUAL.plan.value,
    show_default=True,
    help="Plan of the workspace that is created at the first start; `relaycast workspace plan` changes it.",
)
@click.option(
    "--owner", default=USUAL.owner, show_default=True, help="Name of the first owner, created at the first start."
)
@click.option(
    "--approval-deadline",
    "approval_deadline_s",
    default=USUAL.approval_deadline_s,
    show_default=True,
    metavar="SECONDS",
    help="How long a permission request waits before it is denied.",
)
def up(
    *,
    settings: Settings,
    json_: bool,
    join: bool,
    plan: str,
    owner: str,
    approval_deadline_s: int,
) -> None:
    """Run the whole broker in one process, with an embedded store unless --redis is given.

    Stops on Ctrl-C, SIGTERM or a closed terminal; the next `up` on the same folder continues with its data.
    """
    from broker.processes import run_up  # noqa: PLC0415 - --help must not load the server

    settings = replace(
        settings,
        join=join,
        plan=Plan(plan),
        owner=owner,
        approval_deadline_s=approval_deadline_s,
    )
    _run(run_up(settings, on_ready=lambda s, link: _say_ready(s, json_=json_, dashboard=link)))


@click.command()
@gateway_settings
def gateway(*, settings: Settings, json_: bool) -> None:
    """Run one gateway on a shared Redis; start as many as you need."""
    from broker.processes import run_gateway  # noqa: PLC0415 - --help must not load the server

    _run(run_gateway(settings, on_ready=lambda s: _say_ready(s, json_=json_)))


@click.command()
@health_options
@common_options
@checkpoints_options
@stripe_options
def worker(
    *,
    settings: Settings,
    json_: bool,
    health_port: int | None,
    health_host: str,
    metrics_port: int | None,
    metrics_host: str,
    metrics_token_file: Path | None,
    stripe: StripeSettings | None,
) -> None:
    """Run one worker on a shared Redis; start as many as you need.

    Workers enforce deadlines, take over from dead gateways, ship, expire and delete logs, and seal audit trails.
    """
    from broker.processes import run_worker  # noqa: PLC0415 - --help must not load the server

    settings = replace(
        settings,
        health_port=health_port,
        health_host=health_host,
        metrics_port=metrics_port,
        metrics_host=metrics_host,
        metrics_token_file=metrics_token_file,
        stripe=stripe,
    )
    ready = '{"ready":true}' if json_ else "worker is ready"
    _run(run_worker(settings, on_ready=lambda _: click.echo(ready)))


@click.command()
@data_dir_option
@common_options
@click.option("--join", is_flag=True, help="Add this folder's key to a --redis that belongs to another data folder.")
def migrate(*, settings: Settings, json_: bool, data_dir: Path, join: bool) -> None:
    """Bring a shared Redis and ClickHouse to this version's format, and exit; run it before the gateways of an upgrade.

    The keys in the data folder become keys of the workspace and of the installation; they are created if missing.
    """
    from broker.processes import run_migrate  # noqa: PLC0415 - --help must not load the server

    _run(run_migrate(replace(settings, data_dir=data_dir, join=join)))
    click.echo('{"migrated":true}' if json_ else "✓ the stores are ready for this version")


for _process in (up, gateway, worker, migrate):
    for _option in _process.params:
        if isinstance(_option, click.Option):
            _option.show_envvar = True


def _say_ready(settings: Settings, *, json_: bool, dashboard: str | None = None) -> None:
    if json_:
        from broker.app import ready_line  # noqa: PLC0415 - loaded by now

        click.echo(ready_line(settings, dashboard=dashboard))
        return
    click.echo(f"✓ Relaycast {__version__} is up at {settings.url}")
    if dashboard:
        click.echo(f"Dashboard: {dashboard}")
        click.echo("  works once, for 10 minutes; `relaycast sign-in` prints a new link")
    if settings.key_file.exists():
        click.echo(f"  data and key   {settings.data_dir} ({settings.key_file.name}, readable only by you)")
        click.echo("  agents         run as your user here and can read that key (see `relay-connect doctor`)")
    click.echo("  link a machine relay-connect" + _url_hint(settings))
    click.echo("  stop           Ctrl-C")


def _url_hint(settings: Settings) -> str:
    if not settings.key_file.exists():
        return f" --url {settings.url}, with a token of `relaycast token mint`"
    return "" if settings.data_dir == default_data_dir() else f" --url {settings.url} --token-file {settings.key_file}"


def _run(process: Coroutine[Any, Any, None]) -> None:
    if os.name == "posix":
        import uvloop  # noqa: PLC0415 - not on Windows

        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(process)
    else:
        asyncio.run(process)
