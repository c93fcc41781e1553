"""Puts styled lines on standard output. Colours follow the terminal and NO_COLOR."""

from __future__ import annotations

from collections.abc import Iterable

from prompt_toolkit import print_formatted_text
from prompt_toolkit.application.current import get_app_session
from prompt_toolkit.formatted_text import FormattedText
from prompt_toolkit.styles import Style

from connect.terminal.text.layout import NARROWEST, Line, fit, usable_width

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
        "heading": "bold underline",
        "emphasis": "italic",
        "code": "ansicyan",
        "link": "underline",
        "bottom-toolbar": "noreverse ansibrightblack",
    }
)


_PLAIN = str.maketrans("┌┐└┘─│┼▏█✓✗·•…→⚙±“”⟨⟩", '++++-|+|#+x-*.>*~""<>')
"""For consoles that do not have what boxes are made of; each takes one cell, as before."""


def paint(lines: Iterable[Line]) -> None:
    """Print the lines at once; what is wider than the window is broken at spaces."""
    spans = [span for line in fit(lines, measure_columns()) for span in (*line, ("", "\n"))]
    text = FormattedText([(style, for_console(piece)) for style, piece in spans])
    print_formatted_text(text, style=STYLE, end="")


def for_console(text: str) -> str:
    """`text` with other signs for marks and frames, where the console's encoding has none."""
    encoding = get_app_session().output.encoding()
    try:
        text.encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return text.translate(_PLAIN)
    return text


def measure_columns() -> int:
    """The cells of a line now; the window may have changed."""
    return max(NARROWEST, get_app_session().output.get_size().columns - 1)


def measure_width() -> int:
    """The width to draw boxes and texts in now."""
    return usable_width(get_app_session().output.get_size().columns)
