"""`relaycast secrets`: what the broker needs to call other services, kept encrypted."""

from __future__ import annotations

import base64
import secrets as random
import sys
from pathlib import Path
from urllib.parse import quote

import click
import orjson

from broker.cli.operator_client import ask
from broker.domain.instants import show_minute
from broker.settings import Settings, default_data_dir

_GENERATED_BYTES = 32


@click.group()
def secrets() -> None:
    """Keep what webhooks and notifications need: `secret:NAME` in a hooks file refers to it.

    Values are encrypted in the store and never shown again. Uses the broker on this machine, or RELAYCAST_URL.
    """


@secrets.command("set")
@click.argument("name")
@click.option("--generate", is_flag=True, help="Make a signing secret (whsec_…) and print it once, to stdout.")
@click.option("--at-once", is_flag=True, help="A value that is replaced ends now; else it signs for a day more.")
def set_(*, name: str, generate: bool, at_once: bool) -> None:
    """Set the secret NAME. The value comes from standard input, or is asked for at a terminal."""
    value = _generate() if generate else _read_value()
    shown = ask("POST", "/v1/secrets", body={"name": name, "value": value, "at_once": at_once})
    until_ms = shown["previous_until_ms"]
    more = f"; the one it replaced holds until {show_minute(until_ms)}" if until_ms else ""
    click.echo(f"✓ secret:{name} is set{more}", err=True)
    if generate:
        click.echo(value)


@secrets.command("list")
@click.option("--json", "json_", is_flag=True, help="Print the JSON of /v1/secrets.")
def list_(*, json_: bool) -> None:
    """List the secrets: names, who set them and when. Values are not shown."""
    found = ask("GET", "/v1/secrets")
    if json_:
        click.echo(orjson.dumps(found))
        return
    for each in found["secrets"]:
        unusable = "" if each["usable"] else "  cannot be read: its key is not in RELAYCAST_SECRET_KEY"
        by = f"by {each['by']}"
        click.echo(f"{each['name']:<24} {show_minute(each['at_ms'])}  {by:<20} key {each['key']}{unusable}")
    if not found["secrets"]:
        click.echo("there are no secrets; `relaycast secrets set NAME` makes one")


@secrets.command()
@click.argument("name")
def delete(name: str) -> None:
    """Delete the secret NAME. Hooks that refer to it fail from then on."""
    ask("DELETE", f"/v1/secrets/{quote(name, safe='')}")
    click.echo(f"✓ secret:{name} is deleted")


@secrets.command("make-key")
def make_key_() -> None:
    """Print a new key for RELAYCAST_SECRET_KEY, which gateways and workers of their own share."""
    from broker.adapters.sealing import make_key  # noqa: PLC0415 - --help must not load the server

    click.echo(make_key())


@secrets.command("rotate-key")
@click.option(
    "--data-dir",
    envvar="RELAYCAST_DATA_DIR",
    type=click.Path(path_type=Path, file_okay=False),
    default=default_data_dir,
    show_default="the platform's user data folder",
    help="Of `relaycast up`.",
)
def rotate_key(data_dir: Path) -> None:
    """Put a new key before the others of `relaycast up`; with its next start everything is sealed anew with it.

    Elsewhere: RELAYCAST_SECRET_KEY="NEW,OLD", first for all, and without OLD once `list` shows only the new key's id.
    """
    from broker.adapters.embedded import write_private  # noqa: PLC0415 - --help must not load the server
    from broker.adapters.sealing import make_key, split_keys  # noqa: PLC0415

    path = Settings(data_dir=data_dir).secret_key_file
    if not path.exists():
        raise click.ClickException(f"there is no {path}: `relaycast up` makes it")
    keys = (make_key(), *split_keys(path.read_text()))
    write_private(path, "\n".join(keys).encode() + b"\n")
    click.echo(f"✓ {path} has a new key before the {len(keys) - 1} it had; restart `relaycast up` to use it")


def _generate() -> str:
    return "whsec_" + base64.b64encode(random.token_bytes(_GENERATED_BYTES)).decode()


def _read_value() -> str:
    if sys.stdin.isatty():
        return str(click.prompt("value", hide_input=True, err=True))
    return sys.stdin.read().removesuffix("\n").removesuffix("\r")
