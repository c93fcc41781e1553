"""`relaycast sign-in`, `members` and `share`: who may look at and steer a running broker with a browser."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import click

from broker.cli.operator_client import ask, using_broker
from broker.domain.errors import NotFound
from broker.domain.instants import shown_minute
from broker.domain.people.access import MAX_SHARE_S, SHARE_S, MemberRole
from broker.domain.people.dependants import Dependants

if TYPE_CHECKING:
    from connect.sdk.api_client import ApiClient

_DAY_S = 24 * 3600


@click.command("sign-in")
@click.argument("name", required=False)
def sign_in(name: str | None) -> None:
    """Print a new sign-in link for NAME (default: the first owner). It works once, for 10 minutes."""

    async def link(client: ApiClient) -> Any:
        return await client.call("POST", f"{_path(name or await _first_owner(client))}/link")

    click.echo(using_broker(link)["url"])


async def _first_owner(client: ApiClient) -> str:
    members = (await client.call("GET", "/v1/members"))["members"]
    for member in members:
        if member["role"] == MemberRole.OWNER:
            return str(member["id"])
    raise NotFound("nobody is there yet: `relaycast members add NAME --role owner`", code="MEMBER_NOT_FOUND")


@click.group()
def members() -> None:
    """Add, list, change and remove people. Uses the broker on this machine, or RELAYCAST_URL."""


@members.command()
@click.argument("name")
@click.option(
    "--role",
    type=click.Choice([role.value for role in MemberRole]),
    default=MemberRole.MEMBER.value,
    show_default=True,
    help="viewer: reads; member: also sends, spawns and answers; admin: also changes rules, tokens and people.",
)
def add(*, name: str, role: str) -> None:
    """Add a person and print their sign-in link. It works once, for 10 minutes."""
    made = ask("POST", "/v1/members", body={"name": name, "role": role})
    click.echo(f"✓ {made['member']['name']} is {role}; their link works once, for 10 minutes:", err=True)
    click.echo(made["url"])


@members.command("list")
def list_() -> None:
    """List the people of the workspace."""
    for row in ask("GET", "/v1/members")["members"]:
        click.echo(f"{row['id']:<18} {row['role']:<8} {shown_minute(row['created_at_ms'])}  {row['name']}")


@members.command()
@click.argument("name")
@click.argument("role", metavar="ROLE", type=click.Choice([role.value for role in MemberRole]))
def role(*, name: str, role: str) -> None:
    """Change the role of NAME to owner, admin, member or viewer, with immediate effect."""
    changed = ask("PATCH", _path(name), body={"role": role})
    click.echo(f"✓ {changed['name']} is {changed['role']}")


@members.command()
@click.argument("name")
def remove(name: str) -> None:
    """Remove a person with their connections, the tokens they made and the links of their machines."""
    ended = Dependants(**ask("DELETE", _path(name)).get("ended", {})).in_words
    click.echo(f"✓ {name} was removed{f'; {ended}' if ended else ''}")


@click.command()
@click.argument("session")
@click.option(
    "--days",
    default=SHARE_S // _DAY_S,
    show_default=True,
    type=click.IntRange(1, MAX_SHARE_S // _DAY_S),
    help="Days until the link expires.",
)
def share(*, session: str, days: int) -> None:
    """Print a read-only link to SESSION for anybody who has it."""
    made = ask("POST", f"/v1/sessions/{quote(session, safe='')}/share", body={"expires_in_s": days * _DAY_S})
    until = shown_minute(made["expires_at_ms"])
    click.echo(f"valid until {until}; `relaycast token revoke {made['token_id']}` ends it earlier", err=True)
    click.echo(made["url"])


def _path(member: str) -> str:
    return f"/v1/members/{quote(member, safe='')}"
