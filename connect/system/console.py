"""What the commands print to: a console or a pipe that may not take every character, and may go away."""

from __future__ import annotations

import contextlib
import io
import os
import select
import sys
import textwrap
from typing import TextIO

OUTPUT_CLOSED = 141
"""What a shell shows for a program whose reader went away: SIGPIPE, which Python does not let end it."""


def accept_every_console() -> None:
    """Print `?` for what the console's encoding does not have: a `✓` must not end a program."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


_NARROWEST = 20


def fold(text: str) -> str:
    """`text` with its lines broken at spaces where the console is a window, which would break them anywhere."""
    if not sys.stdout.isatty():
        return text
    try:
        room = os.get_terminal_size(sys.stdout.fileno()).columns - 1
    except (OSError, ValueError):
        return text
    if room < _NARROWEST:
        return text
    lines = [
        textwrap.wrap(line, room, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False) or [""]
        for line in text.split("\n")
    ]
    return "\n".join(piece for pieces in lines for piece in pieces)


def leave_output() -> None:
    """Let what is printed from now on go nowhere: its reader went away, and the exit would stumble over it again.

    Standard error goes too where it has that same reader, though nothing of it was lost yet.
    """
    gone = [stream for stream in (sys.stdout, sys.stderr) if _has_no_reader(stream)]
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        for stream in gone:
            os.dup2(nowhere, stream.fileno())
    finally:
        os.close(nowhere)


def flush_output() -> None:
    """Print what is still to be printed. Raises `SystemExit` (`OUTPUT_CLOSED`) when nobody reads it, without a word."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        leave_output()
        raise SystemExit(OUTPUT_CLOSED) from None
    except (OSError, ValueError):  # a disk that is full; closed by whoever took it over
        pass
    if _has_no_reader(sys.stderr):
        leave_output()  # what could not be logged is no reason for another status


def _has_no_reader(stream: TextIO) -> bool:
    with contextlib.suppress(ValueError, AttributeError):  # it was closed; there never was one
        try:
            stream.flush()
        except OSError:
            return True
        if hasattr(select, "poll"):
            # Where nothing is buffered a flush says nothing.
            poll = select.poll()
            poll.register(stream.fileno(), 0)
            return any(said & (select.POLLERR | select.POLLHUP) for _, said in poll.poll(0))
    return False
