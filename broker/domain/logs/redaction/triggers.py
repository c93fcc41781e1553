"""Looking for the words that secrets begin with, without anything but the standard library."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence

Hit = tuple[int, int, int]
"""A trigger's number, where it begins and where it ends."""
TriggerSearch = Callable[[Sequence[str]], Callable[[str], list[Hit]]]
"""Given triggers, what finds all places where one of them stands in a text, those that overlap too, in order."""


def one_by_one(triggers: Sequence[str]) -> Callable[[str], list[Hit]]:
    """A `TriggerSearch`. Most texts have no trigger, and are told so by one expression over all."""
    numbered = list(enumerate(triggers))
    # Who has one that is part of another has that.
    least = {each for each in triggers if not any(other in each for other in triggers if other != each)}
    # Most have a sign: a text without one, as most words that a model streams, has none of those.
    signs = {sign for each in least for sign in each if not (sign.isalnum() or sign.isspace())}
    find_sign = _any_of(signs).search
    find_any = _any_of(least).search
    find_plain = _any_of(each for each in least if signs.isdisjoint(each)).search

    def find(text: str) -> list[Hit]:
        if not (find_any if find_sign(text) else find_plain)(text):
            return []
        present = [(number, trigger) for number, trigger in numbered if trigger in text]
        return sorted((hit for number, trigger in present for hit in _places(text, trigger, number)), key=_end_of)

    return find


def _any_of(words: Iterable[str]) -> re.Pattern[str]:
    """Matches where one of the words stands; none of them begins with another. Nothing, when there are none.

    Beginnings that words share are looked at once, which makes it five times as fast as `a|b|c`.
    """
    return re.compile(_branches(list(words)) or r"(?!)")


def _branches(words: Sequence[str]) -> str:
    rests: dict[str, list[str]] = defaultdict(list)
    for word in words:
        if word:
            rests[word[0]].append(word[1:])
    branches = [re.escape(first) + _branches(rest) for first, rest in rests.items()]
    return branches[0] if len(branches) == 1 else f"(?:{'|'.join(branches)})" if branches else ""


def _end_of(hit: Hit) -> tuple[int, int]:
    return hit[2], hit[1]


def _places(text: str, trigger: str, number: int) -> Iterator[Hit]:
    start = text.find(trigger)
    while start >= 0:
        yield number, start, start + len(trigger)
        start = text.find(trigger, start + 1)
