"""Turns a search into a condition and bound parameters. What people typed is only ever a parameter."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import assert_never

from broker.adapters.clickhouse.schema import WordIndex
from broker.domain.ids import WorkspaceId
from broker.domain.instants import to_ms
from broker.domain.logs.event_filter import EventFilter
from broker.domain.logs.pages import SearchCursor
from broker.domain.logs.search.fields import Match, SearchField
from broker.domain.logs.search.query import LogQuery, Phrase, Substring, Term, Word
from broker.domain.logs.search.windows import Window
from broker.domain.logs.search.words import spellings

_TEXT = "lower(text)"
"""The indexed expression, letter for letter, or the index is not used. Python lowers what is looked for."""
_FOLDED = "folded"
"""The text in lower case where `lower`, which knows ASCII only, is not enough; else empty."""
_SEPARATOR = r"[\x00-\x2f\x3a-\x40\x5b-\x60\x7b-\x7f]"
"""What `splitByNonAlpha` splits at: ASCII that is no letter or digit. All else belongs to words."""


@dataclass(slots=True)
class Condition:
    """Parts that all hold, and the values they name."""

    workspace: str
    """Whose rows they are about."""
    parts: list[str] = field(default_factory=list)
    parameters: dict[str, object] = field(default_factory=dict)

    def bind(self, value: object, kind: str) -> str:
        """A placeholder for a value."""
        name = f"p{len(self.parameters)}"
        self.parameters[name] = value
        return f"{{{name}:{kind}}}"

    def add(self, part: str) -> None:
        """Require one more thing."""
        self.parts.append(part)

    @property
    def sql(self) -> str:
        """For WHERE."""
        return " AND ".join(self.parts)


def of_workspace(workspace: WorkspaceId, *, expired_too: bool = False) -> Condition:
    """Every query begins here: one tenant's rows that have not expired; merges remove those later."""
    condition = Condition(str(workspace))
    condition.add(f"workspace = {condition.bind(str(workspace), 'String')}")
    if not expired_too:
        condition.add("expires_at > now()")
    return condition


def of_query(workspace: WorkspaceId, query: LogQuery, *, index: WordIndex) -> Condition:
    """Rows that a search asks for."""
    condition = of_workspace(workspace)
    for part in (*_fields(condition, query), *_times(condition, query)):
        condition.add(part)
    for term in query.terms:
        condition.add(_term(condition, term, index))
    for term in query.without:
        condition.add(f"NOT ({_term(condition, term, index)})")
    return condition


def before(condition: Condition, cursor: SearchCursor) -> None:
    """Only what comes after `cursor` in newest-first order."""
    at = _instant(condition, to_ms(cursor.at))
    session = condition.bind(str(cursor.session), "String")
    epoch = condition.bind(cursor.epoch, "String")
    offset = condition.bind(cursor.offset, "UInt64")
    # The first comparison is implied by the second, but only the first can use the index.
    condition.add(f"at <= {at}")
    condition.add(f"(at, session, epoch, offset) < ({at}, {session}, {epoch}, {offset})")


def add_filter(condition: Condition, only: EventFilter) -> None:
    """Only rows a filter admits; for edited files a few more, as the event itself decides there."""
    kinds = [_one_of(condition, "event", tuple(sorted(only.kinds)))] if only.kinds else []
    kinds += [f"startsWith(event, {condition.bind(prefix, 'String')})" for prefix in only.families]
    if kinds:
        condition.add(_either(kinds))
    if only.agents:
        condition.add(_match_name(condition, "agent", tuple(sorted(only.agents))))
    if only.edits:
        condition.add("event = 'agent.frame' AND (kind = 'files' OR (kind = 'command' AND notEmpty(paths)))")


def within(condition: Condition, window: Window) -> None:
    """Only what stands in a span of time."""
    if window.since is not None:
        condition.add(f"at >= {_instant(condition, to_ms(window.since))}")
    if window.until is not None:
        condition.add(f"at < {_instant(condition, to_ms(window.until))}")


def tokens(text: str) -> list[str]:
    """The words of a text as the index has them."""
    return [token for token in re.split(_SEPARATOR, text) if token]


def first_word(query: LogQuery) -> str:
    """What a hit is shown around, in lower case; '' when no word is looked for."""
    if not query.terms:
        return ""
    text = query.terms[0].text.lower()
    words = [] if isinstance(query.terms[0], Substring) else tokens(text)
    return words[0] if words else text


def like(pattern: str) -> str:
    """A shell-style pattern (`*`, `?`) for LIKE."""
    return _escape(pattern).replace("*", "%").replace("?", "_")


def _escape(text: str) -> str:
    return re.sub(r"([\\%_])", r"\\\1", text)


def _fields(condition: Condition, query: LogQuery) -> Iterator[str]:
    for wanted in query.fields:
        part = _holds(condition, wanted.field, wanted.values)
        yield f"NOT {part}" if wanted.excluded else part


def _holds(condition: Condition, searched: SearchField, values: tuple[str, ...]) -> str:
    """One field has any of some values."""
    match searched.match:
        case Match.WORD | Match.KIND:
            return _one_of(condition, searched.column, values)
        case Match.NAME:
            return _match_name(condition, searched.column, values)
        case Match.PATTERN:
            return _any_like(condition, searched.column, values)
        case Match.PATH:
            return f"arrayExists(path -> {_path_like(condition, values)}, {searched.column})"
        case Match.STATUS:
            given, column = condition.bind([int(value) for value in values], "Array(Int64)"), searched.column
            return f"({column} IS NOT NULL AND has({given}, assumeNotNull({column})))"
        case Match.FAILURE:
            return f"NOT {searched.column}" if values == ("true",) else searched.column
        case Match.SINCE | Match.UNTIL:
            raise ValueError(f"{searched.word} is no condition on a value")
        case _ as other:
            assert_never(other)


def _times(condition: Condition, query: LogQuery) -> Iterator[str]:
    if query.since is not None:
        yield f"at >= {_instant(condition, to_ms(query.since))}"
    if query.until is not None:
        yield f"at < {_instant(condition, to_ms(query.until))}"


def _instant(condition: Condition, ms: int) -> str:
    return f"fromUnixTimestamp64Milli({condition.bind(ms, 'Int64')}, 'UTC')"


def _strings(values: Iterable[str]) -> list[str]:
    return [str(value) for value in values]


def _one_of(condition: Condition, column: str, values: tuple[str, ...]) -> str:
    return f"({column} IN {condition.bind(_strings(values), 'Array(String)')})"


def _match_name(condition: Condition, column: str, names: tuple[str, ...]) -> str:
    """An agent's name is the same in any case, as it is in addresses."""
    given = condition.bind(_strings(names), "Array(String)")
    return f"has(arrayMap(name -> lower(name), {given}), lower({column}))"


def _any_like(condition: Condition, column: str, patterns: tuple[str, ...]) -> str:
    return _either(f"{column} ILIKE {condition.bind(like(text), 'String')}" for text in _spellings(patterns))


def _path_like(condition: Condition, patterns: tuple[str, ...]) -> str:
    """A relative pattern fits below any folder, as people write `src/*.py` and agents report absolute paths."""
    fits = []
    for pattern in _spellings(patterns):
        fits.append(f"path LIKE {condition.bind(like(pattern), 'String')}")
        if not pattern.startswith(("/", "*")):
            fits.append(f"path LIKE {condition.bind('%/' + like(pattern), 'String')}")
    return _either(fits)


def _spellings(patterns: Iterable[str]) -> Iterator[str]:
    for pattern in patterns:
        yield from spellings(pattern)


def _either(parts: Iterable[str]) -> str:
    all_parts = list(parts)
    return all_parts[0] if len(all_parts) == 1 else f"({' OR '.join(all_parts)})"


def _term(condition: Condition, term: Term, index: WordIndex) -> str:
    return _either(_spelt(condition, replace(term, text=text), index) for text in spellings(term.text))


def _spelt(condition: Condition, term: Term, index: WordIndex) -> str:
    match term:
        case Word(text) | Phrase(text):
            words = tokens(text.lower())
            return _words(condition, words, index) if words else _contains(condition, text)
        case Substring(text):
            return _contains(condition, text)
        case _ as other:
            assert_never(other)


def _contains(condition: Condition, text: str) -> str:
    part = condition.bind(f"%{_escape(text.lower())}%", "String")
    return _either(f"{where} LIKE {part}" for where in _columns(text))


def _words(condition: Condition, words: list[str], index: WordIndex) -> str:
    """One word, or several in a row: the index finds the lines that have them all, then their order is looked at."""
    places = _columns("".join(words))
    if len(words) == 1:
        return _either(_have_all(condition, words, where, index) for where in places)
    return _either(
        f"({_have_all(condition, words, where, index)} AND {_in_a_row(condition, words, where, index)})"
        for where in places
    )


def _columns(text: str) -> tuple[str, ...]:
    return (_TEXT,) if text.isascii() else (_TEXT, _FOLDED)


def _have_all(condition: Condition, words: list[str], where: str, index: WordIndex) -> str:
    match index:
        case WordIndex.TEXT:
            return f"hasAllTokens({where}, {condition.bind(words, 'Array(String)')})"
        case WordIndex.TOKEN_FILTER:
            return " AND ".join(f"hasToken({where}, {condition.bind(word, 'String')})" for word in words)
        case _ as other:
            assert_never(other)


def _in_a_row(condition: Condition, words: list[str], where: str, index: WordIndex) -> str:
    match index:
        case WordIndex.TEXT:
            return f"hasPhrase({where}, {condition.bind(' '.join(words), 'String')})"
        case WordIndex.TOKEN_FILTER:
            return f"match({where}, {condition.bind(_pattern(words), 'String')})"
        case _ as other:
            assert_never(other)


def _pattern(words: list[str]) -> str:
    """Tokens hold letters, digits and what is not ASCII: nothing that means something in a pattern."""
    return f"(^|{_SEPARATOR}){f'{_SEPARATOR}+'.join(words)}($|{_SEPARATOR})"
