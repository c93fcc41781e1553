"""`relaycast sso`: signing in by the workspace's own identity provider."""

from __future__ import annotations

from typing import Any

import click
import orjson

from broker.cli.operator_client import ask
from broker.domain.instants import show_minute
from broker.domain.people.single_sign_on import MAX_SIGN_IN_HOURS, SIGN_IN_HOURS

_PATH = "/v1/single-sign-on"
_NOBODY = "nobody"


@click.group()
def sso() -> None:
    """Let people sign in by the workspace's own identity provider (OpenID Connect).

    What it lets in acts in this workspace alone. Uses the broker on this machine, or RELAYCAST_URL.
    """


@sso.command()
@click.option("--json", "json_", is_flag=True, help="Print the JSON of /v1/single-sign-on.")
def show(*, json_: bool) -> None:
    """Show the identity provider, what to register there, and why somebody could not sign in lately."""
    _print(ask("GET", _PATH), json_=json_)


@sso.command("set")
@click.option("--issuer", required=True, help="The provider's name, as https://login.example.com/realms/acme.")
@click.option("--client-id", required=True, help="What the provider calls this broker.")
@click.option(
    "--secret",
    metavar="NAME",
    help="The secret that has the client's (`relaycast secrets set NAME`); none for a public client.",
)
@click.option("--domain", "domains", multiple=True, help="Let in people with an address there alone; may be repeated.")
@click.option(
    "--joins-as",
    type=click.Choice(["member", "viewer", _NOBODY]),
    default=_NOBODY,
    show_default=True,
    help="What somebody becomes who is not in the workspace; nobody: they need an invitation.",
)
@click.option("--required", is_flag=True, help="Nobody but owners may act here who signed in otherwise.")
@click.option(
    "--hours",
    type=click.IntRange(1, MAX_SIGN_IN_HOURS),
    default=SIGN_IN_HOURS,
    show_default=True,
    help="How long a sign-in is good.",
)
@click.option("--json", "json_", is_flag=True, help="Print the JSON of /v1/single-sign-on.")
def set_(
    *,
    issuer: str,
    client_id: str,
    secret: str | None,
    domains: tuple[str, ...],
    joins_as: str,
    required: bool,
    hours: int,
    json_: bool,
) -> None:
    """Set the identity provider, in the place of one that there is. It is asked first whether it can be used.

    Register the redirect URL there that `relaycast sso show` prints. Another issuer or client ends every sign-in
    through the one before.
    """
    body = {
        "issuer": issuer,
        "client_id": client_id,
        "secret": secret,
        "domains": list(domains),
        "joins_as": None if joins_as == _NOBODY else joins_as,
        "required": required,
        "hours": hours,
    }
    _print(ask("PUT", _PATH, body=body), json_=json_)


@sso.command()
@click.confirmation_option(prompt="End single sign-on, and every sign-in through it?")
def remove() -> None:
    """End single sign-on, and every sign-in through it."""
    ask("DELETE", _PATH)
    click.echo("✓ single sign-on has ended, and every sign-in through it")


def _print(found: dict[str, Any], *, json_: bool) -> None:
    if json_:
        click.echo(orjson.dumps(found))
        return
    terms = found["provider"]
    if terms is None:
        click.echo("there is no single sign-on; `relaycast sso set --issuer … --client-id …` sets it up")
        click.echo(f"redirect URL, to register at the identity provider: {found['answer_at']}")
        return
    joins = f"become {terms['joins_as']}s" if terms["joins_as"] else "need an invitation"
    click.echo(f"issuer        {terms['issuer']}")
    click.echo(f"client        {terms['client_id']}, {'secret:' + terms['secret'] if terms['secret'] else 'public'}")
    click.echo(f"addresses     {', '.join(terms['domains']) or 'any'}")
    click.echo(f"new people    {joins}")
    click.echo(f"required      {'yes, but for owners' if terms['required'] else 'no'}")
    click.echo(f"good for      {terms['hours']} h")
    click.echo(f"redirect URL  {found['answer_at']}")
    click.echo(f"sign in at    {found['sign_in_at']}")
    if failure := found["last_failure"]:
        click.echo(f"failed last   {show_minute(failure['at_ms'])} {failure['code']}: {failure['message']}")
