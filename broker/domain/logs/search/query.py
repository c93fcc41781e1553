"""What a search asks for. `language` reads it from text; the store turns it into SQL with bound parameters."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from broker.domain.logs.search.fields import SearchField


@dataclass(frozen=True, slots=True)
class Word:
    """A whole word, any case."""

    text: str


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words one after the other, any case."""

    text: str


@dataclass(frozen=True, slots=True)
class Substring:
    """Characters anywhere, any case: `*part*` in the query language."""

    text: str


Term = Word | Phrase | Substring


@dataclass(frozen=True, slots=True)
class Wanted:
    """A field with any of some values, as they are written; with none of them if they are `excluded`."""

    field: SearchField
    values: tuple[str, ...]
    excluded: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LogQuery:
    """All given conditions hold."""

    terms: tuple[Term, ...] = ()
    without: tuple[Term, ...] = ()
    fields: tuple[Wanted, ...] = ()
    since: datetime | None = None
    until: datetime | None = None

    def values(self, field: SearchField) -> tuple[str, ...]:
        """What is asked for in a field; nothing where it may be anything."""
        return next((each.values for each in self.fields if each.field is field and not each.excluded), ())

    def with_values(self, field: SearchField, values: tuple[str, ...]) -> LogQuery:
        """The same with these values alone in a field."""
        others = tuple(each for each in self.fields if each.field is not field or each.excluded)
        wanted = (Wanted(field, values),) if values else ()
        return replace(self, fields=(*wanted, *others))

    def without_values(self, field: SearchField, values: tuple[str, ...]) -> LogQuery:
        """The same, and none of these values in a field."""
        unwanted = (Wanted(field, values, excluded=True),) if values else ()
        return replace(self, fields=(*self.fields, *unwanted))
