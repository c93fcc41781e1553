"""`relaycast token`: making, listing and revoking tokens of a running broker."""

from __future__ import annotations

import sys
from typing import Any

import click

from broker.cli.operator_client import ask
from broker.domain.instants import shown_minute
from broker.domain.people.access import TokenKind
from broker.domain.people.dependants import Dependants

_MINTED = [kind.value for kind in TokenKind if kind not in {TokenKind.AGENT, TokenKind.MEMBER}]


@click.group()
def token() -> None:
    """Create, list and revoke tokens. Uses the broker on this machine, or RELAYCAST_URL with RELAYCAST_TOKEN."""


@token.command()
@click.option("--kind", type=click.Choice(_MINTED), default=TokenKind.PROXY.value, show_default=True)
@click.option("--name", required=True, help="Who or what uses it; shown in lists and on messages.")
@click.option("--person", is_flag=True, help="A human uses it: agents see messages sent with it as a person's.")
def mint(*, kind: str, name: str, person: bool) -> None:
    """Create a token and print it to stdout. It cannot be shown again."""
    made = ask("POST", "/v1/tokens", body={"kind": kind, "name": name, "person": person})
    click.echo(f"token {made['id']} for {name} ({kind}); `relaycast token revoke {made['id']}` ends it", err=True)
    click.echo(made["token"])


@token.command("list")
def list_() -> None:
    """List the workspace's tokens: who made each, and what depends on it. The secrets are not stored."""
    for row in ask("GET", "/v1/tokens")["tokens"]:
        made = shown_minute(row["created_at_ms"])
        about = "; ".join(each for each in (_maker(row), Dependants(**row.get("ends", {})).in_words) if each)
        click.echo(f"{row['id']:<18} {row['kind']:<10} {made}  {row['name']}{f'  ({about})' if about else ''}")


@token.command()
@click.argument("token_id")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
def revoke(*, token_id: str, yes: bool) -> None:
    """Revoke a token and all that depends on it: tokens made with it, links of machines, rights of their agents.

    At a terminal it lists what else ends, and asks for confirmation.
    """
    with_it = next(
        (
            Dependants(**row.get("ends", {})).in_words
            for row in ask("GET", "/v1/tokens")["tokens"]
            if row["id"] == token_id
        ),
        "",
    )
    if with_it:
        click.echo(f"{token_id}: {with_it}", err=True)
        if not yes and sys.stdin.isatty():
            click.confirm("Revoke it with all of this?", abort=True, err=True)
    words = Dependants(**ask("DELETE", f"/v1/tokens/{token_id}").get("ended", {})).in_words
    click.echo(f"✓ {token_id} was revoked{f'; {words}' if words else ''}")


def _maker(row: dict[str, Any]) -> str:
    by = row.get("made_by")
    return f"made by {by['name'] or 'somebody who is gone'}" if by else ""
