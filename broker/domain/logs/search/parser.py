"""Makes a search of its conditions, or says which of them cannot be meant so."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from enum import StrEnum
from typing import NoReturn, TypeVar

from broker.domain.logs.rows import LineKind
from broker.domain.logs.search.fields import EXCLUDABLE, FAILED, Match, SearchField
from broker.domain.logs.search.lexer import Condition, InvalidQuery
from broker.domain.logs.search.query import LogQuery, Phrase, Substring, Term, Wanted, Word
from broker.domain.logs.search.words import is_unspaced, words

_AGE = re.compile(r"(\d{1,9})([smhdw])", re.IGNORECASE | re.ASCII)
_DATE = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d.*)?", re.ASCII)
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_STATUS = re.compile(r"-?\d{1,10}", re.ASCII)
_OPERATORS = frozenset({"AND", "OR", "NOT"})
MAX_VALUES = 64
MAX_CHARACTERS = 500
"""Of one value; longer texts are pasted by mistake and would only slow the store down."""


class Reading:
    """Takes conditions one by one; what is said twice counts once."""

    def __init__(self, text: str, now: datetime) -> None:
        self._text = text
        self._now = now.astimezone(UTC)
        self._terms: list[Term] = []
        self._without: list[Term] = []
        self._values: dict[tuple[SearchField, bool], list[str]] = {}
        self._times: dict[Match, datetime] = {}
        self._count = 0

    def take(self, condition: Condition) -> None:
        """Add a condition."""
        if condition.field is None:
            self._bound(condition.value, at=condition.value_at)
            (self._without if condition.excluded else self._terms).append(self._term(condition))
            return
        field = condition.field
        if condition.starred:
            self._refuse(
                "stars around quotes are for words; put them inside the quotes here", at=condition.value_at - 2
            )
        if condition.excluded and not field.excludable:
            self._refuse(f"{field.word}: cannot be excluded; words, {' and '.join(EXCLUDABLE)} can", at=condition.at)
        if field.is_time:
            self._set_time(field, condition)
        elif field.match is Match.FAILURE:
            self._set_failed(self._truth(condition), condition)
        elif field.match is Match.STATUS and condition.value.replace(" ", "") == "!=0":
            self._set_failed("true", condition)
        else:
            self._values.setdefault((field, condition.excluded), []).extend(self._list(field, condition))

    def query(self) -> LogQuery:
        """The search that all conditions make."""
        return LogQuery(
            terms=_once(self._terms),
            without=_once(self._without),
            fields=tuple(
                Wanted(field, _once(values), excluded=excluded) for (field, excluded), values in self._values.items()
            ),
            since=self._times.get(Match.SINCE),
            until=self._times.get(Match.UNTIL),
        )

    def _term(self, condition: Condition) -> Term:
        value = condition.value
        if condition.starred:
            return Substring(value)
        if condition.quoted:
            return Phrase(value) if words(value) and not is_unspaced(value) else Substring(value)
        if condition.excluded and value.startswith("-"):
            self._refuse("one minus excludes; put a text that begins with it in quotes", at=condition.at)
        if value in _OPERATORS:
            self._refuse(
                f"there is no {value}: all conditions hold, a minus excludes, kind:a,b is either", at=condition.at
            )
        if "*" in value:
            return self._part(condition)
        if is_unspaced(value):
            return Substring(value)
        match words(value):
            case []:
                return Substring(value)
            case [word] if word == value:
                return Word(value)
            case _:
                return Phrase(value)

    def _part(self, condition: Condition) -> Substring:
        part = condition.value.strip("*")
        if not part or "*" in part:
            problem = "a * stands only before and after a part of a word, *like this*"
            self._refuse(problem, at=condition.value_at + condition.value.index("*", 1 if part else 0))
        return Substring(part)

    def _list(self, field: SearchField, condition: Condition) -> list[str]:
        if condition.quoted or not field.is_list:
            return [self._check(field, condition.value, at=condition.value_at)]
        values, at = [], condition.value_at
        for value in condition.value.split(","):
            values.append(self._check(field, value, at=at))
            at += len(value) + 1
        return values

    def _check(self, field: SearchField, value: str, *, at: int) -> str:
        self._bound(value, at=at)
        if not value:
            self._refuse("a value is missing beside this comma", at=at)
        if field.match is Match.KIND:
            if value.lower() not in set(LineKind):
                self._refuse(f"there is no kind {value}{_suggestion(value, LineKind)}", at=at)
            return value.lower()
        if field.match is Match.STATUS:
            if not (_STATUS.fullmatch(value) and -(2**31) <= int(value) < 2**31):
                self._refuse("an exit status is a number, or !=0", at=at)
            return str(int(value))
        return value

    def _truth(self, condition: Condition) -> str:
        if condition.value.lower() not in {"true", "false"}:
            self._refuse("failed: is true or false", at=condition.value_at)
        return condition.value.lower()

    def _set_failed(self, failed: str, condition: Condition) -> None:
        if self._values.setdefault((FAILED, False), [failed]) != [failed]:
            self._refuse("this contradicts an earlier condition", at=condition.at)

    def _set_time(self, field: SearchField, condition: Condition) -> None:
        if field.match in self._times:
            self._refuse(f"{field.word}: is given twice", at=condition.at)
        try:
            self._times[field.match] = instant(condition.value, self._now)
        except (ValueError, OverflowError):
            example = self._now.strftime("%Y-%m-%dT%H:%M")
            self._refuse(f"a time is an age such as 2h or 7d, or like {example}", at=condition.value_at)
        since, until = self._times.get(Match.SINCE), self._times.get(Match.UNTIL)
        if since and until and since >= until:
            self._refuse("nothing lies between: until: must be later than since:", at=condition.at)

    def _bound(self, value: str, *, at: int) -> None:
        self._count += 1
        if self._count > MAX_VALUES:
            self._refuse(f"more than {MAX_VALUES} conditions", at=at)
        if len(value) > MAX_CHARACTERS:
            self._refuse(f"{len(value)} characters; {MAX_CHARACTERS} at most", at=at)

    def _refuse(self, problem: str, *, at: int) -> NoReturn:
        raise InvalidQuery(problem, query=self._text, at=at)


def instant(text: str, now: datetime) -> datetime:
    """An age, counted from `now`, or a time. Raises `ValueError`, `OverflowError`."""
    age = _AGE.fullmatch(text)
    if age:
        return now - timedelta(**{_UNITS[age[2].lower()]: int(age[1])})
    if not _DATE.fullmatch(text):
        raise ValueError(text)
    at = datetime.fromisoformat(text)
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def _suggestion(word: str, known: type[StrEnum]) -> str:
    names = [str(each) for each in known]
    close = get_close_matches(word.lower(), names, n=1)
    return f"; did you mean {close[0]}?" if close else f" (known: {', '.join(names)})"


_T = TypeVar("_T")


def _once(values: Iterable[_T]) -> tuple[_T, ...]:
    return tuple(dict.fromkeys(values))
