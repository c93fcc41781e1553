"""RESULTS.md has several parts, each under a heading of the first level and written by a command of its own."""

from __future__ import annotations

import re
from pathlib import Path

RESULTS = Path(__file__).with_name("RESULTS.md")


def put(path: Path, part: str) -> None:
    """Write one part, in the place of the one with the same heading or behind the others."""
    path.write_text(with_part(path.read_text() if path.exists() else "", part))


def rows(path: Path, *, heading: str) -> list[tuple[str, ...]]:
    """The cells of the tables in the part with this heading (`# …`), without those of the tables' own heads."""
    document = path.read_text() if path.exists() else ""
    part = next((each for each in _parts(document) if each.partition("\n")[0] == heading), "")
    lines = [line for line in part.splitlines() if line.startswith("|")]
    heads = {at for at, line in enumerate(lines) for at in (at, at - 1) if line.startswith("|--")}
    return [
        tuple(cell.strip() for cell in line.strip("|").split("|")) for at, line in enumerate(lines) if at not in heads
    ]


def with_part(document: str, part: str) -> str:
    """The document with this part new and all others as they were; a part begins with its heading, `# …`."""
    parts = _parts(document)
    headings = [each.partition("\n")[0] for each in parts]
    heading = part.partition("\n")[0]
    if heading in headings:
        parts[headings.index(heading)] = part
    else:
        parts.append(part)
    return "\n".join(each.rstrip("\n") + "\n" for each in parts)


def _parts(document: str) -> list[str]:
    return [each for each in re.split(r"(?m)^(?=# )", document) if each.strip()]
