"""Secrets in a text that comes in fragments: what may be the beginning of one is held back until it is known.

Of every text so much is held as a secret could begin in: the last word, and all from where a secret is known to begin.
A word is let go when the next blank comes, when it is longer than any secret without a mark, or when its owner says
that it has waited long enough (`release`). What is known to begin a secret stays until it has ended, or the text has.
What was let go is remembered for a while: when it turns out to belong to a secret, the rest of that is masked.
"""

from __future__ import annotations

from string import ascii_letters, digits, punctuation

from broker.domain.logs.redaction.redactor import Redactor, mark_of

_LONGEST_WORD = 512
_MOST_HELD = 64 * 1024
"""Beyond it a secret is masked as it is; the rest of one that is longer is not known for its own."""
_REMEMBERED = 768
"""Characters before what comes next: a value's name stands there, a header's, a command's."""
_WORD_SIGNS = ascii_letters + digits + punctuation
"""Scripts without blanks hold no secrets."""


class StreamMask:
    """Masks one text that comes in fragments.

    Invariant: what `take`, `release` and `end` have returned is, put together, the text with its secrets masked as
    `Redactor.text` masks them in the whole; only where `release` came within a word its beginning stands before the
    mark.
    """

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._text = ""
        """What is remembered, and from `_shown` on what is held."""
        self._shown = 0
        self._masked_to = 0
        """Where the last mark's secret ends: what it grows by needs no mark of its own."""
        self._word = 0
        """Where the last word begins, as long as that is remembered."""
        self._suspect_to = 0
        """Behind the last place at which a secret might begin; nothing is looked for when that is forgotten."""

    @property
    def holds(self) -> bool:
        """Whether anything waits for what comes next."""
        return self._shown < len(self._text)

    def take(self, fragment: str) -> str:
        """Add a fragment; returns what can be shown of the text now."""
        # Most texts have nothing that a secret begins with; one that has is looked at as long as that is remembered.
        new = max(0, len(self._text) - self._redactor.longest_trigger)
        if before := fragment.rstrip(_WORD_SIGNS):
            self._word = len(self._text) + len(before)
        self._text += fragment
        if self._redactor.suspects(self._text[new:]):
            self._suspect_to = len(self._text)
        return self._show_safe(in_word=True)

    def release(self) -> str:
        """What is held only because a secret could begin there: nobody is to wait for it any longer."""
        return self._show_safe(in_word=False)

    def end(self) -> str:
        """The text has ended; returns the rest. The next fragment begins another text."""
        shown = self._show(len(self._text), self._look()[0])
        self._text, self._shown, self._masked_to, self._word, self._suspect_to = "", 0, 0, 0, 0
        return shown

    def _look(self) -> tuple[list[tuple[int, int, str]], int]:
        return self._redactor.look(self._text) if self._suspect_to > 0 else ([], len(self._text))

    def _show_safe(self, *, in_word: bool) -> str:
        """Show all but what may be a secret whose end has not come."""
        found, known = self._look()
        length = len(self._text)
        if length - max(known, self._shown) > _MOST_HELD:
            return self._show(length, found)
        word = self._word if in_word else length
        return self._show(min(known, word if length - word <= _LONGEST_WORD else length), found)

    def _show(self, until: int, found: list[tuple[int, int, str]]) -> str:
        if until <= self._shown:
            return ""
        parts = []
        for start, end, name in found:
            if end <= self._shown or start >= until:
                continue
            parts.append(self._text[self._shown : max(start, self._shown)])
            if start >= self._shown or self._masked_to < self._shown:
                parts.append(mark_of(name))
            self._shown = self._masked_to = end
        parts.append(self._text[self._shown : until])
        self._shown = max(self._shown, until)
        self._forget()
        return "".join(parts)

    def _forget(self) -> None:
        """Drop what is too far back to matter, from a line's beginning where there is one."""
        if self._shown <= 2 * _REMEMBERED:
            return
        line = self._text.find("\n", self._shown - 2 * _REMEMBERED, self._shown - _REMEMBERED)
        cut = line + 1 if line >= 0 else self._shown - _REMEMBERED
        self._text = self._text[cut:]
        self._shown -= cut
        self._masked_to -= cut
        self._word -= cut
        self._suspect_to -= cut
