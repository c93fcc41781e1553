"""Moves sessions' logs to the log store, in order; only what has arrived there is let go of here.

A shipper may be killed between any two lines: what it inserted but did not mark is inserted again, and the store keeps
each event once.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

import orjson

from broker.domain.errors import NotFound
from broker.domain.events import Cursor
from broker.domain.ids import AgentId, SessionId, WorkspaceId
from broker.domain.log_projection import project
from broker.domain.log_rows import LogRow
from broker.domain.redaction import marks_in
from broker.services.ports import Backlog, EventLog, LogStore, Registry

_BATCH = 5000
"""Events of one insert. Measured: 1,000 rows cost 20 ms, 10,000 cost 100; below, inserts are mostly overhead."""
_TAIL = 2000
"""Events a log keeps behind what was shipped, so that readers who were away for a moment need no log store."""
_AGENTS_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class _Piece:
    """What one session gives to a batch."""

    session: SessionId
    upto: Cursor
    events: int
    rows: list[LogRow]


class Shipper:
    """Ships one workspace at a time."""

    def __init__(self, log: EventLog, backlog: Backlog, store: LogStore, registry: Registry) -> None:
        self._log = log
        self._backlog = backlog
        self._store = store
        self._registry = registry
        self._clis: OrderedDict[AgentId, str] = OrderedDict()

    async def ship(self, workspace: WorkspaceId) -> int:
        """Ship one batch; how many events it took, 0 when nothing waits. Raises `Unavailable`."""
        pieces = await self._gather(workspace)
        rows = [row for piece in pieces for row in piece.rows]
        if rows:
            days = await self._backlog.log_days(workspace)
            await self._store.insert(workspace, rows, days=days, token=_token(pieces))
        for piece in pieces:
            await self._backlog.mark(workspace, piece.session, piece.upto, keep=_TAIL)
        return sum(piece.events for piece in pieces)

    async def _gather(self, workspace: WorkspaceId) -> list[_Piece]:
        pieces: list[_Piece] = []
        room = _BATCH
        for session in sorted(await self._backlog.waiting(workspace)):
            try:
                pieces.append(await self._piece(workspace, session, limit=room))
            except NotFound:  # deleted since it was listed
                continue
            room -= pieces[-1].events
            if room <= 0:
                break
        return pieces

    async def _piece(self, workspace: WorkspaceId, session: SessionId, *, limit: int) -> _Piece:
        shipped = await self._backlog.shipped(workspace, session)
        page = await self._log.read(workspace, session, after=shipped, limit=limit)
        rows = [await self._row(workspace, session, event) for event in page.events]
        kept = [row for row in rows if row is not None]
        return _Piece(session=session, upto=page.next, events=len(rows), rows=kept)

    async def _row(self, workspace: WorkspaceId, session: SessionId, text: str) -> LogRow | None:
        event: dict[str, Any] = orjson.loads(text)
        cli = await self._cli(workspace, AgentId(event["agent"])) if event["agent"] else ""
        return project(event, workspace=workspace, session=session, cli=cli, body=text, redactions=marks_in(text))

    async def _cli(self, workspace: WorkspaceId, agent: AgentId) -> str:
        if agent not in self._clis:
            found = await self._registry.agent(workspace, agent)
            self._clis[agent] = found.cli if found else ""
            if len(self._clis) > _AGENTS_REMEMBERED:
                self._clis.popitem(last=False)
        return self._clis[agent]


def _token(pieces: list[_Piece]) -> str:
    """The same batch has the same token, whoever ships it."""
    parts = [f"{piece.session}:{piece.upto}:{piece.events}" for piece in pieces]
    return hashlib.sha256("|".join(parts).encode()).hexdigest()
