"""`relaycast group`: people who are given access to private sessions together."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import click
import orjson

from broker.cli.operator_client import ask, ask_pages


@click.group()
def group() -> None:
    """Make, list, change and remove groups of people. Uses the broker on this machine, or RELAYCAST_URL."""


@group.command("list")
@click.option("--json", "json_", is_flag=True, help="Print the JSON of /v1/groups.")
@click.option("--search", metavar="TEXT", help="Only those whose name has this part.")
def list_(*, json_: bool, search: str | None) -> None:
    """List the groups, and how many people are in each."""
    found = list(ask_pages("/v1/groups", "groups", search=search))
    if json_:
        click.echo(orjson.dumps({"groups": found}))
        return
    if not found:
        click.echo("There are no groups yet: `relaycast group create NAME` makes one.", err=True)
    for each in found:
        click.echo(f"{each['id']:<18} {_people(each['size']):<12} {each['name']}")


@group.command()
@click.argument("name")
def create(name: str) -> None:
    """Make the group NAME."""
    made = ask("POST", "/v1/groups", body={"name": name})
    click.echo(f"✓ {made['name']} ({made['id']}); `relaycast group add {made['name']!r} PERSON` puts people in")


@group.command()
@click.argument("name")
@click.argument("new_name")
def rename(*, name: str, new_name: str) -> None:
    """Give the group NAME another name."""
    changed = ask("PATCH", _path(name), body={"name": new_name})
    click.echo(f"✓ the group is called {changed['name']}")


@group.command()
@click.argument("name")
def members(name: str) -> None:
    """List the people in the group NAME."""
    for each in ask_pages(f"{_path(name)}/members", "members"):
        click.echo(f"{each['id']:<18} {each['role']:<8} {each['name']}")


@group.command()
@click.argument("name")
@click.argument("person")
def add(*, name: str, person: str) -> None:
    """Put PERSON into the group NAME, with immediate effect."""
    changed = ask("PUT", f"{_path(name)}/members/{quote(person, safe='')}")
    click.echo(f"✓ {person} is in {changed['name']}, {_people(changed['size'])} in all")


@group.command()
@click.argument("name")
@click.argument("person")
def drop(*, name: str, person: str) -> None:
    """Take PERSON out of the group NAME, with immediate effect."""
    changed = ask("DELETE", f"{_path(name)}/members/{quote(person, safe='')}")
    click.echo(f"✓ {person} is not in {changed['name']}")


@group.command()
@click.argument("name")
def remove(name: str) -> None:
    """Remove the group NAME; private sessions are open to it no longer."""
    removed: dict[str, Any] = ask("DELETE", _path(name))
    click.echo(f"✓ the group {removed['name']} was removed")


def _path(name: str) -> str:
    return f"/v1/groups/{quote(name, safe='')}"


def _people(count: int) -> str:
    return f"{count} {'person' if count == 1 else 'people'}"
