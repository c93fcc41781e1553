"""Puts styled lines on standard output. Colours follow the terminal and NO_COLOR."""

from __future__ import annotations

from collections.abc import Iterable

from prompt_toolkit import print_formatted_text
from prompt_toolkit.application.current import get_app_session
from prompt_toolkit.formatted_text import FormattedText
from prompt_toolkit.styles import Style

from connect.terminal.text import Line, usable_width

STYLE = Style.from_dict(
    {
        "frame": "ansicyan",
        "agent": "ansiblue",
        "ask": "ansiyellow",
        "good": "ansigreen",
        "warn": "ansiyellow",
        "bad": "ansired",
        "strong": "bold",
        "dim": "ansibrightblack",
        "match": "ansiyellow bold",
        "added": "ansigreen",
        "removed": "ansired",
    }
)


def paint(lines: Iterable[Line]) -> None:
    """Print the lines at once."""
    text = FormattedText([span for line in lines for span in (*line, ("", "\n"))])
    print_formatted_text(text, style=STYLE, end="")


def measured_width() -> int:
    """The width to draw in now; the window may have changed."""
    return usable_width(get_app_session().output.get_size().columns)
