"""Runs relay-connect in the foreground: signals, what is printed, and the terminal when there is a person."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import errno
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import click
import orjson

from connect.console import leave_output
from connect.link import LinkRefused
from connect.notices import Connected, Notice, Stopping
from connect.proxy import RelayConnect
from connect.settings import ConnectSettings


class ExitStatus(IntEnum):
    """What the shell gets, besides 0, click's 1 and 2, and the terminal's own."""

    REFUSED = 3
    """The broker does not want this proxy: a wrong token, a newer connection of it, another protocol version."""
    FORCED = 130
    """A second signal: agents were killed without waiting."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Presentation:
    """How relay-connect shows itself."""

    headless: bool = False
    json_lines: bool = False
    verbosity: str = "normal"


def serve(settings: ConnectSettings, presentation: Presentation) -> int:
    """Run until a signal, the end of the terminal, or the broker's refusal."""
    _watch_children_without_threads()
    return asyncio.run(_serve(settings, presentation))


def _watch_children_without_threads() -> None:
    """Python 3.11 waits for each child in a thread of its own; later versions do by themselves what is done here."""
    if sys.version_info < (3, 12) and sys.platform == "linux":
        with contextlib.suppress(OSError):  # an old kernel, or a container that forbids it
            os.close(os.pidfd_open(os.getpid()))
            asyncio.set_child_watcher(asyncio.PidfdChildWatcher())


async def _serve(settings: ConnectSettings, presentation: Presentation) -> int:
    interactive = not presentation.headless
    welcomed: asyncio.Future[Connected] = asyncio.get_running_loop().create_future()
    show = _printer(presentation)

    def notice(notice: Notice) -> None:
        if isinstance(notice, Connected) and not welcomed.done():
            welcomed.set_result(notice)
        if not interactive or not welcomed.done():
            show(notice)

    proxy = RelayConnect(settings, notice=notice)
    status = 0
    try:
        running = asyncio.ensure_future(proxy.run())
        _heed_signals(proxy, running)
        try:
            if interactive:
                status = await _attend(proxy, running, welcomed=welcomed, settings=settings, presentation=presentation)
        finally:
            await running
    except LinkRefused as refusal:
        with contextlib.suppress(OSError):
            click.echo(f"✗ {refusal}", err=True)
        return ExitStatus.REFUSED
    except asyncio.CancelledError:
        return ExitStatus.FORCED
    finally:
        proxy.close()
    return status


def _heed_signals(proxy: RelayConnect, running: asyncio.Task[None]) -> None:
    def stop() -> None:
        proxy.stopping.set()
        proxy.notice(Stopping())

    def stop_or_kill() -> None:
        if proxy.stopping.is_set():
            running.cancel()
        else:
            stop()

    def on_hang_up() -> None:
        # It often comes with another signal, or twice, and is no person's second thought: it never kills.
        if not proxy.stopping.is_set():
            stop()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop_or_kill)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # which is what `nohup` asks for
        loop.add_signal_handler(signal.SIGHUP, on_hang_up)


async def _attend(
    proxy: RelayConnect,
    running: asyncio.Task[None],
    *,
    welcomed: asyncio.Future[Connected],
    settings: ConnectSettings,
    presentation: Presentation,
) -> int:
    """Give the person a terminal once connected; whoever leaves first, proxy or person, takes the other along."""
    await _either(running, welcomed)
    if not welcomed.done():
        return 0
    terminal = asyncio.ensure_future(_terminal(settings, welcomed.result().session, presentation=presentation))
    try:
        await _either(running, terminal)
    finally:
        terminal.cancel()
        proxy.stopping.set()
    return terminal.result() if terminal.done() else 0


async def _either(*futures: asyncio.Future[Any]) -> None:
    await asyncio.wait(futures, return_when=asyncio.FIRST_COMPLETED)


async def _terminal(settings: ConnectSettings, session: str, *, presentation: Presentation) -> int:
    # Loaded late: a proxy without a person in front of it needs neither these modules nor the libraries below them.
    from connect.sdk import AgentRelay  # noqa: PLC0415 - for a person only
    from connect.terminal import Verbosity, run_terminal  # noqa: PLC0415 - for a person only

    async with AgentRelay(settings.endpoint.url, settings.endpoint.token, session) as relay:
        return await run_terminal(
            relay, verbosity=Verbosity(presentation.verbosity), json_lines=presentation.json_lines
        )


def _printer(presentation: Presentation) -> Callable[[Notice], None]:
    if presentation.verbosity == "quiet" and not presentation.json_lines:
        return lambda _: None

    def show(notice: Notice) -> None:
        try:
            click.echo(orjson.dumps(dataclasses.asdict(notice)) if presentation.json_lines else notice.text)
        except OSError as error:
            # Its reader went away, a terminal that was closed or a log collector: work goes on without an audience.
            if error.errno != errno.ENOSPC:
                leave_output()

    return show


def is_terminal() -> bool:
    """Whether a person sits at both ends."""
    return sys.stdin.isatty() and sys.stdout.isatty()
