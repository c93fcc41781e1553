"""`relaycast session`: the rooms that agents and people share."""

from __future__ import annotations

import click
import orjson

from broker.cli.operator_client import ask
from broker.domain.names import shown_name


@click.group()
def session() -> None:
    """List and create sessions. Uses the broker on this machine, or RELAYCAST_URL."""


@session.command("list")
@click.option("--json", "json_", is_flag=True, help="Print the JSON of /v1/sessions.")
def list_(*, json_: bool) -> None:
    """List the sessions with their dashboard URLs."""
    found = ask("GET", "/v1/sessions")
    if json_:
        click.echo(orjson.dumps(found))
        return
    for each in found["sessions"]:
        click.echo(f"{each['id']:<34} {shown_name(each['name']):<24} {each['url']}")


@session.command()
@click.argument("name")
def create(name: str) -> None:
    """Create the session NAME."""
    made = ask("POST", "/v1/sessions", body={"name": name})
    click.echo(f"✓ {shown_name(made['name'])} ({made['id']})\n  {made['url']}")
