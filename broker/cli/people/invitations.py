"""`relaycast invitation`: letting people in by a link that says to what, as whom and until when."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import click
import orjson

from broker.cli.operator_client import ask
from broker.domain.instants import show_minute
from broker.domain.people.access import MemberRole
from broker.domain.people.invitations import INVITATION_DAYS, MAX_INVITATION_DAYS

_days = click.option(
    "--days",
    default=INVITATION_DAYS,
    show_default=True,
    type=click.IntRange(1, MAX_INVITATION_DAYS),
    help="Days until the link expires.",
)


@click.group()
def invitation() -> None:
    """Invite people by link, list, resend and revoke invitations. Uses the broker on this machine, or RELAYCAST_URL."""


@invitation.command()
@click.option("--name", help="Whom it is meant for; they may choose another name when they accept.")
@click.option(
    "--role",
    type=click.Choice([role.value for role in MemberRole]),
    default=MemberRole.MEMBER.value,
    show_default=True,
    help="What they will be.",
)
@click.option("--group", "groups", multiple=True, metavar="GROUP", help="A group they will be in; can be repeated.")
@_days
def create(*, name: str | None, role: str, groups: tuple[str, ...], days: int) -> None:
    """Print a link that lets one person in, once. Before they accept they see to what, as what and who invites."""
    body = {"name": name, "role": role, "groups": list(groups), "days": days}
    _print(ask("POST", "/v1/invitations", body=body))


@invitation.command("list")
@click.option("--json", "json_", is_flag=True, help="Print the JSON of /v1/invitations.")
def list_(*, json_: bool) -> None:
    """List the invitations that are open."""
    found = ask("GET", "/v1/invitations")
    if json_:
        click.echo(orjson.dumps(found))
        return
    if not found["invitations"]:
        click.echo("No invitation is open: `relaycast invitation create` makes one.", err=True)
    for each in found["invitations"]:
        groups = ", ".join(group["name"] for group in each["groups"])
        about = "  ".join(
            filter(None, (each["name"], groups and f"in {groups}", each["made_by"] and f"invited by {each['made_by']}"))
        )
        click.echo(f"{each['id']:<18} {each['role']:<8} until {show_minute(each['expires_at_ms'])}  {about}".rstrip())


@invitation.command()
@click.argument("id_", metavar="ID")
@_days
def resend(*, id_: str, days: int) -> None:
    """Print a fresh link for the invitation ID. The link before leads nowhere from now on."""
    _print(ask("POST", f"{_path(id_)}/send-again", body={"days": days}))


@invitation.command()
@click.argument("id_", metavar="ID")
def revoke(id_: str) -> None:
    """End the invitation ID at once."""
    ask("DELETE", _path(id_))
    click.echo(f"✓ the invitation {id_} is revoked")


def _print(made: dict[str, Any]) -> None:
    about = made["invitation"]
    click.echo(
        f"✓ lets one person in as {about['role']}, until {show_minute(about['expires_at_ms'])};"
        f" `relaycast invitation revoke {about['id']}` ends it earlier:",
        err=True,
    )
    click.echo(made["url"])


def _path(invitation: str) -> str:
    return f"/v1/invitations/{quote(invitation, safe='')}"
