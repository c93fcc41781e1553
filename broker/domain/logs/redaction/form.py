"""What a form of secrets is, and how names of secrets are spelled."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

Span = tuple[int, int]

FLAGS = re.ASCII
ANY_CASE = re.ASCII | re.IGNORECASE
BLANK = r"[ \t]"
QUOTE = r"[\"'`]?"
IS = rf"{BLANK}{{0,48}}(?:=>|:=|==?|:){BLANK}{{0,48}}"


class Expression:
    """A regular expression that is compiled when it is first tried: most processes never meet most kinds of secrets."""

    def __init__(self, source: str, flags: int) -> None:
        self._source = source
        self._flags = flags

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """Raises `re.error`."""
        return re.compile(self._source, self._flags)


@dataclass(frozen=True, slots=True)
class SecretForm:
    """One kind of secret. What is masked is the group `secret` of the expression, or all of it when it has none."""

    name: str
    triggers: tuple[str, ...]
    """A match begins with one of them. Empty, for a workspace's own expressions: matches are searched for."""
    expression: Expression
    secret: Callable[[re.Match[str]], Span | None] = lambda match: match.span(_group(match))
    """Where in a match the secret stands; None when it is none after all."""
    window: int | None = None
    """Set for a workspace's own expressions: at most so many characters are matched at a time."""
    before: int = 0
    """How many characters of a match stand before its trigger."""
    nests: bool = False
    """Whether a trigger within a match may begin another one; else each place is looked at once."""
    begin: Expression | None = None
    """What is cut off by the end of a text and may be such a secret, from its trigger on; what a match of `expression`
    has reached the end with is one, too."""
    opens: Callable[[re.Match[str]], int | None] = lambda match: match.start(_group(match))
    """Where in a match that reaches the end of a text the secret begins."""

    @property
    def pattern(self) -> re.Pattern[str]:
        """The expression, compiled."""
        return self.expression.pattern

    def find_begun(self, text: str, trigger: int) -> int | None:
        """Where the secret begins that the end of a text cuts off behind a trigger; None when there is none."""
        place = trigger - self.before
        if place < 0:
            return None
        if self.begin is not None and (match := self.begin.pattern.match(text, place)):
            return match.start(_group(match))
        reached = self.pattern.match(text, place)
        return self.opens(reached) if reached is not None and reached.end() == len(text) else None


def _group(match: re.Match[str]) -> str | int:
    return "secret" if "secret" in match.re.groupindex else 0


def cases(*words: str) -> tuple[str, ...]:
    """A word as names spell it: `token`, `TOKEN`, `accessToken`."""
    return tuple(dict.fromkeys(case for word in words for case in (word, word.upper(), word.capitalize())))
