"""What a search asks for. `language` reads it from text; the store turns it into SQL with bound parameters."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from broker.domain.ids import SessionId
from broker.domain.logs.rows import LineKind


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


@dataclass(frozen=True, slots=True, kw_only=True)
class LogQuery:
    """All given conditions hold; within one field any of its values will do."""

    terms: tuple[Term, ...] = ()
    without: tuple[Term, ...] = ()
    sessions: tuple[SessionId, ...] = ()
    agents: tuple[str, ...] = ()
    not_agents: tuple[str, ...] = ()
    clis: tuple[str, ...] = ()
    kinds: tuple[LineKind, ...] = ()
    not_kinds: tuple[LineKind, ...] = ()
    tools: tuple[str, ...] = ()
    """Shell-style patterns, as for commands and paths."""
    commands: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    exit_codes: tuple[int, ...] = ()
    failed: bool | None = None
    since: datetime | None = None
    until: datetime | None = None
