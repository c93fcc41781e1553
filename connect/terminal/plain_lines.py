"""A session for pipes: results and answers on standard output as they are, the work in between on standard error."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from connect.sdk.event_feed import FeedItem
from connect.sdk.types import Event, Session
from connect.terminal.actions import Reply
from connect.terminal.input.commands import Command, Tell
from connect.terminal.json_lines import result_text
from connect.terminal.output.view import bad, warning
from connect.terminal.text.layout import Line, harmless, one_line, plain
from connect.terminal.unattended import Ending
from connect.terminal.verbosity import Verbosity


class PlainLines:
    """What goes on is shown as on the screen, but for colours. Where both outputs are one window, which has shown the
    last words in their box, they are not repeated.
    """

    takes_commands = False

    def __init__(self, verbosity: Verbosity) -> None:
        self._quiet = verbosity is Verbosity.QUIET
        self._repeats = self._quiet or not (sys.stdout.isatty() and sys.stderr.isatty())

    def begin(self, session: Session) -> None:
        """Nothing: it is where it was asked to be."""

    def announce(self, lines: Sequence[Line]) -> None:
        """Show what is begun."""
        if not self._quiet:
            _show(lines)

    def item(self, item: FeedItem, lines: Sequence[Line], *, results: Sequence[Event]) -> None:
        """Show an event, and what is a result now."""
        if not (self._quiet and results):  # its lines are the result in a box
            _show(lines)
        for event in results if self._repeats else ():
            text = result_text(event)
            _print(harmless(text) if sys.stdout.isatty() else text)

    def say_done(self, line: str, command: Command, reply: Reply) -> None:
        """Print what a command gave."""
        if isinstance(command, Tell):
            _show([] if self._quiet else reply.lines)
        elif reply.lines:
            _print(plain(reply.lines))

    def say_failed(self, line: str, *, code: str, message: str) -> None:
        """Say why a command was refused."""
        problem, *pointer = message.split("\n")
        _show([bad(one_line(problem, limit=500)), *((("", harmless(each)),) for each in pointer)])

    def tell(self, text: str) -> None:
        """Say a word about itself."""
        _show([warning(text)])

    def end(self, ending: Ending, *, results: Sequence[Event]) -> None:
        """Say so when whoever was asked had nothing to say."""
        if ending is Ending.ANSWERED and not results:
            _show([warning("it is done, without a word")])


def _show(lines: Sequence[Line]) -> None:
    if lines:
        print(plain(lines), file=sys.stderr, flush=True)  # noqa: T201 - this is what it is for


def _print(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - this is what it is for
