"""The command `relaycast`: the broker's processes and the operator's small jobs."""

from __future__ import annotations

import asyncio
import functools
import os
import sys
from collections.abc import Callable, Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from broker import __version__
from broker.cli.archive import export_, import_
from broker.cli.audit import audit
from broker.cli.backup import backup, restore
from broker.cli.budgets import budget
from broker.cli.bundle import bundle
from broker.cli.graphql_options import graphql_options
from broker.cli.hooks import hooks
from broker.cli.logs import logs
from broker.cli.machines import machine
from broker.cli.options import together
from broker.cli.people import members, share, sign_in
from broker.cli.plans import plans, plans_option
from broker.cli.rules import rule
from broker.cli.secret_keys import secret_key_options, take_secret_keys
from broker.cli.secrets import secrets
from broker.cli.sessions import session
from broker.cli.status import status
from broker.cli.tokens import token
from broker.cli.usage import usage
from broker.cli.workflows import workflow
from broker.cli.workspaces import admin, workspace
from broker.domain.people.workspaces import SignUp
from broker.domain.plans.plans import Plan, PlanTable
from broker.settings import GraphQLSettings, Settings, default_data_dir
from connect.command_group import CommandGroup

_USUAL = Settings()
"""What an option is when nobody gives it."""


@click.group(
    "relaycast",
    cls=CommandGroup,
    context_settings={"help_option_names": ["-h", "--help"], "auto_envvar_prefix": "RELAYCAST"},
)
@click.version_option(__version__, prog_name="relaycast")
def main() -> None:
    """Relaycast: the broker that spawns, connects and supervises coding agents.

    Options of up, gateway and worker can also be given as environment variables; their --help names them.
    """


main.add_command(status)
main.add_command(token)
main.add_command(machine)
main.add_command(session)
main.add_command(rule)
main.add_command(hooks)
main.add_command(secrets)
main.add_command(sign_in)
main.add_command(members)
main.add_command(share)
main.add_command(audit)
main.add_command(usage)
main.add_command(plans)
main.add_command(budget)
main.add_command(backup)
main.add_command(bundle)
main.add_command(restore)
main.add_command(export_)
main.add_command(import_)
main.add_command(logs)
main.add_command(workflow)
main.add_command(workspace)
main.add_command(admin)


def _data_dir(command: Callable[..., Any]) -> Callable[..., Any]:
    return click.option(
        "--data-dir",
        envvar="RELAYCAST_DATA_DIR",
        type=click.Path(path_type=Path, file_okay=False),
        default=default_data_dir,
        show_default="the platform's user data folder",
        help="Folder of the workspace key and the embedded stores.",
    )(command)


def _common(command: Callable[..., Any]) -> Callable[..., Any]:
    return together(
        click.option("--json", "json_", is_flag=True, help="Print one JSON line when ready, and nothing else."),
        click.option("--verbose", "-v", is_flag=True, help="Log more, to stderr."),
        click.option(
            "--log-format",
            envvar="RELAYCAST_LOG_FORMAT",
            type=click.Choice(["text", "json"]),
            default="text",
            show_default=True,
            help="Log lines for people, or one JSON object a line with the ids of request, message, session and link.",
        ),
        click.option(
            "--log-steps",
            envvar="RELAYCAST_LOG_STEPS",
            is_flag=True,
            help="Log each step of each message, and each connection of a machine.",
        ),
        click.option(
            "--redis",
            "redis_url",
            envvar="RELAYCAST_REDIS_URL",
            metavar="URL",
            help="A Redis server to share: redis://, rediss:// or unix://, redis+sentinel://HOST,…/SERVICE/DB, or"
            " redis+cluster://HOST,…",
        ),
        click.option(
            "--clickhouse",
            "clickhouse_url",
            envvar="RELAYCAST_CLICKHOUSE_URL",
            metavar="URL",
            help="A ClickHouse server for the logs: http(s)://user:password@host:port/database.",
        ),
        secret_key_options,
        click.option(
            "--allow-outbound",
            envvar="RELAYCAST_ALLOW_OUTBOUND",
            multiple=True,
            metavar="CIDR",
            help="A private network that webhooks and notifications may reach. Can be repeated.  [default: none]",
        ),
        plans_option,
    )(_logging(command))


def _logging(command: Callable[..., Any]) -> Callable[..., Any]:
    """Have the process log as it is asked to; the command itself need not know."""

    @functools.wraps(command)
    def logging_too(*, verbose: bool, log_format: str, log_steps: bool, **others: Any) -> Any:
        from broker.telemetry.logs import (  # noqa: PLC0415 - --help must not load the server
            LogFormat,
            configure_logging,
        )

        configure_logging(verbose=verbose, format_=LogFormat(log_format), steps=log_steps)
        return command(**others)

    return logging_too


def _checkpoints(command: Callable[..., Any]) -> Callable[..., Any]:
    return click.option(
        "--audit-checkpoints",
        envvar="RELAYCAST_AUDIT_CHECKPOINTS",
        type=click.Path(path_type=Path, dir_okay=False),
        help="Add checkpoints of the audit trails to this file; best where the broker's store cannot be changed from."
        "  [default: audit-checkpoints.ndjson in the data folder of `up`; `worker`: none]",
    )(command)


def _serving(command: Callable[..., Any]) -> Callable[..., Any]:
    return together(
        click.option(
            "--host", envvar="RELAYCAST_HOST", default=_USUAL.host, show_default=True, help="Address to bind."
        ),
        click.option(
            "--port",
            envvar="RELAYCAST_PORT",
            default=_USUAL.port,
            show_default=True,
            type=click.IntRange(0, 65535),
            help="Port to bind; 0: the system chooses.",
        ),
        click.option(
            "--public-url",
            envvar="RELAYCAST_PUBLIC_URL",
            metavar="URL",
            help="This gateway's URL as others see it, behind a load balancer or proxy. May end in a path:"
            " https://host.example/relay.",
        ),
        click.option(
            "--tls-cert",
            envvar="RELAYCAST_TLS_CERT",
            type=click.Path(path_type=Path, dir_okay=False),
            help="Serve HTTPS with this certificate chain (PEM). Reloaded when it changes, and on SIGHUP.",
        ),
        click.option(
            "--tls-key",
            envvar="RELAYCAST_TLS_KEY",
            type=click.Path(path_type=Path, dir_okay=False),
            help="Private key of --tls-cert (PEM, no passphrase).",
        ),
        click.option(
            "--allow-host",
            "--allowed-host",
            "allowed_hosts",
            envvar="RELAYCAST_ALLOWED_HOSTS",
            multiple=True,
            metavar="NAME",
            help="A host name to answer to, besides those of the URL and of this machine. Can be repeated.",
        ),
        click.option(
            "--allowed-origin",
            "allowed_origins",
            envvar="RELAYCAST_ALLOWED_ORIGINS",
            multiple=True,
            metavar="ORIGIN",
            help="Another origin (https://host) whose pages may use people's sign-ins. Can be repeated.",
        ),
        click.option(
            "--trusted-proxy",
            "trusted_proxies",
            envvar="RELAYCAST_TRUSTED_PROXIES",
            multiple=True,
            metavar="ADDRESS",
            help="Address or network (CIDR) of a proxy whose X-Forwarded-For, -Proto, -Host and Forwarded are trusted."
            " Can be repeated.",
        ),
        click.option(
            "--sign-up",
            envvar="RELAYCAST_SIGN_UP",
            type=click.Choice([each.value for each in SignUp]),
            default=_USUAL.sign_up.value,
            show_default=True,
            help="Who may make a workspace beside who runs this broker: nobody, people who are in one, or everybody.",
        ),
    )(command)


def _health(command: Callable[..., Any]) -> Callable[..., Any]:
    return together(
        click.option(
            "--health-port",
            envvar="RELAYCAST_HEALTH_PORT",
            type=click.IntRange(1, 65535),
            help="Serve /livez and /metrics on this port, from a thread beside the event loop.  [default: off]",
        ),
        click.option(
            "--health-host",
            envvar="RELAYCAST_HEALTH_HOST",
            default=_USUAL.health_host,
            show_default=True,
            help="Address of the health port.",
        ),
        click.option(
            "--metrics-port",
            envvar="RELAYCAST_METRICS_PORT",
            type=click.IntRange(1, 65535),
            help="Serve /metrics on this port, without a token unless there is --metrics-token-file.  [default: off]",
        ),
        click.option(
            "--metrics-host",
            envvar="RELAYCAST_METRICS_HOST",
            default=_USUAL.metrics_host,
            show_default=True,
            help="Address of the metrics port.",
        ),
        click.option(
            "--metrics-token-file",
            envvar="RELAYCAST_METRICS_TOKEN_FILE",
            type=click.Path(path_type=Path, dir_okay=False),
            help="File with the token that /metrics requires ('Authorization: Bearer'). Without it the gateway's own"
            " /metrics answers its own machine only.",
        ),
    )(command)


def _gateway_settings(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of a process with a gateway; the command gets them as `settings`, and how to speak."""

    @functools.wraps(command)
    def collected(
        *,
        data_dir: Path,
        host: str,
        port: int,
        public_url: str | None,
        tls_cert: Path | None,
        tls_key: Path | None,
        allowed_hosts: tuple[str, ...],
        allowed_origins: tuple[str, ...],
        trusted_proxies: tuple[str, ...],
        sign_up: str,
        health_port: int | None,
        health_host: str,
        metrics_port: int | None,
        metrics_host: str,
        metrics_token_file: Path | None,
        graphql: GraphQLSettings,
        redis_url: str | None,
        clickhouse_url: str | None,
        secret_key_file: Path | None,
        allow_outbound: tuple[str, ...],
        plans: PlanTable,
        **others: Any,
    ) -> Any:
        if (tls_cert is None) is not (tls_key is None):
            raise click.UsageError("--tls-cert and --tls-key go together")
        settings = Settings(
            data_dir=data_dir,
            host=host,
            port=port,
            public_url=public_url,
            tls_cert=tls_cert,
            tls_key=tls_key,
            allowed_hosts=allowed_hosts,
            allowed_origins=allowed_origins,
            trusted_proxies=trusted_proxies,
            sign_up=SignUp(sign_up),
            health_port=health_port,
            health_host=health_host,
            metrics_port=metrics_port,
            metrics_host=metrics_host,
            metrics_token_file=metrics_token_file,
            graphql=graphql,
            redis_url=redis_url,
            clickhouse_url=clickhouse_url,
            secret_keys=take_secret_keys(secret_key_file),
            allow_outbound=allow_outbound,
            plans=plans,
        )
        return command(settings=settings, **others)

    return _data_dir(_serving(_health(graphql_options(_common(collected)))))


@main.command()
@_gateway_settings
@_checkpoints
@click.option(
    "--join",
    is_flag=True,
    help="Use a --redis that belongs to another data folder. Its key stays valid; this folder gets a key of its own.",
)
@click.option(
    "--plan",
    type=click.Choice([p.value for p in Plan]),
    default=_USUAL.plan.value,
    show_default=True,
    help="Plan of the workspace that is created at the first start; `relaycast workspace plan` changes it.",
)
@click.option(
    "--owner", default=_USUAL.owner, show_default=True, help="Name of the first owner, created at the first start."
)
@click.option(
    "--approval-deadline",
    "approval_deadline_s",
    default=_USUAL.approval_deadline_s,
    show_default=True,
    metavar="SECONDS",
    help="How long a permission request waits before it is denied.",
)
def up(
    *,
    settings: Settings,
    json_: bool,
    audit_checkpoints: Path | None,
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
        audit_checkpoints=audit_checkpoints,
        join=join,
        plan=Plan(plan),
        owner=owner,
        approval_deadline_s=approval_deadline_s,
    )
    _run(run_up(settings, on_ready=lambda s, link: _say_ready(s, json_=json_, dashboard=link)))


@main.command()
@_gateway_settings
def gateway(*, settings: Settings, json_: bool) -> None:
    """Run one gateway on a shared Redis; start as many as you need."""
    from broker.processes import run_gateway  # noqa: PLC0415 - --help must not load the server

    _run(run_gateway(settings, on_ready=lambda s: _say_ready(s, json_=json_)))


@main.command()
@_health
@_checkpoints
@_common
def worker(
    *,
    json_: bool,
    redis_url: str | None,
    clickhouse_url: str | None,
    plans: PlanTable,
    audit_checkpoints: Path | None,
    health_port: int | None,
    health_host: str,
    metrics_port: int | None,
    metrics_host: str,
    metrics_token_file: Path | None,
    secret_key_file: Path | None,
    allow_outbound: tuple[str, ...],
) -> None:
    """Run one worker on a shared Redis; start as many as you need.

    Workers enforce deadlines, take over from dead gateways, ship, expire and delete logs, and seal audit trails.
    """
    from broker.processes import run_worker  # noqa: PLC0415 - --help must not load the server

    settings = Settings(
        redis_url=redis_url,
        clickhouse_url=clickhouse_url,
        plans=plans,
        audit_checkpoints=audit_checkpoints,
        health_port=health_port,
        health_host=health_host,
        metrics_port=metrics_port,
        metrics_host=metrics_host,
        metrics_token_file=metrics_token_file,
        secret_keys=take_secret_keys(secret_key_file),
        allow_outbound=allow_outbound,
    )
    ready = '{"ready":true}' if json_ else "worker is ready"
    _run(run_worker(settings, on_ready=lambda _: click.echo(ready)))


@main.command()
@_data_dir
@_common
@click.option("--join", is_flag=True, help="Add this folder's key to a --redis that belongs to another data folder.")
def migrate(
    *,
    json_: bool,
    data_dir: Path,
    redis_url: str | None,
    clickhouse_url: str | None,
    join: bool,
    plans: PlanTable,
    secret_key_file: Path | None,
    allow_outbound: tuple[str, ...],
) -> None:
    """Bring a shared Redis and ClickHouse to this version's format, and exit; run it before the gateways of an upgrade.

    The keys in the data folder become keys of the workspace and of the installation; they are created if missing.
    """
    from broker.processes import run_migrate  # noqa: PLC0415 - --help must not load the server

    settings = Settings(
        data_dir=data_dir,
        redis_url=redis_url,
        clickhouse_url=clickhouse_url,
        join=join,
        plans=plans,
        secret_keys=take_secret_keys(secret_key_file),
        allow_outbound=allow_outbound,
    )
    _run(run_migrate(settings))
    click.echo('{"migrated":true}' if json_ else "✓ the stores are ready for this version")


@main.command()
@click.option("--once", is_flag=True, help="Exit after the game instead of leaving the broker running.")
def demo(*, once: bool) -> None:
    """Start a broker, relay-connect and two scripted agents that play tic-tac-toe by messages."""
    from connect.demo.session import run_demo_session  # noqa: PLC0415 - only this command needs it

    sys.exit(asyncio.run(run_demo_session(once=once)))


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
