"""One program with its arguments, as it stands in a command line."""

from __future__ import annotations

from dataclasses import dataclass, field

from broker.domain.approvals.shell.words import Word

_HARMLESS_TARGETS = frozenset({"/dev/null", "/dev/stdout", "/dev/stderr"})


@dataclass(slots=True)
class SimpleCommand:
    """One program with its arguments."""

    words: list[Word] = field(default_factory=list)
    assignments: list[Word] = field(default_factory=list)
    writes: list[Word] = field(default_factory=list)
    """Files its output is redirected to."""
    reads: list[Word] = field(default_factory=list)
    documents: list[Word] = field(default_factory=list)
    """What it is given to read in place: `<<EOF`, `<<< text`."""
    piped: bool = False
    """Its input is what the command before it prints."""
    substituted: bool = False
    """It stands in `$(…)`, backticks, `<(…)` or `>(…)`."""

    @property
    def is_empty(self) -> bool:
        """Nothing at all."""
        return not (self.words or self.assignments or self.writes or self.reads or self.documents)

    @property
    def has_harmful_redirections(self) -> bool:
        """Whether it reads or writes anything by redirection, but for nothing and its own output."""
        return bool(self.documents or {each.value for each in (*self.writes, *self.reads)} - _HARMLESS_TARGETS)
