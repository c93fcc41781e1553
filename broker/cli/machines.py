"""`relaycast machine`: whose machines are linked, codes that link one, forgetting and adopting one."""

from __future__ import annotations

from urllib.parse import quote

import click

from broker.cli.operator_client import ask
from broker.domain.instants import show_minute
from broker.domain.machines.load import ToldLoad, used_percent
from broker.domain.machines.policy import UNSET_POLICY, MachinePolicy
from broker.domain.names import show_name


@click.group()
def machine() -> None:
    """List, link, forget and adopt machines. Uses the broker on this machine, or RELAYCAST_URL."""


@machine.command("list")
def list_() -> None:
    """List the linked machines: load, memory and disk used, the first digits of their policy's hash, owner."""
    from connect.sdk.types import Proxy, owner_of  # noqa: PLC0415 - --help must not load an HTTP client

    for row in ask("GET", "/v1/proxies")["proxies"]:
        found = Proxy.model_validate(row)
        state = "online" if found.online else "away"
        whose = show_name(owner_of(found))
        told = f"{_busy(found.load):<41} policy {_policy(found.policy):<12}"
        click.echo(f"{found.id:<33} {state:<7} {found.agents:>3} agents  {told}  {show_name(found.name):<24} {whose}")


def _busy(told: ToldLoad | None) -> str:
    """`load 0.52 of 8, memory 41 %, disk 63 %`, both as used; what is not known is left out, and never zero."""
    if told is None:
        return "load unknown"
    load = told.load
    of = "" if load.processors is None else f" of {load.processors}"
    memory = used_percent(load.memory_bytes, load.memory_free_bytes)
    disk = used_percent(load.disk_bytes, load.disk_free_bytes)
    known = [
        "" if load.load_1 is None else f"load {load.load_1:.2f}{of}",
        "" if memory is None else f"memory {memory} %",
        "" if disk is None else f"disk {disk} %",
    ]
    return ", ".join(filter(None, known)) or "load unknown"


def _policy(policy: MachinePolicy | None) -> str:
    """The beginning of its hash, which `GET /v1/proxies` has whole."""
    if policy is None or not policy.hash:
        return "unknown"
    return "as shipped" if policy.hash == UNSET_POLICY else policy.hash[:12]


@machine.command()
@click.option("--name", default="a machine", show_default=True, help="Who links with it; shown in lists of tokens.")
def enrol(*, name: str) -> None:
    """Print a code that links one machine, once, within 10 minutes.

    There: `relay-connect --headless --url URL --enrol -`, which asks for it. Later starts need neither.
    """
    made = ask("POST", "/v1/machine-codes", body={"name": name})
    until = show_minute(made["expires_at_ms"])
    click.echo(f"good once, until {until}; on the machine: relay-connect --headless --enrol - --url …", err=True)
    click.echo(f"`relaycast machine revoke-code {made['id']}` ends it before", err=True)
    click.echo(made["code"])


@machine.command()
def codes() -> None:
    """List the codes that nobody has used yet, by their ids. A code itself is shown only by `enrol`."""
    for row in ask("GET", "/v1/machine-codes")["codes"]:
        click.echo(f"{row['id']:<18} until {show_minute(row['expires_at_ms'])}  {show_name(row['name'])}")


@machine.command()
@click.argument("id_", metavar="ID")
def revoke_code(id_: str) -> None:
    """End a code before it is used, by its ID in `relaycast machine codes`. What it has linked stays linked."""
    ended = ask("DELETE", f"/v1/machine-codes/{quote(id_, safe='')}")
    click.echo(f"✓ the code for {show_name(ended['name'])} links nothing any more")


@machine.command()
@click.argument("name")
def forget(name: str) -> None:
    """Remove machine NAME (or its id), which is offline and has no agents. For its owner and administrators."""
    ask("DELETE", _path(name))
    click.echo(f"✓ {name} was removed")


@machine.command()
@click.argument("name")
def adopt(name: str) -> None:
    """Become the owner of NAME (or an id), whose owner was removed, or that has none.

    The machine has to agree: it is yours as soon as relay-connect links it with a token of yours. With a key that is
    no person's it becomes the workspace's.
    """
    adopted = ask("POST", f"{_path(name)}/adopt")
    click.echo(f"✓ {adopted['name']} is yours. Now start relay-connect there with a token of yours")


def _path(reference: str) -> str:
    return f"/v1/proxies/{quote(reference, safe='')}"
