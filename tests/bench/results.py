"""RESULTS.md has several parts, each under a heading of the first level and written by a command of its own."""

from __future__ import annotations

import re
from pathlib import Path

RESULTS = Path(__file__).with_name("RESULTS.md")


def put(path: Path, part: str) -> None:
    """Write one part, in the place of the one with the same heading or behind the others."""
    path.write_text(with_part(path.read_text() if path.exists() else "", part))


def with_part(document: str, part: str) -> str:
    """The document with this part new and all others as they were; a part begins with its heading, `# …`."""
    parts = [each for each in re.split(r"(?m)^(?=# )", document) if each.strip()]
    headings = [each.partition("\n")[0] for each in parts]
    heading = part.partition("\n")[0]
    if heading in headings:
        parts[headings.index(heading)] = part
    else:
        parts.append(part)
    return "\n".join(each.rstrip("\n") + "\n" for each in parts)
