"""The options of the commands that are the broker's processes, and the settings that they make."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from broker.cli.operations.secret_keys import secret_key_options, take_secret_keys
from broker.cli.options import together
from broker.cli.plans.plans import plans_option
from broker.cli.plans.stripe_options import stripe_options
from broker.cli.processes.graphql_options import graphql_options
from broker.domain.errors import BadRequest
from broker.domain.outbound.urls import url_problem
from broker.domain.people.workspaces import SignUp
from broker.domain.plans.plans import PlanTable
from broker.domain.plans.request_rate import RequestRate
from broker.settings import AuditWebhook, GraphQLSettings, Settings, StripeSettings, default_data_dir

USUAL = Settings()
"""What an option is when nobody gives it."""


def data_dir_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Where the workspace key and the embedded stores lie."""
    return click.option(
        "--data-dir",
        envvar="RELAYCAST_DATA_DIR",
        type=click.Path(path_type=Path, file_okay=False),
        default=default_data_dir,
        show_default="the platform's user data folder",
        help="Folder of the workspace key and the embedded stores.",
    )(command)


def common_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """What every process is told: how to log, and what its `settings` begin with, such as the stores to use."""
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
        click.option(
            "--traces",
            envvar="RELAYCAST_TRACES",
            type=click.FloatRange(0, 1),
            default=USUAL.traces,
            metavar="RATIO",
            help="Trace this part of messages and runs with OpenTelemetry, 1 for all; needs relaycast[otel]."
            " OTEL_EXPORTER_OTLP_ENDPOINT names the collector.  [default: 0]",
        ),
        secret_key_options,
        click.option(
            "--allow-outbound",
            envvar="RELAYCAST_ALLOW_OUTBOUND",
            multiple=True,
            metavar="CIDR",
            help="A private network that webhooks and notifications may reach. Can be repeated.  [default: none]",
        ),
        click.option(
            "--github-url",
            envvar="RELAYCAST_GITHUB_URL",
            default=USUAL.github_url,
            metavar="URL",
            help="The API of GitHub that integration steps of workflows call; https://HOST/api/v3 for GitHub Enterprise"
            f" Server.  [default: {USUAL.github_url}]",
        ),
        plans_option,
    )(_logging(_begin_settings(command)))


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


def _begin_settings(command: Callable[..., Any]) -> Callable[..., Any]:
    """Have the command get the common options as `settings`, to which it adds its own."""

    @functools.wraps(command)
    def begun(
        *,
        redis_url: str | None,
        clickhouse_url: str | None,
        traces: float,
        secret_key_file: Path | None,
        allow_outbound: tuple[str, ...],
        github_url: str,
        plans: PlanTable,
        **others: Any,
    ) -> Any:
        settings = Settings(
            redis_url=redis_url,
            clickhouse_url=clickhouse_url,
            traces=traces,
            secret_keys=take_secret_keys(secret_key_file),
            allow_outbound=allow_outbound,
            github_url=github_url,
            plans=plans,
        )
        return command(settings=settings, **others)

    return begun


def checkpoints_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Where a process that seals audit trails writes their checkpoints, and sends them; in its `settings`."""

    @functools.wraps(command)
    def begun(
        *,
        settings: Settings,
        audit_checkpoints: Path | None,
        audit_webhook: str | None,
        audit_webhook_secret_file: Path | None,
        **others: Any,
    ) -> Any:
        hook = _read_webhook(audit_webhook, audit_webhook_secret_file)
        return command(settings=replace(settings, audit_checkpoints=audit_checkpoints, audit_webhook=hook), **others)

    return together(
        click.option(
            "--audit-checkpoints",
            envvar="RELAYCAST_AUDIT_CHECKPOINTS",
            type=click.Path(path_type=Path, dir_okay=False),
            help="Add checkpoints of the audit trails to this file; best where the broker's store cannot be changed"
            " from.  [default: audit-checkpoints.ndjson in the data folder of `up`; `worker`: none]",
        ),
        click.option(
            "--audit-webhook",
            envvar="RELAYCAST_AUDIT_WEBHOOK",
            metavar="URL",
            help="Send them to this URL, too, signed as Standard Webhooks has it; again until it answers 2xx."
            " A private network needs --allow-outbound.  [default: none]",
        ),
        click.option(
            "--audit-webhook-secret-file",
            envvar="RELAYCAST_AUDIT_WEBHOOK_SECRET_FILE",
            type=click.Path(path_type=Path, dir_okay=False, exists=True),
            help="File with what signs them: whsec_… and base64 of 24 bytes or more. Several lines all sign, while one"
            " is replaced.",
        ),
    )(begun)


def _read_webhook(url: str | None, secret_file: Path | None) -> AuditWebhook | None:
    """Raises `UsageError` for what cannot send or sign, without saying it."""
    if (url is None) != (secret_file is None):
        raise click.UsageError("--audit-webhook and --audit-webhook-secret-file go together")
    if url is None or secret_file is None:
        return None
    if problem := url_problem(url):
        raise click.UsageError(f"--audit-webhook: {problem}")
    from broker.services.hooks.signing import sign_headers  # noqa: PLC0415 - --help must not load it

    secrets = tuple(secret_file.read_text().split())
    try:
        sign_headers("", secrets or ("",), id_="", at=datetime.now(UTC))
    except BadRequest as error:
        raise click.UsageError(f"--audit-webhook-secret-file: {error.message}") from None
    return AuditWebhook(url=url, secrets=secrets)


def _serving(command: Callable[..., Any]) -> Callable[..., Any]:
    return together(
        click.option("--host", envvar="RELAYCAST_HOST", default=USUAL.host, show_default=True, help="Address to bind."),
        click.option(
            "--port",
            envvar="RELAYCAST_PORT",
            default=USUAL.port,
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
            "--requests-per-second",
            envvar="RELAYCAST_REQUESTS_PER_SECOND",
            type=click.IntRange(0, 1_000_000),
            default=USUAL.requests.per_s,
            show_default=True,
            help="How many requests one token may make at /v1 and /mcp, over all gateways; ten times as many at once."
            " The tokens of one account may make twice as many together, those of one workspace ten times as many."
            " 0: as many as they like.",
        ),
        click.option(
            "--sign-up",
            envvar="RELAYCAST_SIGN_UP",
            type=click.Choice([each.value for each in SignUp]),
            default=USUAL.sign_up.value,
            show_default=True,
            help="Who may make a workspace beside who runs this broker: nobody, people who are in one, or everybody.",
        ),
    )(command)


def health_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The ports for whoever watches the process."""
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
            default=USUAL.health_host,
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
            default=USUAL.metrics_host,
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


def gateway_settings(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of a process with a gateway; the command gets them as `settings`, and how to speak."""

    @functools.wraps(command)
    def collected(
        *,
        settings: Settings,
        data_dir: Path,
        host: str,
        port: int,
        public_url: str | None,
        tls_cert: Path | None,
        tls_key: Path | None,
        allowed_hosts: tuple[str, ...],
        allowed_origins: tuple[str, ...],
        trusted_proxies: tuple[str, ...],
        requests_per_second: int,
        sign_up: str,
        health_port: int | None,
        health_host: str,
        metrics_port: int | None,
        metrics_host: str,
        metrics_token_file: Path | None,
        graphql: GraphQLSettings,
        stripe: StripeSettings | None,
        **others: Any,
    ) -> Any:
        if (tls_cert is None) is not (tls_key is None):
            raise click.UsageError("--tls-cert and --tls-key go together")
        settings = replace(
            settings,
            data_dir=data_dir,
            host=host,
            port=port,
            public_url=public_url,
            tls_cert=tls_cert,
            tls_key=tls_key,
            allowed_hosts=allowed_hosts,
            allowed_origins=allowed_origins,
            trusted_proxies=trusted_proxies,
            requests=RequestRate.of(requests_per_second),
            sign_up=SignUp(sign_up),
            health_port=health_port,
            health_host=health_host,
            metrics_port=metrics_port,
            metrics_host=metrics_host,
            metrics_token_file=metrics_token_file,
            graphql=graphql,
            stripe=stripe,
        )
        return command(settings=settings, **others)

    return data_dir_option(_serving(health_options(graphql_options(common_options(stripe_options(collected))))))
