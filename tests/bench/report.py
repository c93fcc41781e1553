"""The figures as text for people, as Markdown for the repository, and as JSON."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence

from tests.bench.figures import Figure, Section

_WIDTH = 110


def as_text(section: Section) -> str:
    """Lines of at most the terminal's width for the words, and the table as wide as it is."""
    rows = [section.head, *(tuple(map(shown, row)) for row in section.rows)]
    if len(section.head) > 6:
        rows = list(zip(*rows, strict=True))  # many columns read better as lines
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(_aligned(row, widths)).rstrip() for row in rows]
    return "\n".join([section.title, *textwrap.wrap(section.explained, _WIDTH), "", *(f"  {line}" for line in lines)])


def _aligned(row: Sequence[str], widths: Sequence[int]) -> list[str]:
    return [
        cell.rjust(width) if at else cell.ljust(width) for at, (cell, width) in enumerate(zip(row, widths, strict=True))
    ]


def as_markdown(
    sections: Sequence[Section], *, machine: Mapping[str, str], command: str, title: str = "Measured figures"
) -> str:
    """One part of RESULTS.md."""
    facts = "\n".join(f"* {name}: {value}" for name, value in machine.items())
    tables = "\n\n".join(_markdown(section) for section in sections)
    return f"# {title}\n\nWritten by `{command}`.\n\n{facts}\n\n{tables}\n"


def _markdown(section: Section) -> str:
    rows = [section.head, *(tuple(map(shown, row)) for row in section.rows)]
    if len(section.head) > 6:
        rows = list(zip(*rows, strict=True))
    head, *body = ("| " + " | ".join(row) + " |" for row in rows)
    line = "|---" + "|--:" * (len(rows[0]) - 1) + "|"
    return "\n".join([f"## {section.title}", "", section.explained, "", head, line, *body])


def as_json(section: Section) -> dict[str, object]:
    rows = [dict(zip(section.head, row, strict=True)) for row in section.rows]
    return {"title": section.title, "explained": section.explained, "rows": rows}


def shown(figure: Figure) -> str:
    match figure:
        case None:
            return "-"
        case float():
            return (
                f"{figure:,.0f}" if abs(figure) >= 1000 else f"{figure:.1f}" if abs(figure) >= 20 else f"{figure:.2f}"
            )
        case int():
            return f"{figure:,}"
        case _:
            return figure
