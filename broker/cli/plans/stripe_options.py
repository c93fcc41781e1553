"""Whose account at Stripe takes the money. Its keys are never among a process's arguments, which others can read."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from broker.cli.options import together
from broker.settings import STRIPE_URL, StripeSettings

_KEY, _WEBHOOK = "RELAYCAST_STRIPE_KEY", "RELAYCAST_STRIPE_WEBHOOK_SECRET"


def _file(option: str, variable: str, what: str) -> Callable[..., Any]:
    return click.option(
        option,
        envvar=f"{variable}_FILE",
        type=click.Path(path_type=Path, dir_okay=False, exists=True),
        help=f"File with {what}; or set {variable}.",
    )


def stripe_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options; the command gets them as `stripe`, None where there is no key."""

    @functools.wraps(command)
    def collected(
        *,
        stripe_key_file: Path | None,
        stripe_webhook_secret_file: Path | None,
        stripe_url: str,
        stripe_trial_days: int,
        stripe_tax: bool,
        **others: Any,
    ) -> Any:
        key, secret = _take_out(_KEY, stripe_key_file), _take_out(_WEBHOOK, stripe_webhook_secret_file)
        if bool(key) is not bool(secret):
            raise click.UsageError(f"{_KEY} and {_WEBHOOK} (or their files) go together")
        given = StripeSettings(
            key=key, webhook_secret=secret, url=stripe_url, trial_days=stripe_trial_days, tax=stripe_tax
        )
        return command(stripe=given if key else None, **others)

    return together(
        _file(
            "--stripe-key-file", _KEY, "Stripe's secret (or restricted) API key: plans are paid for with Stripe then"
        ),
        _file("--stripe-webhook-secret-file", _WEBHOOK, "the signing secret of the webhook /v1/billing/webhook"),
        click.option(
            "--stripe-url",
            envvar="RELAYCAST_STRIPE_URL",
            metavar="URL",
            default=STRIPE_URL,
            show_default=True,
            help="Stripe's API.",
        ),
        click.option(
            "--stripe-trial-days",
            envvar="RELAYCAST_STRIPE_TRIAL_DAYS",
            type=click.IntRange(0, 730),
            default=0,
            show_default=True,
            help="Days that a new subscription costs nothing.",
        ),
        click.option("--stripe-tax", envvar="RELAYCAST_STRIPE_TAX", is_flag=True, help="Let Stripe compute tax."),
    )(collected)


def _take_out(variable: str, file: Path | None) -> str:
    """The variable is taken away: programs we start need not have it."""
    return (os.environ.pop(variable, "") or (file.read_text() if file else "")).strip()
