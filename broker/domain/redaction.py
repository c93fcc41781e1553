"""Masks secrets before anything is stored; the mark `[redacted:<form>]` shows that and what was masked.

Redacting twice changes nothing. The forms are in `secret_forms`, a workspace's own expressions in `redaction_rules`.
"""

from __future__ import annotations

import json
import math
import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from broker.domain.secret_forms import FORMS, MEMBER_TRIGGERS, SecretForm, is_secret_member

MEMBER = "field"
"""The mark's name where the value's name, not its look, told that it is a secret."""
_MAX_PASSES = 8
_ESCAPED_LETTERS = tuple(rf"\u00{digit}" for digit in "234567")
"""JSON may spell a secret's letters so; our own writers do not, but a frame need not be ours."""
_OVERLAP = 512
_ANY_MARK = re.compile(r"\[redacted:[a-z][a-z0-9-]{0,31}\]")

Span = tuple[int, int]

Place = tuple[Any, Any]
"""A container and the key or index in it."""

TriggerSearch = Callable[[Sequence[str]], Callable[[str], bool]]
"""Given triggers, what tells whether a text in lower case holds one of them."""


@dataclass(frozen=True, slots=True)
class Redacted:
    """A text without secrets, and how many there were."""

    text: str
    hits: int


def marks_in(text: str) -> int:
    """How many marks a text bears, those of rules that are gone too."""
    return len(_ANY_MARK.findall(text)) if "[redacted:" in text else 0


class Redactor:
    """Masks the known forms and a workspace's own. Immutable; make one for each workspace and keep it."""

    def __init__(
        self,
        rules: Iterable[SecretForm] = (),
        *,
        told: Callable[[str, int], object] | None = None,
        search: TriggerSearch | None = None,
    ) -> None:
        """`told` is called with a form's name and how many of its secrets were just masked.

        `search` looks for all triggers at once, in every event; without one they are tried one after the other.
        """
        own = tuple(rules)
        self._told = told
        self._forms = (*FORMS, *own)
        names = "|".join(sorted({re.escape(form.name) for form in self._forms} | {MEMBER}))
        self._mark = re.compile(rf"\[redacted:(?:{names})\]")
        self._looks_at_all = any(not form.triggers for form in own)
        every = (trigger for form in self._forms for trigger in form.triggers)
        self._holds_any = (search or _one_by_one)(tuple(dict.fromkeys((*every, *MEMBER_TRIGGERS, *_ESCAPED_LETTERS))))

    def suspects(self, text: str) -> bool:
        """Whether an event's JSON text can hold anything to mask. False is certain; most events need no more."""
        return self._looks_at_all or self._holds_any(text.lower())

    def text(self, text: str) -> Redacted:
        """Mask secrets in plain text."""
        total = 0
        last = ""
        for _ in range(_MAX_PASSES):
            text, hits, last = self._pass(text)
            if not hits:
                return Redacted(text, total)
            total += hits
        # Only a workspace's own rule can find something new beside each of its own marks. It is taken at its word.
        return Redacted(_mark(last), total)

    def json(self, value: Any) -> tuple[Any, int]:
        """Mask secrets in a JSON value: in strings, in names, whole where the name tells. A new value, and the hits."""
        root = [value]
        hits = 0
        waiting: list[Place] = [(root, 0)]  # not recursive: agents may nest as deep as they like
        while waiting:
            holder, key = waiting.pop()
            each = holder[key]
            if isinstance(each, str):
                done = self.text(each)
                holder[key], hits = done.text, hits + done.hits
            elif isinstance(each, dict):
                holder[key], masked = self._members(each)
                waiting += [(holder[key], name) for name in holder[key]]
                hits += masked
            elif isinstance(each, list):
                holder[key] = [*each]
                waiting += [(holder[key], index) for index in range(len(each))]
        return root[0], hits

    def json_text(self, text: str) -> Redacted:
        """Mask secrets in JSON text; the text itself when there are none. Raises `ValueError` when it is not JSON."""
        if not self.suspects(text):
            return Redacted(text, 0)
        value, hits = self.json(json.loads(text, parse_float=_finite))
        if not hits:
            return Redacted(text, 0)
        return Redacted(json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")), hits)

    def _members(self, members: dict[str, Any]) -> tuple[dict[str, Any], int]:
        """A copy of an object with names redacted and the values of secret members masked."""
        hits, copy = 0, {}
        header = members.get("name")
        named_value = isinstance(header, str) and is_secret_member(header)  # {"name": "Authorization", "value": …}
        for name, value in members.items():
            shown = self.text(name)
            secret = is_secret_member(name) or (named_value and name == "value")
            copy[shown.text], masked = self._masked(value) if secret else (value, 0)
            hits += shown.hits + masked
        return copy, hits

    def _masked(self, value: Any) -> tuple[Any, int]:
        if isinstance(value, list):
            pairs = [self._masked(each) if isinstance(each, str) else (each, 0) for each in value]
            return [new for new, _ in pairs], sum(hits for _, hits in pairs)
        if not isinstance(value, str) or not value or self._mark.fullmatch(value):
            return value, 0
        return self._marked(MEMBER, 1), 1

    def _marked(self, name: str, hits: int) -> str:
        if self._told is not None:
            self._told(name, hits)
        return _mark(name)

    def _pass(self, text: str) -> tuple[str, int, str]:
        lowered, hits, last = text.lower(), 0, ""
        for form in self._forms:
            if form.triggers and not _holds(lowered, form.triggers):
                continue
            text, found = self._mask(text, form)
            if found:
                hits, last = hits + found, form.name
        return text, hits, last

    def _mask(self, text: str, form: SecretForm) -> tuple[str, int]:
        spans = _merged(self._secrets(text, form))
        if not spans:
            return text, 0
        kept = [text[end:start] for (_, end), (start, _) in pairwise([(0, 0), *spans, (len(text), 0)])]
        return self._marked(form.name, len(spans)).join(kept), len(spans)

    def _secrets(self, text: str, form: SecretForm) -> Iterator[Span]:
        """Where a form's secrets stand. Marks that a match runs into go with it; a match inside of marks is none."""
        group = "secret" if "secret" in form.pattern.groupindex else 0
        marks = [mark.span() for mark in self._mark.finditer(text)] if "[redacted:" in text else []
        for match in _matches(text, form):
            start, end = match.span(group)
            touched = _touched(marks, start, end)
            covered = sum(min(b, end) - max(a, start) for a, b in touched)
            if covered < end - start and form.accepts(match[group]):
                yield min([start, *(a for a, _ in touched)]), max([end, *(b for _, b in touched)])


def _touched(marks: list[Span], start: int, end: int) -> list[Span]:
    first = bisect_right(marks, start, key=lambda mark: mark[1])
    return marks[first : bisect_left(marks, end, key=lambda mark: mark[0])]


def _matches(text: str, form: SecretForm) -> Iterator[re.Match[str]]:
    if form.window is None:
        yield from form.pattern.finditer(text)
        return
    for start, end in _windows(text, form.window):
        yield from form.pattern.finditer(text, start, end)


def _windows(text: str, size: int) -> Iterator[Span]:
    """Each line, the long ones in pieces that overlap."""
    start = 0
    for line in text.splitlines(keepends=True):
        for place in range(start, start + len(line), size - _OVERLAP):
            yield place, min(place + size, start + len(line))
        start += len(line)


def _finite(digits: str) -> float | None:
    """JSON has no infinity, but Python reads 1e999 as one and would write it so."""
    number = float(digits)
    return number if math.isfinite(number) else None


def _one_by_one(triggers: Sequence[str]) -> Callable[[str], bool]:
    return lambda lowered: _holds(lowered, triggers)


def _holds(lowered: str, triggers: Sequence[str]) -> bool:
    return any(trigger in lowered for trigger in triggers)


def _merged(spans: Iterable[Span]) -> list[Span]:
    """In order and apart: windows overlap, and so may what is found in them."""
    merged: list[Span] = []
    for start, end in sorted(spans):
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _mark(name: str) -> str:
    return f"[redacted:{name}]"
