"""What the commands print to: a console or a pipe that may not take every character, and may go away."""

from __future__ import annotations

import contextlib
import io
import os
import sys
import textwrap

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
    """Let what is printed from now on go nowhere: its reader went away, and the exit would stumble over it again."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError, AttributeError):
                stream.flush()
                continue
            with contextlib.suppress(OSError, ValueError, AttributeError):
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
