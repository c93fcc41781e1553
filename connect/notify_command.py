"""`relay-connect notify`: a notification on this machine's desktop, for hooks with `notify: desktop`."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

import click

from broker.domain.errors import NotConfigured
from broker.domain.hooks.notices import notice

_APPLE = "on run argv\ndisplay notification (item 2 of argv) with title (item 1 of argv)\nend run"
"""Both texts are arguments of the script, and no part of it."""
_LONGEST_S = 10


@click.command()
@click.option("--event", is_flag=True, help="Say what happened, which is on standard input as hooks have it.")
@click.option("--title", default="Relaycast", show_default=True, help="Where no event is read.")
@click.argument("text", required=False)
def notify(*, event: bool, title: str, text: str | None) -> None:
    """Show a notification on this machine's desktop: TEXT, or what happened to an agent."""
    if event is (text is not None):
        raise click.UsageError("give a TEXT, or --event and the event on standard input")
    if event:
        try:
            title, text = notice(json.loads(sys.stdin.readline()))
        except (ValueError, KeyError, TypeError):
            raise click.UsageError("no event of a hook is on standard input") from None
    try:
        subprocess.run(desktop_argv(title, text or ""), check=True, timeout=_LONGEST_S)  # noqa: S603 - argv, no shell
    except (OSError, subprocess.SubprocessError) as error:
        raise click.ClickException(f"this desktop took no notification: {error}") from None


def desktop_argv(title: str, text: str, *, platform: str = sys.platform) -> list[str]:
    """The program that shows it, and its arguments. Raises `NotConfigured` where there is none."""
    name = "osascript" if platform == "darwin" else "notify-send"
    program = shutil.which(name)
    if program is None:
        raise NotConfigured(f"{name} is not on this machine: it shows notifications here", code="NO_DESKTOP")
    if platform == "darwin":
        return [program, "-e", _APPLE, title, text]
    return [program, "--app-name=Relaycast", "--", title, text]
