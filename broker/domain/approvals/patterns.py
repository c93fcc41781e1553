"""Shell-style patterns against texts of which parts are not known.

A pattern has `*`, `?` and `[…]`, as `fnmatch` does. A text may hold `UNKNOWN`, which stands for any string: the value
of a variable, what a command prints, the files that `*` finds. So there are three answers. Every pattern has a second
reading in which brackets are ordinary characters: `app/[id]/page.tsx` is the name of a file.

Both ways of matching take time in proportion to the text, whatever the pattern.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property, lru_cache

UNKNOWN = "\0"
"""Any string, the empty one too. No argument of a program can hold this character."""

_TOKEN = re.compile(r"\*+|\?|\[!?\]?[^\]]*\]|.", re.DOTALL)
_WILDCARD = re.compile(r"[*?\[]")
_REMEMBERED = 1024


class Match(IntEnum):
    """Whether a pattern covers a text; ordered."""

    NO = 0
    MAY = 1
    """For some values of what is not known."""
    MUST = 2
    """Whatever those are."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """A pattern, ready to match."""

    readings: tuple[_Reading, ...]

    def match(self, text: str) -> Match:
        """How it covers a text."""
        return max(reading.match(text) for reading in self.readings)

    def match_any(self, texts: Iterable[str]) -> Match:
        """The best of several texts."""
        best = Match.NO
        for text in texts:
            best = max(best, self.match(text))
            if best is Match.MUST:
                break
        return best


@lru_cache(maxsize=8192)
def pattern(text: str) -> Pattern:
    """Compile a pattern."""
    readings = (_Reading(text),)
    return Pattern((*readings, _Reading(text.replace("[", "[[]"))) if "[" in text else readings)


class _Reading:
    """One reading of a pattern: as a regular expression, and as a machine whose states are the bits of a number.

    Most texts are told apart by how the pattern begins and ends; the rest is worked out when it is first needed.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._begins = _WILDCARD.split(text, maxsplit=1)[0]
        self._ends = _WILDCARD.split(text)[-1] if "]" not in text else ""

    def match(self, text: str) -> Match:
        """How it covers a text."""
        first = text.find(UNKNOWN)
        if first < 0:
            if not (text.startswith(self._begins) and text.endswith(self._ends)):
                return Match.NO
            return Match.MUST if self._exact.match(text) else Match.NO
        last = text.rfind(UNKNOWN) + 1
        if not (_agrees(text[:first], self._begins) and _agrees(text[: last - 1 : -1], self._ends[::-1])):
            return Match.NO
        if self._reaches_end(text, widely=False):
            return Match.MUST
        return Match.MAY if self._reaches_end(text, widely=True) else Match.NO

    @cached_property
    def _exact(self) -> re.Pattern[str]:
        return re.compile(fnmatch.translate(self._text))

    @cached_property
    def _machine(self) -> _Machine:
        return _Machine(tuple("*" if each.startswith("*") else each for each in _TOKEN.findall(self._text)))

    def _reaches_end(self, text: str, *, widely: bool) -> bool:
        """Whether the pattern's end is reached: `widely` for some value of what is unknown, else for every value.

        A string that is not known leads from a state to all that come after it; for every value, only a star takes it.
        """
        machine = self._machine
        states = machine.behind_stars(1)
        for character in text:
            if character != UNKNOWN:
                states = machine.behind_stars((states & machine.takes(character)) << 1 | states & machine.stars)
            elif widely:
                states = machine.behind_stars(-(states & -states) & (2 * machine.last - 1))
            else:
                states = machine.behind_stars(states & machine.stars)
            if not states:
                return False
        return bool(states & machine.last)


class _Machine:
    """The tokens of a pattern as states: bit n is set where the first n tokens have been matched."""

    def __init__(self, tokens: tuple[str, ...]) -> None:
        self.stars = sum(1 << place for place, token in enumerate(tokens) if token == "*")  # noqa: S105
        self.last = 1 << len(tokens)
        self._tokens = tokens
        self._known: dict[str, int] = {}

    def behind_stars(self, states: int) -> int:
        """With the states that are reached by an empty string. Stars are never neighbours."""
        return states | (states & self.stars) << 1

    def takes(self, character: str) -> int:
        """The states whose next token takes a character, but for stars."""
        found = self._known.get(character)
        if found is None:
            found = sum(1 << place for place, token in enumerate(self._tokens) if _takes(token, character))
            if len(self._known) < _REMEMBERED:
                self._known[character] = found
        return found


def _agrees(known: str, literal: str) -> bool:
    """Whether a text that begins so may begin with a literal."""
    return known.startswith(literal) or literal.startswith(known)


def _takes(token: str, character: str) -> bool:
    if len(token) > 1 and token.startswith("["):
        return fnmatch.fnmatchcase(character, token)
    return token == "?" or (token == character and token != "*")  # noqa: S105
