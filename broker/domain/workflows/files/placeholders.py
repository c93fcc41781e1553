"""`{{name}}`, `{{steps.S.output}}` and `{{steps.S.webhook}}`: what stands in a text and whom it needs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_PLACEHOLDER = re.compile(r"\{\{\s*([A-Za-z0-9_.-]+)\s*(?:\|\s*([a-z][a-z-]*)\s*)?\}\}")
_STEP = re.compile(r"steps\.(.+)\.(output|file|webhook)")
FILTERS = frozenset({"trim", "first-line"})
"""`trim` takes white space off both ends; `first-line` is the first line that has more than that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Placeholder:
    """One `{{…}}` of a text."""

    name: str
    step: str | None
    """Whose output or address it is; None: a variable of the run."""
    as_file: bool
    """Ours: the path of a file with the output, which may be of any length."""
    as_webhook: bool
    """Ours: the address at which the step waits to be called."""
    filter: str | None
    start: int
    end: int

    def filtered(self, value: str) -> str:
        """What is left of a value by its filter."""
        match self.filter:
            case "trim":
                return value.strip()
            case "first-line":
                return next((line.strip() for line in value.splitlines() if line.strip()), "")
            case _:
                return value


def placeholders(text: str) -> Iterator[Placeholder]:
    """All of a text, in order. Spaces within the braces are allowed: one of the public builders writes them."""
    for found in _PLACEHOLDER.finditer(text):
        step = _STEP.fullmatch(found[1])
        yield Placeholder(
            name=found[1],
            step=step[1] if step else None,
            as_file=step is not None and step[2] == "file",
            as_webhook=step is not None and step[2] == "webhook",
            filter=found[2],
            start=found.start(),
            end=found.end(),
        )
