"""`relaycast session`: the rooms that agents and people share."""

from __future__ import annotations

import sys
from typing import Any
from urllib.parse import quote

import click
import orjson

from broker.cli.operator_client import ask
from broker.domain.names import show_name
from broker.domain.people.privacy import Level


@click.group()
def session() -> None:
    """List, create and remove sessions. Uses the broker on this machine, or RELAYCAST_URL."""


@session.command("list")
@click.option("--json", "json_", is_flag=True, help="Print the JSON of /v1/sessions.")
def list_(*, json_: bool) -> None:
    """List the sessions with their dashboard URLs."""
    found = ask("GET", "/v1/sessions")
    if json_:
        click.echo(orjson.dumps(found))
        return
    for each in found["sessions"]:
        click.echo(f"{each['id']:<34} {show_name(each['name']):<24} {each['url']}")


@session.command()
@click.argument("name")
@click.option("--private", is_flag=True, help="Open it to you and the administrators alone.")
def create(*, name: str, private: bool) -> None:
    """Create the session NAME."""
    made = ask("POST", "/v1/sessions", body={"name": name, "private": private})
    click.echo(f"✓ {show_name(made['name'])} ({made['id']})\n  {made['url']}")


@session.command()
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
def remove(*, name: str, yes: bool) -> None:
    """Remove the session NAME, whose agents have ended, with its whole log. At a terminal it asks for confirmation."""
    if not yes and sys.stdin.isatty():
        click.confirm(f"Remove {name} with its whole log?", abort=True, err=True)
    rows = ask("DELETE", f"/v1/sessions/{quote(name, safe='')}")["rows"]
    gone = "its log goes as soon as the log store is there" if rows is None else f"{rows:,} lines of its log are gone"
    click.echo(f"✓ {show_name(name)} was removed; {gone}")


@session.command()
@click.argument("name")
@click.option("--open", "open_", is_flag=True, help="Open it to the whole workspace.")
@click.option("--private", is_flag=True, help="Keep it to those named here, and to administrators.")
@click.option("--viewer", "viewers", metavar="PERSON", multiple=True, help="A person who may read.")
@click.option(
    "--driver", "drivers", metavar="PERSON", multiple=True, help="A person who may also send, spawn, approve."
)
@click.option("--viewer-group", "viewer_groups", metavar="GROUP", multiple=True, help="The same for a group.")
@click.option("--driver-group", "driver_groups", metavar="GROUP", multiple=True, help="The same for a group.")
@click.option("--json", "json_", is_flag=True, help="Print the JSON of the session's access.")
def access(
    *,
    name: str,
    open_: bool,
    private: bool,
    viewers: tuple[str, ...],
    drivers: tuple[str, ...],
    viewer_groups: tuple[str, ...],
    driver_groups: tuple[str, ...],
    json_: bool,
) -> None:
    """Show to whom the session NAME is open, or say so: those named take the place of those before."""
    path = f"/v1/sessions/{quote(name, safe='')}/access"
    people, groups = _levels(viewers, drivers), _levels(viewer_groups, driver_groups)
    named = bool(people or groups)
    if open_ and (private or named):
        raise click.UsageError("--open goes with no other option")
    if open_ or private or named:
        found = ask("PUT", path, body={"private": not open_, "people": people, "groups": groups})
    else:
        found = ask("GET", path)
    if json_:
        click.echo(orjson.dumps(found))
    else:
        _show_access(name, found)


def _levels(viewers: tuple[str, ...], drivers: tuple[str, ...]) -> dict[str, Level]:
    return {**dict.fromkeys(viewers, Level.VIEWER), **dict.fromkeys(drivers, Level.DRIVER)}


def _show_access(name: str, found: dict[str, Any]) -> None:
    if not found["private"]:
        click.echo(f"{name} is open to the workspace")
        return
    click.echo(f"{name} is private; besides administrators it is open to:")
    rows = [("", each) for each in found["people"]] + [("group ", each) for each in found["groups"]]
    for kind, each in rows:
        click.echo(f"  {each['level']:<8} {kind}{each['name']}")
    if not rows:
        click.echo("  nobody: name people with --viewer and --driver")
