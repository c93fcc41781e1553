"""`relaycast token` and `service-account`: making, listing, rotating and ending tokens of a running broker."""

from __future__ import annotations

import sys
from typing import Any
from urllib.parse import quote

import click

from broker.cli.operator_client import ask
from broker.domain.instants import show_minute
from broker.domain.people.access import TokenScope
from broker.domain.people.dependants import Dependants
from broker.domain.people.token_kinds import TokenKind

_MADE_OTHERWISE = {TokenKind.AGENT, TokenKind.MEMBER, TokenKind.PERSONAL, TokenKind.SERVICE}
_MINTED = [kind.value for kind in TokenKind if kind not in _MADE_OTHERWISE]


_DAY_S = 24 * 3600
MAX_OVERLAP_H = 30 * 24
MAX_DAYS = 366


@click.group()
def token() -> None:
    """Create, list, rotate and revoke tokens.

    Uses the broker on this machine, or RELAYCAST_URL with RELAYCAST_TOKEN.
    """


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
        made = show_minute(row["created_at_ms"])
        ends = Dependants(**row.get("ends", {})).in_words
        about = "; ".join(each for each in (_scopes(row), _maker(row), _times(row), ends) if each)
        click.echo(f"{row['id']:<18} {row['kind']:<10} {made}  {row['name']}{f'  ({about})' if about else ''}")


_SCOPES = click.option(
    "--scope",
    "scopes",
    multiple=True,
    required=True,
    type=click.Choice([scope.value for scope in TokenScope]),
    help="What it may do; several times for more. Each includes reading what it acts on.",
)
_SESSIONS = click.option(
    "--session", "sessions", multiple=True, help="Limit it to this session; several times for more."
)
_OVERLAP = click.option(
    "--overlap",
    default=24,
    show_default=True,
    type=click.IntRange(0, MAX_OVERLAP_H),
    help="Hours for which the old token works on.",
)
_LIFE = click.option(
    "--days", type=click.IntRange(1, MAX_DAYS), help="Days the new one is good; else as the old one was."
)


@token.group()
def personal() -> None:
    """Tokens of your own programs: they act as you, as far as their scopes and your role allow.

    You sign in with RELAYCAST_TOKEN; where you are in several workspaces, RELAYCAST_URL names one (…/w/SLUG).
    """


@personal.command("mint")
@click.argument("name")
@_SCOPES
@_SESSIONS
@click.option("--days", default=90, show_default=True, type=click.IntRange(1, MAX_DAYS), help="Days it is good.")
def mint_personal(*, name: str, scopes: tuple[str, ...], sessions: tuple[str, ...], days: int) -> None:
    """Create a token for a program of yours called NAME, and print it to stdout. It cannot be shown again."""
    body = {"name": name, "scopes": scopes, "sessions": sessions, "expires_in_s": days * _DAY_S}
    made = ask("POST", "/v1/personal-tokens", body=body)
    click.echo(f"token {made['id']} for {name}; `relaycast token personal revoke {made['id']}` ends it", err=True)
    click.echo(made["token"])


@personal.command("list")
def list_personal() -> None:
    """List your tokens: scopes, last use and end. The secrets are not stored."""
    for row in ask("GET", "/v1/personal-tokens")["tokens"]:
        about = "; ".join(each for each in (_scopes(row), _times(row), _successor(row)) if each)
        click.echo(f"{row['id']:<18} {show_minute(row['created_at_ms'])}  {row['name']}  ({about})")


@personal.command("rotate")
@click.argument("token_id")
@_OVERLAP
@_LIFE
def rotate_personal(*, token_id: str, overlap: int, days: int | None) -> None:
    """Make a token in the place of one of yours, and print it to stdout. The old one works on for a while."""
    _rotate(token_id, overlap=overlap, days=days)


@personal.command("revoke")
@click.argument("token_id")
def revoke_personal(*, token_id: str) -> None:
    """Revoke one of your tokens, at once."""
    words = Dependants(**ask("DELETE", f"/v1/tokens/{quote(token_id, safe='')}").get("ended", {})).in_words
    click.echo(f"✓ {token_id} was revoked{f'; {words}' if words else ''}")


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


@token.command()
@click.argument("token_id")
@_OVERLAP
@_LIFE
def rotate(*, token_id: str, overlap: int, days: int | None) -> None:
    """Make a token in the place of a service account's, and print it to stdout. The old one works on for a while."""
    _rotate(token_id, overlap=overlap, days=days)


def _rotate(token_id: str, *, overlap: int, days: int | None) -> None:
    life = None if days is None else days * _DAY_S
    made = ask("POST", f"/v1/tokens/{token_id}/rotate", body={"overlap_s": overlap * 3600, "expires_in_s": life})
    until = f"works on for {overlap} h" if overlap else "has ended"
    click.echo(f"token {made['id']} takes the place of {token_id}, which {until}", err=True)
    click.echo(made["token"])


@click.group("service-account")
def service_account() -> None:
    """Create, list and remove service accounts: names for programs that are nobody's in particular.

    Uses the broker on this machine, or RELAYCAST_URL with RELAYCAST_TOKEN.
    """


@service_account.command()
@click.argument("name")
def create(*, name: str) -> None:
    """Create a service account. `relaycast service-account token NAME` makes a token for it."""
    made = ask("POST", "/v1/service-accounts", body={"name": name})
    click.echo(f"✓ {made['name']} ({made['id']})")


@service_account.command("list")
def list_accounts() -> None:
    """List service accounts with their tokens: scopes, who made each, its last use and its end."""
    for account in ask("GET", "/v1/service-accounts")["service_accounts"]:
        click.echo(f"{account['id']:<18} {show_minute(account['created_at_ms'])}  {account['name']}")
        for row in account["tokens"]:
            about = "; ".join(each for each in (_scopes(row), _maker(row), _times(row)) if each)
            click.echo(f"  {row['id']:<18} {row['name']}  ({about})")


@service_account.command("token")
@click.argument("name")
@_SCOPES
@_SESSIONS
@click.option(
    "--days", default=90, show_default=True, type=click.IntRange(0, MAX_DAYS), help="Days it is good; 0: for ever."
)
@click.option("--label", help="What to call the token; else as the account.")
def mint_for(*, name: str, scopes: tuple[str, ...], sessions: tuple[str, ...], days: int, label: str | None) -> None:
    """Create a token for the service account NAME and print it to stdout. It cannot be shown again."""
    body = {"scopes": scopes, "sessions": sessions, "expires_in_s": days * _DAY_S or None, "name": label}
    made = ask("POST", f"/v1/service-accounts/{quote(name, safe='')}/tokens", body=body)
    click.echo(f"token {made['id']}; `relaycast token rotate {made['id']}` puts another in its place", err=True)
    click.echo(made["token"])


@service_account.command()
@click.argument("name")
def remove(*, name: str) -> None:
    """Remove the service account NAME with all its tokens, at once."""
    words = Dependants(**ask("DELETE", f"/v1/service-accounts/{quote(name, safe='')}")["ended"]).in_words
    click.echo(f"✓ {name} was removed{f'; {words}' if words else ''}")


def _scopes(row: dict[str, Any]) -> str:
    if not row.get("scopes"):
        return ""
    where = f" in {len(row['sessions'])} sessions" if row.get("sessions") else ""
    return f"may {', '.join(row['scopes'])}{where}"


def _times(row: dict[str, Any]) -> str:
    used, ends = row.get("last_used_at_ms"), row.get("expires_at_ms")
    said = [f"last used {show_minute(used)}" if used else "never used", f"ends {show_minute(ends)}" if ends else ""]
    return "; ".join(each for each in said if each)


def _successor(row: dict[str, Any]) -> str:
    return f"rotated to {row['rotated_to']}" if row.get("rotated_to") else ""


def _maker(row: dict[str, Any]) -> str:
    by = row.get("made_by")
    return f"made by {by['name'] or 'somebody who is gone'}" if by else ""
