"""The options that say which broker, as which machine, with which programs: of every command that is about the link."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click

from connect.settings import Options

_F = TypeVar("_F", bound=Callable[..., Any])

_OPTIONS: tuple[Callable[[Any], Any], ...] = (
    click.option("--url", metavar="URL", help="URL of the broker; also RELAYCAST_URL."),
    click.option("--token-file", type=click.Path(path_type=Path), help="File with the token; -: standard input."),
    click.option("--token", metavar="TOKEN", help="The token. RELAYCAST_TOKEN is safer: other users cannot list it."),
    click.option("--insecure", is_flag=True, help="Allow http:// to another machine; also RELAYCAST_INSECURE=1."),
    click.option("--name", help="Name of this machine; also RELAYCAST_NAME.  [default: its host name]"),
    click.option("--label", "labels", multiple=True, help="A label for choosing this machine; may be repeated."),
    click.option("--session", help="Session to join, by name or id; also RELAYCAST_SESSION."),
    click.option(
        "--state-dir",
        type=click.Path(path_type=Path),
        help="Folder of this link's state, for one process; also RELAYCAST_STATE_DIR.",
    ),
    click.option(
        "--new-identity",
        is_flag=True,
        help="Register as a new machine: for a copy of a state folder that is still in use.",
    ),
    click.option(
        "--config",
        type=click.Path(path_type=Path),
        help="Configuration file, in place of the user's relay-connect.toml.",
    ),
    click.option(
        "--agent",
        "agents",
        multiple=True,
        metavar="NAME=CMD",
        help="An ACP agent program and its command line; may be repeated.",
    ),
    click.option(
        "--metrics-port",
        type=click.IntRange(0, 65535),
        metavar="PORT",
        help="Serve this link's own metrics to Prometheus at this port of 127.0.0.1.",
    ),
    click.option("--log-steps", is_flag=True, help="Log each step of each message, by the ids that the broker logs."),
)


def with_link_options(command: _F) -> _F:
    """Add them to a command, which gets them by their names in `Options`."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def merge(outer: Options, given: Mapping[str, Any]) -> Options:
    """What stands behind a command's name counts ahead of what stands before it."""
    return dataclasses.replace(outer, **{name: value for name, value in given.items() if _is_given(value)})


def _is_given(value: object) -> bool:
    return value is not None and value is not False and value not in ("", ())


def ask_for_code(code: str) -> str:
    """A code as it was given; for `-` it is asked for at a terminal, or read from standard input."""
    if code != "-":
        return code
    if sys.stdin.isatty():
        click.echo("The code that `relaycast machine enrol` has printed: ", err=True, nl=False)
    return sys.stdin.readline()
