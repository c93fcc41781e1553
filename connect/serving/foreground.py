"""Runs relay-connect in the foreground: as the link alone, or as a terminal beside a link process of its own."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import errno
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

import click
import orjson

from broker.domain.people.token_text import hide_tokens
from connect.access.credentials import KEPT_FILE, KeptTokens
from connect.access.endpoint import IN_CLEAR, TokenSource, no_token
from connect.access.token_text import keep_tokens_out_of_output
from connect.notices import Disconnected, Notice
from connect.settings import ConnectSettings
from connect.system.child_watching import children_without_threads
from connect.system.console import fold, leave_output
from connect.system.process_guard import guard_process, wipe_arguments, wipe_environment

_SECRETS = ("RELAYCAST_TOKEN",)
IN_ARGUMENTS = (
    "--token is in the list of processes, which every user of this machine can read; set RELAYCAST_TOKEN instead"
)
IN_FILE = (
    "{} holds a person's token, and agents run as the user who can read it: delete it, as this machine stays linked"
    " without it (a broker's own `workspace.key` has to stay), or run agents as another user (`relay-connect doctor`"
    " says how)"
)


_TOLD_AGAIN_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Presentation:
    """How relay-connect shows itself."""

    headless: bool = False
    json_lines: bool = False
    verbosity: str = "normal"
    leaving: str | None = None
    """What becomes of the link when its last terminal leaves, `keep` or `stop`; None: asked, or as it was."""
    task: str | None = None
    """What to have done; then it ends."""
    waits_for_people: bool = False
    """Whether what only a person can answer is waited for where nobody sits at it; else that ends it."""

    @property
    def attended(self) -> bool:
        """Whether a person sits at it, who is shown a screen."""
        return not self.headless and not self.json_lines and self.task is None and is_terminal()


def serve(settings: ConnectSettings, presentation: Presentation) -> int:
    """Run until a signal, the end of the terminal, or the broker's refusal."""
    guard_process()
    keep_tokens_out_of_output()
    wipe_environment(_SECRETS)
    if settings.token is not None and settings.token.source is TokenSource.ARGUMENT:
        wipe_arguments(settings.token.text)
    show = _printer(presentation)
    for problem in _problems(settings):
        click.echo(f"! {hide_tokens(problem)}", err=True)
    with children_without_threads():
        return _serve(settings, presentation, show)


def _serve(settings: ConnectSettings, presentation: Presentation, show: Callable[[Notice], None]) -> int:
    if presentation.headless:
        return _serve_headless(settings, show)
    # Loaded late: a link without a person in front of it needs neither these modules nor the libraries below them.
    from connect.serving.attending import serve_terminal  # noqa: PLC0415 - for a person or a script only
    from connect.terminal import Terms  # noqa: PLC0415 - as that

    programs = presentation.json_lines and presentation.task is None  # which see what is asked, and can answer
    return serve_terminal(
        settings,
        show=show,
        person=presentation.attended,
        terms=Terms(task=presentation.task, waits_for_people=presentation.waits_for_people or programs),
        verbosity=presentation.verbosity,
        json_lines=presentation.json_lines,
        leaving=presentation.leaving,
    )


def _serve_headless(settings: ConnectSettings, show: Callable[[Notice], None]) -> int:
    from connect.serving.link_host import LinkHost  # noqa: PLC0415 - a terminal starts the link as another process

    kept = KeptTokens(path=settings.state_dir / KEPT_FILE, url=settings.endpoint.url)
    if settings.token is None and kept.read() is None:
        raise no_token(settings.endpoint.url)
    host = LinkHost(settings, show=show, headless=True)
    status = asyncio.run(host.run())
    if host.refusal is not None:
        with contextlib.suppress(OSError):
            click.echo(f"✗ {hide_tokens(host.refusal)}", err=True)
    return status


def _problems(settings: ConnectSettings) -> list[str]:
    """What is less safe than it should be in how this was started."""
    found, token = [], settings.token
    if settings.endpoint.in_clear:
        found.append(IN_CLEAR.format(settings.endpoint.url))
    if token is not None and token.source is TokenSource.ARGUMENT:
        found.append(IN_ARGUMENTS)
    if token is not None and token.source is TokenSource.FILE and not token.links_only and token.path is not None:
        found.append(IN_FILE.format(token.path))
    return found


class _Repeats:
    """A broker that is away for long is told of once a minute."""

    def __init__(self) -> None:
        self._last = ""
        self._until = 0.0

    def hide(self, notice: Notice) -> bool:
        """Whether people have just been told the same."""
        now = time.monotonic()
        if isinstance(notice, Disconnected) and notice.reason == self._last and now < self._until:
            return True
        self._last = notice.reason if isinstance(notice, Disconnected) else ""
        self._until = now + _TOLD_AGAIN_S
        return False


def _printer(presentation: Presentation) -> Callable[[Notice], None]:
    if presentation.verbosity == "quiet" and not presentation.json_lines:
        return lambda _: None
    repeats = _Repeats()
    # Of what a script is to read, standard output has the results alone.
    aside = not (presentation.headless or presentation.json_lines or presentation.attended)

    def show(notice: Notice) -> None:
        if repeats.hide(notice) and not presentation.json_lines:
            return
        text = orjson.dumps(dataclasses.asdict(notice)).decode() if presentation.json_lines else fold(notice.text)
        try:
            click.echo(hide_tokens(text), err=aside)
        except OSError as error:
            # Its reader went away, a terminal that was closed or a log collector: work goes on without an audience.
            if error.errno != errno.ENOSPC:
                leave_output()

    return show


def is_terminal() -> bool:
    """Whether a person sits at both ends."""
    return sys.stdin.isatty() and sys.stdout.isatty()
