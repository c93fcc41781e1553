"""Which files a session's agents changed, with diffs: page by page, and for one turn."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import orjson

from broker.domain.agents.sessions import Session
from broker.domain.errors import BadRequest, NotFound
from broker.domain.logs.event_filter import EventFilter, event_filter
from broker.domain.logs.events import Cursor, EventKind
from broker.domain.logs.file_changes import FileChanges, file_changes, turns_of
from broker.domain.logs.pages import MAX_PAGE
from broker.domain.people.access import Principal
from broker.services.live.hub import position_of
from broker.services.logs.reader import LogReader
from broker.services.permissions import check_within

MAX_CHANGES = 100
"""Diffs are large: a page is bounded below what other pages are."""
_TURN_PAGES = 3
"""How far back the beginning of a turn is looked for, in pages of turn events."""
_MAX_OF_TURN = 1000
_MAX_BYTES_OF_TURN = 16 * 1024 * 1024
_TURNS = EventFilter(kinds=frozenset({EventKind.TURN_STARTED, EventKind.TURN_ENDED}))


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangesPage:
    """Changes, newest first. A page may be short, or empty; only `next` says whether there is more."""

    changes: list[FileChanges]
    next: Cursor | None
    reset: bool
    """The asked place is in another log: these are the newest."""


class FileHistory:
    """Reads what frames tell of edited files, across a log's tail and its history."""

    def __init__(self, reader: LogReader) -> None:
        self._reader = reader

    @check_within("reading the log requires something")
    async def of_session(
        self,
        principal: Principal,
        session: Session,
        *,
        agent: str | None = None,
        before: Cursor | None = None,
        limit: int = 50,
    ) -> ChangesPage:
        """The newest changes ahead of a place, of one agent when `agent` names it. Raises `NotPermitted`."""
        named = event_filter(agents=[agent] if agent else None)
        only = replace(named, edits=True)
        page = await self._reader.before(principal, session, before=before, limit=min(limit, MAX_CHANGES), only=only)
        edits = [orjson.loads(text) for text in page.events]
        turns = await self._turns(principal, session, edits)
        found = [file_changes(edit, turn=turns.get(edit["offset"])) for edit in reversed(edits)]
        return ChangesPage(changes=found, next=page.before, reset=page.reset)

    @check_within("reading the log requires something")
    async def of_turn(self, principal: Principal, session: Session, *, event: Cursor) -> list[FileChanges]:
        """What one turn changed, in order; `event` is where the turn's start or end stands in the log.

        Raises `NotPermitted`, `NotFound` when it is no longer kept, `BadRequest` when no turn starts or ends there.
        """
        told = await self._event(principal, session, event)
        if told["kind"] not in _TURNS.kinds:
            raise BadRequest(f"at {event} no turn starts or ends")
        own = EventFilter(agents=frozenset({told["name"].lower()}), kinds=_TURNS.kinds)
        if told["kind"] == EventKind.TURN_STARTED:
            page = await self._reader.after(principal, session, after=event, limit=1, only=own)
            since, upto = event.offset, _offset(page.events, otherwise=page.head.offset + 1)
        else:
            page = await self._reader.before(principal, session, before=event, limit=1, only=own)
            since, upto = _offset(page.events, otherwise=0), event.offset
        edits = await self._between(principal, session, Cursor(event.epoch, since), upto=upto, agents=own.agents)
        return [file_changes(edit, turn=told["data"]["turn"]) for edit in edits]

    async def _between(
        self, principal: Principal, session: Session, since: Cursor, *, upto: int, agents: frozenset[str]
    ) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        only = EventFilter(agents=agents, edits=True)
        size = 0
        while since.offset + 1 < upto and len(found) < _MAX_OF_TURN:
            page = await self._reader.after(principal, session, after=since, limit=MAX_CHANGES, only=only)
            size += sum(map(len, page.events))
            if size > _MAX_BYTES_OF_TURN:
                raise BadRequest(
                    "the turn changed more than can be shown at once; read the session's changes page by page",
                    code="TOO_LARGE",
                )
            edits = [orjson.loads(text) for text in page.events]
            found += [edit for edit in edits if edit["offset"] < upto]
            if page.after.offset <= since.offset:
                break
            since = page.after
        return found

    async def _event(self, principal: Principal, session: Session, at: Cursor) -> dict[str, Any]:
        page = await self._reader.around(principal, session, at=at, lines=0)
        told: dict[str, Any] | None = orjson.loads(page.events[0]) if page.events else None
        if told is None or (told["epoch"], told["offset"]) != (at.epoch, at.offset):
            raise NotFound(f"no event {at} is kept", code="EVENT_NOT_FOUND")
        return told

    async def _turns(
        self, principal: Principal, session: Session, edits: list[dict[str, Any]]
    ) -> dict[int, str | None]:
        """The turn of each edit; turns are far fewer than other events, so a page of them reaches far back."""
        if not edits:
            return {}
        only = replace(_TURNS, agents=frozenset((edit["name"] or "").lower() for edit in edits))
        before: Cursor | None = Cursor(edits[-1]["epoch"], edits[-1]["offset"])
        told: list[dict[str, Any]] = []
        found: dict[int, str | None] = {}
        for _ in range(_TURN_PAGES):
            page = await self._reader.before(principal, session, before=before, limit=MAX_PAGE, only=only)
            told = [orjson.loads(text) for text in page.events] + told
            found, before = turns_of(edits, told), page.before
            if before is None or len(found) == len(edits):
                break
        return found


def _offset(events: list[str], *, otherwise: int) -> int:
    return position_of(events[0]).offset if events else otherwise
