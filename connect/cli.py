"""The command `relay-connect`."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click
import orjson

from broker import __version__
from connect.command_group import CommandGroup
from connect.console import accept_every_console
from connect.settings import Options, resolve_settings

_F = TypeVar("_F", bound=Callable[..., Any])

_OPTIONS: tuple[Callable[[Any], Any], ...] = (
    click.option("--url", metavar="URL", help="The broker; also RELAYCAST_URL."),
    click.option("--token-file", type=click.Path(path_type=Path), help="A file that holds the token."),
    click.option("--token", metavar="TOKEN", help="The token; better RELAYCAST_TOKEN, which other users cannot list."),
    click.option("--name", help="What this machine is called; its host name by default."),
    click.option("--label", "labels", multiple=True, help="Something to choose this machine by; may be repeated."),
    click.option("--session", help="The session to join, by name or id."),
    click.option("--state-dir", type=click.Path(path_type=Path), help="Where it remembers itself; one process each."),
    click.option(
        "--new-identity", is_flag=True, help="Become another machine: for a state folder copied from one that runs on."
    ),
    click.option("--config", type=click.Path(path_type=Path), help="Instead of the user's relay-connect.toml."),
    click.option("--agent", "agents", multiple=True, metavar="NAME=CMD", help="An ACP agent and its command line."),
)


def _with_options(command: _F) -> _F:
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


@click.group("relay-connect", cls=CommandGroup, invoke_without_command=True)
@_with_options
@click.option("--headless", is_flag=True, help="Without a terminal: for services and containers.")
@click.option("--quiet", "verbosity", flag_value="quiet", help="Show final results only.")
@click.option("--verbose", "verbosity", flag_value="verbose", help="Show tool calls and file changes too.")
@click.option("--json", "json_lines", is_flag=True, help="One JSON object a line instead of text.")
@click.pass_context
def main(context: click.Context, /, *, headless: bool, verbosity: str | None, json_lines: bool, **options: Any) -> None:
    """Connect this machine to a Relaycast broker, which starts and drives coding agents on it.

    SIGTERM, SIGINT (Ctrl-C) and SIGHUP end the agents in good order, a second SIGTERM or SIGINT kills them at once.

    \b
    Exit status:
      0    ended by a signal or by its terminal
      1    a command of its terminal failed (JSON lines only)
      2    it cannot start: a wrong option, no token, a state folder that is in use or unsafe; in a terminal: the
           broker is out of reach or says no
      3    the broker does not want this machine: a revoked token, another protocol version, …
      70   something unforeseen; agents that were left are ended by the next start
      130  killed by a second signal
    """
    accept_every_console()
    chosen = Options(**options)
    context.obj = chosen
    if context.invoked_subcommand is not None:
        return
    from connect.serving import Presentation, is_terminal, serve  # noqa: PLC0415 - `doctor` and `version` need no link

    # Without a terminal this is a part of a script: events as JSON lines, commands from standard input.
    presentation = Presentation(
        headless=headless,
        json_lines=json_lines or (not headless and not is_terminal()),
        verbosity=verbosity or "normal",
    )
    sys.exit(serve(resolve_settings(chosen), presentation))


@main.command()
@_with_options
@click.option("--json", "as_json", is_flag=True, help="A JSON document instead of a table.")
@click.pass_obj
def doctor(outer: Options, /, *, as_json: bool, **options: Any) -> None:
    """Look at what relay-connect needs, and say what to do about what is missing."""
    import asyncio  # noqa: PLC0415 - `version` needs no event loop

    from connect.doctor import Health, examine  # noqa: PLC0415 - brings an HTTP client

    given = {name: value for name, value in options.items() if value}
    findings = asyncio.run(examine(resolve_settings(dataclasses.replace(outer, **given))))
    if as_json:
        click.echo(orjson.dumps({"findings": [dataclasses.asdict(finding) for finding in findings]}))
    else:
        marks = {Health.OK: "✓", Health.WARNING: "!", Health.PROBLEM: "✗"}
        width = max(len(finding.subject) for finding in findings)
        for finding in findings:
            click.echo(f"{marks[finding.health]} {finding.subject:<{width}}  {finding.text}")
    sys.exit(any(finding.health is Health.PROBLEM for finding in findings))


@main.command()
def version() -> None:
    """Print the version."""
    click.echo(__version__)


if __name__ == "__main__":
    main()
