"""Masks secrets before anything is stored; the mark `[redacted:<form>]` shows that and what was masked.

Redacting twice changes nothing. The forms are in `forms`, a workspace's own expressions in `rules`.
"""

from __future__ import annotations

import json
import math
import re
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Set
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from broker.domain.logs.redaction.encodings import base64_run, base64_triggers, read
from broker.domain.logs.redaction.form import SecretForm, Span
from broker.domain.logs.redaction.forms import BASE64_WORDS, ESCAPED_TRIGGERS, FORMS
from broker.domain.logs.redaction.named import MEMBER_TRIGGERS, is_member_secret, is_secret_flag, member_kind
from broker.domain.logs.redaction.triggers import Hit, TriggerSearch, one_by_one

MEMBER = "field"
"""The mark's name where the value's name told that it is a secret."""
OVERFULL = "overfull"
"""The mark's name for a text in which too much would have to be looked at."""
_MOST_TRIGGERS = 20_000
"""Of one text or event. Each costs microseconds, and an agent may send nothing but triggers: beyond this, what holds
one is masked whole, so that no event stops the loop. 16 MB of recorded work hold fewer."""
_SHORTEST_TRIGGER = 3
_PIECE = 128 * 1024
_MAX_PASSES = 8
_OVERLAP = 512
_ANY_MARK = re.compile(r"\[redacted:[a-z][a-z0-9-]{0,31}(?:#\d+)?\]")
_NAME_MEMBERS = ("name", "key", "header", "field")
"""`{"name": "API_TOKEN", "value": …}`: lists of headers, of variables, of settings."""

Place = tuple[Any, Any]
"""A container and the key or index in it."""


@dataclass(frozen=True, slots=True)
class Redacted:
    """A text without secrets, and how many there were."""

    text: str
    hits: int


@dataclass(frozen=True, slots=True, order=True)
class _Found:
    """A secret in a text. The rank is its form's: the particular before the general."""

    start: int
    end: int
    rank: int


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
        decodes: bool = True,
    ) -> None:
        """`told` is called with a form's name and how many of its secrets were just masked.

        `search` looks for all triggers at once, in every event; without one they are tried one after the other.
        `decodes`: it looks for secrets in base64, too, which has most of the triggers.
        """
        own = tuple(rules)
        self._told = told
        self._forms = (*FORMS, *own)
        self._own = range(len(FORMS), len(self._forms))
        names = "|".join(sorted({re.escape(form.name) for form in self._forms} | {MEMBER, OVERFULL}))
        self._mark = re.compile(rf"\[redacted:(?:{names})(?:#\d+)?\]")
        encoded = _BASE64_TRIGGERS if decodes else ()
        self._triggers = tuple(dict.fromkeys((*_FORM_TRIGGERS, *encoded, *ESCAPED_TRIGGERS, *MEMBER_TRIGGERS)))
        self.longest_trigger = max(map(len, self._triggers))
        self._find_triggers = (search or one_by_one)(self._triggers)
        numbers = {trigger: number for number, trigger in enumerate(self._triggers)}
        self._by_trigger: dict[int, list[int]] = {}
        for rank, form in enumerate(FORMS):
            for trigger in form.triggers:
                self._by_trigger.setdefault(numbers[trigger], []).append(rank)
        self._base64 = frozenset(numbers[trigger] for trigger in encoded)

    @property
    def has_rules(self) -> bool:
        """Whether it masks anything that only its workspace knows of."""
        return bool(self._own)

    def suspects(self, text: str) -> bool:
        """Whether an event's JSON text can hold anything to mask. False is certain; most events need no more."""
        return bool(self._own) or bool(self._find_triggers(text))

    def text(self, text: str) -> Redacted:
        """Mask secrets in plain text."""
        if len(text) > _MOST_TRIGGERS * _SHORTEST_TRIGGER and self._count_triggers(text) > _MOST_TRIGGERS:
            return self._whole(text)
        total = 0
        last = ""
        for _ in range(_MAX_PASSES):
            text, hits, last = self._pass(text)
            if not hits:
                return Redacted(text, total)
            total += hits
        # Only a workspace's own rule can find something new beside each of its own marks. It is taken at its word.
        return Redacted(mark_of(last), total)

    def find(self, text: str) -> list[tuple[int, int, str]]:
        """Where secrets stand in plain text, in order and apart, and their forms' names."""
        found = _merge(self._outside_marks(text, self._secrets(text)))
        return [(each.start, each.end, self._forms[each.rank].name) for each in found]

    def look(self, text: str) -> tuple[list[tuple[int, int, str]], int]:
        """As `find`, of a text that may go on; and from where on it may be a secret that has not ended.

        That is told by what is known of a secret's beginning, which may be too short to be found; without one it is the
        text's length.
        """
        found = self.find(text)
        starts = [start for start, end, _ in found if end == len(text)]
        hits = self._find_triggers(text)
        reading = read(text) if hits else None
        if reading is None:
            starts += self._open(text, hits)
        else:
            opened = self._open(reading.text, self._find_triggers(reading.text))
            starts += (reading.span(at, at + 1)[0] for at in opened)
        return found, min([len(text), *starts])

    def _open(self, text: str, hits: Iterable[Hit]) -> Iterator[int]:
        """Where matches of known forms begin that only the end of the text has ended."""
        for number, start, _ in hits:
            for rank in self._by_trigger.get(number, ()):
                begun = FORMS[rank].find_begun(text, start)
                if begun is not None:
                    yield begun

    def json(self, value: Any) -> tuple[Any, int]:
        """Mask secrets in a JSON value: in strings, in names, whole where the name tells. A new value, and the hits."""
        return _walk(value, text=self.text, members=self._members, items=self._arguments)

    def json_text(self, text: str) -> Redacted:
        """Mask secrets in JSON text; the text itself when there are none. Raises `ValueError` when it is not JSON."""
        triggers = self._count_triggers(text)
        if not (triggers or self._own):
            return Redacted(text, 0)
        value = json.loads(text, parse_float=_finite)
        if triggers > _MOST_TRIGGERS:
            value, hits = _walk(value, text=self._whole, members=self._whole_names, items=_as_they_are)
        else:
            value, hits = self.json(value)
        if not hits:
            return Redacted(text, 0)
        return Redacted(json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")), hits)

    def _count_triggers(self, text: str, *, most: int = _MOST_TRIGGERS) -> int:
        """How many triggers are in a text; of more than `most` it is only told that they are more."""
        found = 0
        for start in range(0, len(text), _PIECE):
            found += len(self._find_triggers(text[start : start + _PIECE + self.longest_trigger]))
            if found > most:
                break
        return found

    def _whole(self, text: str) -> Redacted:
        """A mark in place of a text that has a trigger."""
        if not self._count_triggers(text, most=0):
            return Redacted(text, 0)
        self._tell([OVERFULL])
        return Redacted(mark_of(OVERFULL), 1)

    def _whole_names(self, members: dict[str, Any]) -> tuple[dict[str, Any], int]:
        """A copy of an object with numbered marks in place of the names that have a trigger."""
        names = [self._whole(name) for name in members]
        shown = (name.text if not name.hits else f"{name.text[:-1]}#{at}]" for at, name in enumerate(names, 1))
        return dict(zip(shown, members.values(), strict=True)), sum(name.hits for name in names)

    def _members(self, members: dict[str, Any]) -> tuple[dict[str, Any], int]:
        """A copy of an object with names redacted and the values of secret members masked."""
        hits = 0
        copy: dict[str, Any] = {}
        named = next((value for name in _NAME_MEMBERS if isinstance(value := members.get(name), str)), None)
        for name, value in members.items():
            shown = self.text(name)
            masked, found = self._mask(named if named is not None and name == "value" else name, value)
            copy[shown.text if name == shown.text else _unlike(shown.text, members.keys() | copy.keys())] = masked
            hits += shown.hits + found
        return copy, hits

    def _mask(self, name: str, value: Any) -> tuple[Any, int]:
        """A member's value, masked when its name says that it is a secret and it looks like one."""
        kind = member_kind(name)
        if kind is None:
            return value, 0
        if isinstance(value, list):
            pairs = [self._mask(name, each) if isinstance(each, str) else (each, 0) for each in value]
            return [new for new, _ in pairs], sum(hits for _, hits in pairs)
        if not isinstance(value, str) or "[redacted:" in value or not is_member_secret(kind, value):
            return value, 0
        self._tell([MEMBER])
        return mark_of(MEMBER), 1

    def _arguments(self, values: list[Any]) -> tuple[list[Any], int]:
        """A copy of a list, in which what follows `--password` is masked."""
        copy, hits = [*values], 0
        for index, (flag, value) in enumerate(pairwise(values), start=1):
            if isinstance(flag, str) and isinstance(value, str) and flag[:1] == "-" and is_secret_flag(flag):
                copy[index], found = self._mask(flag.lstrip("-"), value)
                hits += found
        return copy, hits

    def _tell(self, names: Iterable[str]) -> None:
        if self._told is not None:
            for name, hits in Counter(names).items():
                self._told(name, hits)

    def _pass(self, text: str) -> tuple[str, int, str]:
        """The text with all that is found in it masked, how much that was, and the last one's form."""
        found = self.find(text)
        if not found:
            return text, 0, ""
        parts, at = [], 0
        for start, end, name in found:
            parts += [text[at:start], mark_of(name)]
            at = end
        self._tell(name for _, _, name in found)
        return "".join([*parts, text[at:]]), len(found), found[-1][2]

    def _secrets(self, text: str) -> Iterator[_Found]:
        hits = self._find_triggers(text)
        reading = read(text) if hits else None
        if reading is None:
            yield from self._find_known(text, hits)
        else:
            for secret in self._find_known(reading.text, self._find_triggers(reading.text)):
                yield _Found(*reading.span(secret.start, secret.end), secret.rank)
        for rank in self._own:
            form = self._forms[rank]
            for match in _matches(text, form):
                if span := form.secret(match):
                    yield _Found(*span, rank)

    def _find_known(self, text: str, hits: Iterable[Hit], *, is_decoded: bool = False) -> Iterator[_Found]:
        """Where the known forms stand. Base64 is read once: a secret that was encoded twice stays."""
        decoded_to = 0
        ends: dict[int, int] = {}
        for number, start, _ in hits:
            for rank in self._by_trigger.get(number, ()):
                form = FORMS[rank]
                if start < ends.get(rank, form.before):
                    continue
                match = form.pattern.match(text, start - form.before)
                if match is None:
                    continue
                if not form.nests:
                    ends[rank] = match.end()
                if span := form.secret(match):
                    yield _Found(*span, rank)
            if number in self._base64 and start >= decoded_to and not is_decoded:
                run = base64_run(text, start)
                decoded_to = run.end
                if run.said is not None:
                    for secret in self._find_known(run.said, self._find_triggers(run.said), is_decoded=True):
                        yield _Found(*run.span(secret.start, secret.end), secret.rank)

    def _outside_marks(self, text: str, found: Iterable[_Found]) -> Iterator[_Found]:
        """Marks that a secret runs into go with it; a secret inside of marks is none."""
        marks = [mark.span() for mark in self._mark.finditer(text)] if "[redacted:" in text else []
        for secret in found:
            touched = _find_touched(marks, secret.start, secret.end)
            covered = sum(min(b, secret.end) - max(a, secret.start) for a, b in touched)
            if covered < secret.end - secret.start:
                start = min([secret.start, *(a for a, _ in touched)])
                yield _Found(start, max([secret.end, *(b for _, b in touched)]), secret.rank)


def _unlike(name: str, taken: Set[str]) -> str:
    """A masked name beside others: two members stay two, by a number in the mark."""
    number, shown = 2, name
    while shown in taken and (mark := _ANY_MARK.search(name)):
        shown = f"{name[: mark.end() - 1]}#{number}{name[mark.end() - 1 :]}"
        number += 1
    return shown


def _find_touched(marks: list[Span], start: int, end: int) -> list[Span]:
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


def _walk(
    value: Any,
    *,
    text: Callable[[str], Redacted],
    members: Callable[[dict[str, Any]], tuple[dict[str, Any], int]],
    items: Callable[[list[Any]], tuple[list[Any], int]],
) -> tuple[Any, int]:
    """A JSON value made anew from what stands for its strings, objects and lists, outermost first; and the hits."""
    root = [value]
    hits = 0
    waiting: list[Place] = [(root, 0)]  # not recursive: agents may nest as deep as they like
    while waiting:
        holder, key = waiting.pop()
        each = holder[key]
        if isinstance(each, str):
            done = text(each)
            holder[key], hits = done.text, hits + done.hits
        elif isinstance(each, dict):
            holder[key], masked = members(each)
            waiting += [(holder[key], name) for name in holder[key]]
            hits += masked
        elif isinstance(each, list):
            holder[key], masked = items(each)
            waiting += [(holder[key], index) for index in range(len(each))]
            hits += masked
    return root[0], hits


def _as_they_are(values: list[Any]) -> tuple[list[Any], int]:
    return [*values], 0


def _merge(found: Iterable[_Found]) -> list[_Found]:
    """In order and apart. Of those that overlap the longest gives the name, of equals the particular one."""
    merged: list[_Found] = []
    for secret in sorted(found):
        if merged and secret.start < merged[-1].end:
            last = merged[-1]
            widest = min(last, secret, key=lambda each: (each.start - each.end, each.rank))
            merged[-1] = _Found(last.start, max(last.end, secret.end), widest.rank)
        else:
            merged.append(secret)
    return merged


def mark_of(name: str) -> str:
    """What stands where a secret of that form was."""
    return f"[redacted:{name}]"


_FORM_TRIGGERS = tuple(trigger for form in FORMS for trigger in form.triggers)
_BASE64_TRIGGERS = base64_triggers(BASE64_WORDS)
