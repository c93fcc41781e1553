"""`relay-connect service`: the link as a service of this user's manager."""

from __future__ import annotations

import dataclasses
import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from connect.link_options import ask_for_code, merge, with_link_options
from connect.settings import Options, resolve_settings

if TYPE_CHECKING:
    from connect.installing import Installed
    from connect.service import Manager, Service

_F = TypeVar("_F", bound=Callable[..., Any])


def _for_manager(command: _F) -> _F:
    systemd = click.option(
        "--systemd", "manager", flag_value="systemd", help="For systemd, of this user; the default, except on macOS."
    )
    launchd = click.option("--launchd", "manager", flag_value="launchd", help="For launchd; the default on macOS.")
    return systemd(launchd(command))


@click.group(invoke_without_command=True)
@with_link_options
@_for_manager
@click.pass_context
def service(context: click.Context, /, *, manager: str | None, **options: Any) -> None:
    """Print a service definition that runs this machine's link with the given options; or install it.

    \b
      relay-connect service install       write it to where systemd or launchd reads it, and start it
      relay-connect service status        is it installed, does it run, is it connected
      relay-connect service uninstall     stop it and remove it

    Agents start in the current folder. No token is written into it: link the machine first, or give --enrol or
    --token-file. Stop a link that already runs (`relay-connect stop`); terminals then use the service's.
    """
    context.obj = merge(context.obj, options)
    if context.invoked_subcommand is None:
        from connect.service import describe  # noqa: PLC0415 - for this command

        click.echo(describe(_describe(context.obj), _manager(manager)), nl=False)


@service.command()
@with_link_options
@_for_manager
@click.option("--enrol", metavar="CODE", help="Link this machine first, by a code of `relaycast machine enrol`.")
@click.pass_obj
def install(outer: Options, /, *, manager: str | None, enrol: str | None, **options: Any) -> None:
    """Write the service's file and start it; one that is installed is replaced."""
    from connect.service import describe  # noqa: PLC0415 - for this command

    chosen = merge(outer, options)
    if enrol is not None:
        _link_by(ask_for_code(enrol), chosen)
        chosen = dataclasses.replace(chosen, token=None, token_file=None)
    text = describe(_describe(chosen), _manager(manager))
    installed = _find_installed(manager)
    installed.install(text)
    click.echo(f"✓ {installed.path} is written and started; `relay-connect status` shows the link")
    if installed.manager.value == "systemd":
        click.echo("  `loginctl enable-linger` keeps it running while you are not logged in")


@service.command("status")
@with_link_options
@_for_manager
@click.pass_obj
def status_(outer: Options, /, *, manager: str | None, **options: Any) -> None:
    """Show whether it is installed, how its manager finds it, and its link. Exit status 1: no link runs."""
    import asyncio  # noqa: PLC0415 - for this command

    from connect.control.client import ask_state  # noqa: PLC0415 - for this command
    from connect.control.report import state_lines  # noqa: PLC0415 - for this command
    from connect.settings import resolve_state_dir  # noqa: PLC0415 - for this command

    installed = _find_installed(manager)
    click.echo(f"{installed.path}: {installed.state()}")
    folder = resolve_state_dir(merge(outer, options))
    state = asyncio.run(ask_state(folder))
    click.echo("\n".join(state_lines(state, state_dir=folder) if state is not None else [f"no link runs for {folder}"]))
    sys.exit(state is None)


@service.command()
@_for_manager
def uninstall(*, manager: str | None) -> None:
    """Stop the service and remove its file. The machine stays linked: `relaycast machine forget` ends that."""
    installed = _find_installed(manager)
    was_there = installed.uninstall()
    click.echo(f"✓ {installed.path} was stopped and removed" if was_there else f"there is no {installed.path}")


def _describe(chosen: Options) -> Service:
    from connect.access.credentials import KEPT_FILE, KeptTokens  # noqa: PLC0415 - for this command
    from connect.service import service as as_service  # noqa: PLC0415 - for this command

    settings = resolve_settings(chosen)
    linked = KeptTokens(path=settings.state_dir / KEPT_FILE, url=settings.endpoint.url).read() is not None
    return as_service(settings, chosen, linked=linked)


def _link_by(code: str, chosen: Options) -> None:
    from connect.access.enrolment import enrol  # noqa: PLC0415 - for this option
    from connect.serving.linking_once import link_once  # noqa: PLC0415 - for this option

    settings = resolve_settings(chosen, with_token=False)
    link_once(dataclasses.replace(settings, token=enrol(settings.endpoint, code)))


def _manager(given: str | None) -> Manager:
    from connect.service import Manager, own_manager  # noqa: PLC0415 - for this command

    return Manager(given) if given else own_manager()


def _find_installed(given: str | None) -> Installed:
    from connect.installing import Installed  # noqa: PLC0415 - for this command

    return Installed.here(_manager(given), os.environ)
