"""`relaycast sign-in`, `members` and `share`: who may look at and steer a running broker with a browser."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import click

from broker.cli.operator_client import ask, ask_pages, using_broker
from broker.domain.errors import NotFound
from broker.domain.instants import show_minute
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
    for owner in (await client.call("GET", "/v1/members?first=owner"))["members"]:
        return str(owner["id"])
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
    help="viewer: reads; member: also sends, spawns and answers; admin: also changes rules, tokens and people;"
    " billing: plan, invoices, usage and budgets only.",
)
def add(*, name: str, role: str) -> None:
    """Add a person and print their sign-in link. It works once, for 10 minutes."""
    made = ask("POST", "/v1/members", body={"name": name, "role": role})
    click.echo(f"✓ {made['member']['name']} is {role}; their link works once, for 10 minutes:", err=True)
    click.echo(made["url"])


@members.command("list")
@click.option("--search", metavar="TEXT", help="Only those whose name has this part, by name.")
def list_(*, search: str | None) -> None:
    """List the people of the workspace."""
    for row in ask_pages("/v1/members", "members", search=search):
        suspended = "  (suspended)" if row.get("suspended_at_ms") else ""
        click.echo(f"{row['id']:<18} {row['role']:<8} {show_minute(row['created_at_ms'])}  {row['name']}{suspended}")


@members.command()
@click.argument("name")
@click.argument("role", metavar="ROLE", type=click.Choice([role.value for role in MemberRole]))
def role(*, name: str, role: str) -> None:
    """Change the role of NAME to owner, admin, member, viewer or billing, with immediate effect."""
    changed = ask("PATCH", _path(name), body={"role": role})
    click.echo(f"✓ {changed['name']} is {changed['role']}")


@members.command("sign-out")
@click.argument("name")
def sign_out(name: str) -> None:
    """Sign a person out everywhere. They come back by a new link: `relaycast sign-in NAME`."""
    ask("DELETE", f"{_path(name)}/sign-ins")
    click.echo(f"✓ {name} is signed out everywhere")


@members.command()
@click.argument("name")
def suspend(*, name: str) -> None:
    """Let NAME neither sign in nor act, nor their tokens, machines and the agents there. Nothing of theirs is lost."""
    ask("POST", f"{_path(name)}/suspend")
    click.echo(f"✓ {name} is suspended; `relaycast members reinstate` ends that")


@members.command()
@click.argument("name")
def reinstate(*, name: str) -> None:
    """Let NAME, who is suspended, act again with all they had."""
    ask("POST", f"{_path(name)}/reinstate")
    click.echo(f"✓ {name} is reinstated")


@members.command()
@click.argument("name")
def remove(name: str) -> None:
    """Remove a person with their connections, the tokens they made and the links of their machines."""
    ended = Dependants(**ask("DELETE", _path(name)).get("ended", {})).in_words
    click.echo(f"✓ {name} was removed{f'; {ended}' if ended else ''}")


@members.command()
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
def erase(*, name: str, yes: bool) -> None:
    """Remove a person and their name from all that is kept of what they did. This cannot be undone.

    The audit trail keeps an id in its place. Lines of sessions' logs stay for as long as logs are kept.
    """
    if not yes and sys.stdin.isatty():
        click.confirm(f"Remove {name} and erase the name?", abort=True, err=True)
    ended = Dependants(**ask("POST", f"{_path(name)}/erase").get("ended", {})).in_words
    click.echo(f"✓ the name was erased{f'; {ended}' if ended else ''}")


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
    until = show_minute(made["expires_at_ms"])
    click.echo(f"valid until {until}; `relaycast token revoke {made['token_id']}` ends it earlier", err=True)
    click.echo(made["url"])


def _path(member: str) -> str:
    return f"/v1/members/{quote(member, safe='')}"
