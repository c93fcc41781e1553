"""`relaycast token`: making, listing and revoking tokens of a running broker."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from broker.domain.access import TokenKind
from broker.operator_client import ask

_MINTED = [kind.value for kind in TokenKind if kind not in {TokenKind.AGENT, TokenKind.MEMBER}]


@click.group()
def token() -> None:
    """Make, list and revoke tokens. Speaks to the broker on this machine, or to RELAYCAST_URL with RELAYCAST_TOKEN."""


@token.command()
@click.option("--kind", type=click.Choice(_MINTED), default=TokenKind.PROXY.value, show_default=True)
@click.option("--name", required=True, help="Whose it is or what it is for; shown in lists and on messages.")
@click.option("--person", is_flag=True, help="A human will use it: agents see their messages as from a person.")
def mint(*, kind: str, name: str, person: bool) -> None:
    """Make a token. It is printed this once: on stdout, alone."""
    made = ask("POST", "/v1/tokens", body={"kind": kind, "name": name, "person": person})
    click.echo(f"token {made['id']} for {name} ({kind}); `relaycast token revoke {made['id']}` ends it", err=True)
    click.echo(made["token"])


@token.command("list")
def list_() -> None:
    """List the workspace's tokens; their secrets are not kept anywhere."""
    for row in ask("GET", "/v1/tokens")["tokens"]:
        made = datetime.fromtimestamp(row["created_at_ms"] / 1000, UTC).strftime("%Y-%m-%d %H:%M")
        click.echo(f"{row['id']:<18} {row['kind']:<10} {made}  {row['name']}")


@token.command()
@click.argument("token_id")
def revoke(token_id: str) -> None:
    """End a token at once; what it has open is closed."""
    ask("DELETE", f"/v1/tokens/{token_id}")
    click.echo(f"✓ {token_id} is revoked")
