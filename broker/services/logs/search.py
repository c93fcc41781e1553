"""Searching the long history of a workspace's sessions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from broker.domain.agents.sessions import Session
from broker.domain.errors import BadRequest, NotFound, TooLarge
from broker.domain.ids import SessionId
from broker.domain.logs.damage import LogDamage
from broker.domain.logs.pages import Facet, SearchCursor, TimeBucket
from broker.domain.logs.rows import LogRow
from broker.domain.logs.search.fields import SESSION
from broker.domain.logs.search.highlight import Excerpt, excerpt
from broker.domain.logs.search.language import parse
from broker.domain.logs.search.query import LogQuery, Term
from broker.domain.people.access import Permission, Principal
from broker.services.agents.sessions import Sessions
from broker.services.permissions import check_within
from broker.services.ports import LogStore, require_store

MAX_HITS = 100
MAX_CONTEXT = 20
_HITS_WITH_CONTEXT = 25
"""Each costs the store two more questions."""
_LONGEST_QUERY = 4000
_SHOWN_COMMAND = 1000
"""Characters; a script of any length can be one command."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundLine:
    """A line as lists show it: the matching piece of its text, not the whole event."""

    row: LogRow
    session_name: str
    """'' when the session is gone."""
    excerpt: Excerpt


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundHit:
    """A line that matches, and what was logged around it."""

    line: FoundLine
    before: tuple[FoundLine, ...] = ()
    after: tuple[FoundLine, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundPage:
    """Hits, newest first; `next` continues behind the last one."""

    hits: list[FoundHit]
    next: SearchCursor | None
    damage: LogDamage | None = None
    """What may be missing among them, when it may."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundCount:
    """A value and how many lines have it; for sessions with the name, '' when the session is gone."""

    value: str
    count: int
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    store: LogStore
    query: LogQuery
    names: dict[SessionId, str]
    """Of sessions that were looked up so far."""


class LogSearch:
    """Answers searches written in the language of `broker.domain.logs.search`, inside what the caller may see."""

    def __init__(
        self, store: LogStore | None, sessions: Sessions, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._store = store
        self._sessions = sessions
        self._now = now

    @check_within("asking the log store requires something")
    async def search(
        self,
        principal: Principal,
        text: str,
        *,
        session: str | None = None,
        limit: int = 50,
        before: SearchCursor | None = None,
        context: int = 0,
    ) -> FoundPage:
        """Matching lines, newest first, with up to `context` lines around each.

        Pages are shorter with context. Raises `InvalidQuery`, `NotFound` for sessions, `NotConfigured`, `Unavailable`.
        """
        asked = await self._read_search(principal, text, session)
        most = _HITS_WITH_CONTEXT if context else MAX_HITS
        found = await asked.store.search(principal.workspace, asked.query, limit=min(limit, most), before=before)
        hits = [await self._hit(principal, asked, row, context=min(context, MAX_CONTEXT)) for row in found.rows]
        query, damage = asked.query, asked.store.damage
        since, until = (each.date() if each else None for each in (query.since, query.until))
        told = damage if damage is not None and damage.concerns(since, until) else None
        return FoundPage(hits=hits, next=found.next, damage=told)

    @property
    def damage(self) -> LogDamage | None:
        """What may be missing from all that is found and counted."""
        return self._store.damage if self._store else None

    @check_within("asking the log store requires something")
    async def histogram(
        self, principal: Principal, text: str, *, session: str | None = None, buckets: int = 60
    ) -> list[TimeBucket]:
        """How many lines match over time, in at most `buckets` equal spans; empty ones are left out."""
        asked = await self._read_search(principal, text, session)
        return await asked.store.histogram(principal.workspace, asked.query, buckets=buckets)

    @check_within("asking the log store requires something")
    async def facets(
        self, principal: Principal, text: str, field: Facet, *, session: str | None = None, limit: int = 20
    ) -> list[FoundCount]:
        """The most frequent values of a field among the lines that match."""
        asked = await self._read_search(principal, text, session)
        counts = await asked.store.facets(principal.workspace, asked.query, field, limit=limit)
        named = field is Facet.SESSION
        return [
            FoundCount(
                value=each.value,
                count=each.count,
                name=await self._name(principal, asked, SessionId(each.value)) if named else "",
            )
            for each in counts
        ]

    async def _read_search(self, principal: Principal, text: str, session: str | None) -> _Asked:
        principal.require(Permission.READ)
        store = require_store(self._store)
        if len(text) > _LONGEST_QUERY:
            raise TooLarge(f"a search has {_LONGEST_QUERY} characters at most")
        query = parse(text, now=self._now())
        names = await self._scope(principal, query, session)
        query = query.with_values(SESSION, tuple(names)).without_values(SESSION, tuple(sorted(principal.hidden)))
        return _Asked(store=store, query=query, names=names)

    async def _scope(self, principal: Principal, query: LogQuery, session: str | None) -> dict[SessionId, str]:
        """The sessions to look in, by id; none means all. An agent looks in its own only."""
        named = [await self._sessions.get(principal, reference) for reference in query.values(SESSION)]
        only = await self._only(principal, session)
        if only is None and not named and principal.only is not None:
            seen = await self._sessions.all_by_id(principal, principal.only)
            if not seen:
                raise NotFound("the sessions that this token is for are gone", code="SESSION_NOT_FOUND")
            return {each.id: each.name for each in seen.values()}
        if only is None:
            return {each.id: each.name for each in named}
        if named and only.id not in {each.id for each in named}:
            raise BadRequest(f"the search is for another session than {only.name}: leave one of them out")
        return {only.id: only.name}

    async def _only(self, principal: Principal, reference: str | None) -> Session | None:
        """The session that is asked for, or the only one that the caller sees."""
        if reference:
            return await self._sessions.get(principal, reference)
        return await self._sessions.by_id(principal, principal.session) if principal.session else None

    async def _hit(self, principal: Principal, asked: _Asked, row: LogRow, *, context: int) -> FoundHit:
        name = await self._name(principal, asked, row.session)
        line = _line(row, name, asked.query.terms)
        if not context:
            return FoundHit(line=line)
        around = await asked.store.context(
            principal.workspace, row.session, row.epoch, offset=row.offset, lines=context
        )
        return FoundHit(
            line=line,
            before=tuple(_line(each, name) for each in around if each.offset < row.offset),
            after=tuple(_line(each, name) for each in around if each.offset > row.offset),
        )

    async def _name(self, principal: Principal, asked: _Asked, session: SessionId) -> str:
        if session not in asked.names:
            try:
                asked.names[session] = (await self._sessions.by_id(principal, session)).name
            except NotFound:
                asked.names[session] = ""
        return asked.names[session]


def _line(row: LogRow, name: str, terms: tuple[Term, ...] = ()) -> FoundLine:
    shown = row._replace(command=row.command[:_SHOWN_COMMAND], text="", body="", diff="")
    return FoundLine(row=shown, session_name=name, excerpt=excerpt(row.text, terms))
