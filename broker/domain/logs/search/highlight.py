"""Where the terms of a search stand in a text, and the part of the text worth showing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import assert_never

from broker.domain.logs.search.query import Phrase, Substring, Term, Word
from broker.domain.logs.search.words import BETWEEN, ENDS, FOLD, STARTS, spellings, words

_MAX_SPANS = 1_000
"""For each term; a line with more is not read match by match."""
_GAP = "…"


@dataclass(frozen=True, slots=True)
class Span:
    """Characters `start` up to but not including `end`."""

    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Excerpt:
    """A piece of a text, with `…` where something was left out, and the matches in it."""

    text: str
    spans: tuple[Span, ...]


def highlights(text: str, terms: Iterable[Term]) -> tuple[Span, ...]:
    """Where the terms stand, in order; matches that touch or overlap are one span."""
    found = sorted(
        ((match.start(), match.end()) for term in terms for match in _matches(text, term)),
    )
    merged: list[Span] = []
    for start, end in found:
        if merged and start <= merged[-1].end:
            merged[-1] = Span(merged[-1].start, max(end, merged[-1].end))
        else:
            merged.append(Span(start, end))
    return tuple(merged)


def excerpt(text: str, terms: Iterable[Term], *, width: int = 240) -> Excerpt:
    """At most `width` characters (8 at least) around the first match; the beginning when nothing matches."""
    spans = highlights(text, terms)
    first = spans[0] if spans else Span(0, 0)
    start, end = _window(text, first, width=max(width, 8))
    head, tail = (_GAP if start > 0 else ""), (_GAP if end < len(text) else "")
    shift = len(head) - start
    inside = (Span(max(span.start, start), min(span.end, end)) for span in spans)
    return Excerpt(
        text=head + text[start:end] + tail,
        spans=tuple(Span(span.start + shift, span.end + shift) for span in inside if span.start < span.end),
    )


def _window(text: str, first: Span, *, width: int) -> tuple[int, int]:
    if len(text) <= width:
        return 0, len(text)
    room = width - 2 * len(_GAP)
    before = max(0, (room - (first.end - first.start)) // 3)  # what follows a match tells more than what precedes it
    start = min(max(0, first.start - before), len(text) - room)
    end = start + room
    return _at_space(text, start, stop=min(first.start, start + room // 4)), end


def _at_space(text: str, start: int, *, stop: int) -> int:
    """A little later than `start` when that avoids beginning inside a word."""
    if start == 0:
        return start
    space = re.compile(r"\s").search(text, start - 1, stop)
    return space.end() if space else start


def _matches(text: str, term: Term) -> Iterator[re.Match[str]]:
    pattern = _pattern(term)
    return islice(pattern.finditer(text), _MAX_SPANS) if pattern else iter(())


def _words(text: str) -> str:
    return f"{BETWEEN}+".join(re.escape(word) for word in words(text))


def _pattern(term: Term) -> re.Pattern[str] | None:
    match term:
        case Word(text) | Phrase(text):
            inner = "|".join(filter(None, map(_words, spellings(text))))
            return re.compile(f"{STARTS}(?:{inner}){ENDS}", FOLD) if inner else None
        case Substring(text):
            return re.compile("|".join(map(re.escape, spellings(text))), FOLD) if text else None
        case _ as other:
            assert_never(other)
