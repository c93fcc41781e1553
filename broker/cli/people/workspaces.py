"""`relaycast workspace` and `relaycast admin`: the workspaces of an installation, for who runs it.

They use the key of the installation: `admin.key` in the data folder of `up`, or RELAYCAST_ADMIN_KEY.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import click
import orjson

from broker.cli.operator_client import ask_with
from broker.domain.errors import NotAuthenticated
from broker.domain.instants import show_minute
from broker.domain.plans.plans import Plan
from broker.protocol.local import ADMINISTRATOR_KEY_FILE
from connect.access.endpoint import Endpoint, data_folder, resolve_url
from connect.access.token_text import check_token, read_token_file

_KEY = "RELAYCAST_ADMIN_KEY"
_json = click.option("--json", "json_", is_flag=True, help="One JSON document, as /v1 has it.")


@click.group()
def workspace() -> None:
    """Create, list, rename, archive, restore and delete workspaces, with the key of the installation."""


@workspace.command()
@click.argument("name")
@click.option("--slug", help="What its addresses call it: /w/SLUG/…  [default: like the name]")
@click.option("--plan", type=click.Choice([p.value for p in Plan]), default=Plan.TEAM.value, show_default=True)
@click.option("--owner", metavar="PERSON", help="Make PERSON its first owner, and print the link that signs them in.")
@_json
def create(*, name: str, slug: str | None, plan: str, owner: str | None, json_: bool) -> None:
    """Create a workspace; its slug and its first key are printed, the key this once."""
    made = _ask("POST", "/v1/workspaces", {"name": name, "slug": slug, "plan": plan, "owner": owner})
    if json_:
        click.echo(orjson.dumps(made))
        return
    click.echo(f"✓ {made['name']} is the workspace {made['slug']} ({made['plan']})", err=True)
    if link := made.get("sign_in_url"):
        click.echo(f"  {owner} signs in, once, within 10 minutes: {link}", err=True)
    click.echo("  its first key, which is shown this once:", err=True)
    click.echo(made["key"])


@workspace.command("list")
@_json
def list_(*, json_: bool) -> None:
    """List all workspaces."""
    found = list(_all())
    if json_:
        click.echo(orjson.dumps({"workspaces": found}))
        return
    for each in found:
        click.echo(f"{each['slug']:<32} {each['plan']:<5} {_state(each):<32} {each['name']}")


@workspace.command()
@click.argument("slug")
@click.argument("name", required=False)
@click.option("--slug", "new_slug", help="Another address; the one before goes on leading to it.")
def rename(*, slug: str, name: str | None, new_slug: str | None) -> None:
    """Give the workspace SLUG another NAME, or another address."""
    if name is None and new_slug is None:
        raise click.UsageError("give a NAME, or --slug")
    changed = _ask("PATCH", _path(slug), {"name": name, "slug": new_slug})
    click.echo(f"✓ {changed['slug']}: {changed['name']}")


@workspace.command()
@click.argument("slug")
def archive(slug: str) -> None:
    """Put the workspace SLUG away: nobody acts or looks there, its agents' access ends, its data stays."""
    click.echo(f"✓ {_ask('POST', f'{_path(slug)}/archive')['slug']} is archived")


@workspace.command()
@click.argument("slug")
def restore(slug: str) -> None:
    """Bring the workspace SLUG back, whether it was archived or deleted."""
    click.echo(f"✓ {_ask('POST', f'{_path(slug)}/restore')['slug']} is restored")


@workspace.command()
@click.argument("slug")
@click.option("--now", "at_once", is_flag=True, help="Remove its data within the hour, not in 30 days.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def delete(*, slug: str, at_once: bool, yes: bool) -> None:
    """Delete the workspace SLUG. It can be restored for 30 days; then all its data is removed."""
    if not yes:
        found = _ask("GET", _path(slug))
        sizes = found["sizes"]
        logs = "an unknown number of" if sizes["log_events"] is None else f"{sizes['log_events']:,}"
        click.echo(
            f"{found['name']}: {sizes['sessions']:,} sessions, {logs} log events, {sizes['members']} people", err=True
        )
        click.confirm(f"Delete {found['slug']}?", abort=True, err=True)
    gone = _ask("DELETE", _path(slug), {"at_once": at_once})
    click.echo(f"✓ {gone['slug']} is deleted; it can be restored until {show_minute(gone['ends_at_ms'])}")


@click.group()
def admin() -> None:
    """See how the installation's workspaces do: sizes, plans and health, never contents."""


@admin.command("workspaces")
@_json
def workspaces(*, json_: bool) -> None:
    """Show what each workspace has, and what is wrong there."""
    found = list(_all())
    if json_:
        click.echo(orjson.dumps({"workspaces": found}))
        return
    click.echo(f"{'WORKSPACE':<24} {'PLAN':<5} {'PEOPLE':>6} {'SESSIONS':>8} {'MACHINES':>8} {'AGENTS':>6} {'LOG':>12}")
    for each in found:
        sizes = each["sizes"]
        machines = f"{sizes['machines_online']}/{sizes['machines']}"
        events = "unknown" if sizes["log_events"] is None else f"{sizes['log_events']:,}"
        click.echo(
            f"{each['slug']:<24} {each['plan']:<5} {sizes['members']:>6} {sizes['sessions']:>8} {machines:>8}"
            f" {sizes['agents']:>6} {events:>12}  {'' if each['state'] == 'active' else _state(each)}".rstrip()
        )
        for problem in each["problems"]:
            click.echo(f"  ✗ {problem}")


@workspace.command("plan")
@click.argument("slug")
@click.argument("plan", type=click.Choice([p.value for p in Plan]))
def set_plan(*, slug: str, plan: str) -> None:
    """Give the workspace SLUG another PLAN, from the next request on.

    What is beyond a smaller plan stays: agents run on, people stay, log lines keep their days. Hooks are skipped.
    """
    changed = _ask("PATCH", _path(slug), {"plan": plan})
    click.echo(f"✓ {changed['slug']} is on {changed['plan']}")


admin.add_command(set_plan)


def _all() -> Iterator[dict[str, Any]]:
    after = ""
    while True:
        page = _ask("GET", f"/v1/admin/workspaces{after}")
        yield from page["workspaces"]
        if page["next"] is None:
            return
        after = f"?after={quote(page['next'], safe='')}"


def _state(shown: dict[str, Any]) -> str:
    if shown["state"] == "deleted":
        return f"deleted until {show_minute(shown['ends_at_ms'])}"
    return str(shown["state"])


def _path(slug: str) -> str:
    return f"/v1/admin/workspaces/{quote(slug, safe='')}"


def _ask(method: str, path: str, body: dict[str, object] | None = None) -> Any:
    """The answer to one request with the key of the installation. Raises the broker's refusal."""
    url = resolve_url(None, environment=os.environ)
    return ask_with(Endpoint(url=url, token=_key()), method, path, body=body)


def _key() -> str:
    if given := os.environ.get(_KEY):
        return check_token(given, source=_KEY)
    path = data_folder(os.environ) / ADMINISTRATOR_KEY_FILE
    if not os.access(path, os.R_OK):
        raise NotAuthenticated(f"no key of the installation: set {_KEY}, or run this where `relaycast up` runs")
    return read_token_file(path)
