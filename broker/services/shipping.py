"""Moves sessions' logs to the log store, in order; only what has arrived there is let go of here.

A shipper may be killed between any two lines: what it inserted but did not mark is inserted again, and the store keeps
each event once.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

import orjson

from broker.domain.errors import NotFound
from broker.domain.events import Cursor
from broker.domain.ids import AgentId, SessionId, WorkspaceId
from broker.domain.log_projection import project
from broker.domain.log_rows import LogRow
from broker.domain.redaction import marks_in
from broker.services.ports import Backlog, EventLog, LogStore, Registry

BATCH = 5000
"""Events of one insert. Measured: 1,000 rows cost 20 ms, 10,000 cost 100; below, inserts are mostly overhead."""
_BATCHES = 20
"""Of one call, which ends within seconds, long before the lease that it works under."""
_AT_ONCE = 50
"""Events projected before others have their turn: 1-2 ms."""
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
        """Ship what waits, some batches of it; how many events it took, 0 when nothing waits. Raises `Unavailable`.

        While the store takes one batch, the next is read and projected.
        """
        shipped = 0
        pieces = await self._gather(workspace, {})
        for number in count(1):
            events = sum(piece.events for piece in pieces)
            shipped += events
            if events < BATCH or number == _BATCHES:
                await self._keep(workspace, pieces)
                break
            pieces = await self._keep_and_gather(workspace, pieces)
        return shipped

    async def _keep_and_gather(self, workspace: WorkspaceId, pieces: list[_Piece]) -> list[_Piece]:
        """The batch that follows, once this one is kept."""
        positions = {piece.session: piece.upto for piece in pieces}
        following = asyncio.create_task(self._gather(workspace, positions), name="gather")
        try:
            await self._keep(workspace, pieces)
            return await following
        finally:
            following.cancel()

    async def _keep(self, workspace: WorkspaceId, pieces: list[_Piece]) -> None:
        rows = [row for piece in pieces for row in piece.rows]
        if rows:
            days = await self._backlog.log_days(workspace)
            await self._store.insert(workspace, rows, days=days, token=_token(pieces))
        for piece in pieces:
            await self._backlog.mark(workspace, piece.session, piece.upto, keep=_TAIL)

    async def _gather(self, workspace: WorkspaceId, positions: Mapping[SessionId, Cursor]) -> list[_Piece]:
        """A batch of what waits, of some sessions behind a position that is being kept."""
        pieces: list[_Piece] = []
        room = BATCH
        for session in sorted(await self._backlog.waiting(workspace)):
            try:
                after = positions.get(session) or await self._backlog.shipped(workspace, session)
                pieces.append(await self._piece(workspace, session, after=after, limit=room))
            except NotFound:  # deleted since it was listed
                continue
            room -= pieces[-1].events
            if room <= 0:
                break
        return pieces

    async def _piece(self, workspace: WorkspaceId, session: SessionId, *, after: Cursor, limit: int) -> _Piece:
        page = await self._log.read(workspace, session, after=after, limit=limit)
        rows: list[LogRow] = []
        for first in range(0, len(page.events), _AT_ONCE):
            rows += await self._rows(workspace, session, page.events[first : first + _AT_ONCE])
            await asyncio.sleep(0)
        return _Piece(session=session, upto=page.next, events=len(page.events), rows=rows)

    async def _rows(self, workspace: WorkspaceId, session: SessionId, texts: Sequence[str]) -> list[LogRow]:
        events: list[dict[str, Any]] = [orjson.loads(text) for text in texts]
        clis = {agent: await self._cli(workspace, agent) for agent in {event["agent"] for event in events}}
        rows = (
            project(
                event,
                workspace=workspace,
                session=session,
                cli=clis[event["agent"]],
                body=text,
                redactions=marks_in(text),
            )
            for event, text in zip(events, texts, strict=True)
        )
        return [row for row in rows if row is not None]

    async def _cli(self, workspace: WorkspaceId, agent: AgentId | None) -> str:
        if agent is None:
            return ""
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
