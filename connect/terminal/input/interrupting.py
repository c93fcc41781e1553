"""What Ctrl-C means: clear what is typed, then interrupt who works for this terminal, then leave. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from connect.terminal.text.layout import one_line

AGAIN_S = 3.0
"""So soon after the first, a second Ctrl-C leaves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pressed:
    """What to do about it."""

    text: str = ""
    """To be told."""
    interrupt: tuple[str, ...] = ()
    leave: bool = False


class Interrupting:
    """Counts the presses."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._last: float | None = None

    def press(self, *, own: Sequence[str], others: Sequence[str]) -> Pressed:
        """Ctrl-C at an empty line: `own` work for this terminal, `others` for somebody else."""
        now = self._clock()
        again = self._last is not None and now - self._last <= AGAIN_S
        self._last = None if again else now
        if again:
            return Pressed(leave=True)
        if own:
            names = ", ".join(map(one_line, own))
            return Pressed(text=f"· interrupting {names}; Ctrl-C again leaves", interrupt=tuple(own))
        if others:
            first = one_line(others[0])
            stops = f"'interrupt {first}' stops {first}"
            return Pressed(text=f"· nobody works for this terminal ({stops}); Ctrl-C again leaves")
        return Pressed(text="· Ctrl-C again leaves; so do Ctrl-D and 'exit'")
