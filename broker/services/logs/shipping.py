"""Moves sessions' logs to the log store, in order; Redis drops only what has arrived there.

A shipper may be killed between any two lines: what it inserted but did not mark is inserted again, and the store keeps
each event once.

A batch spans workspaces, since an insert costs about the same whatever is in it, and has its bounds in bytes as well as
in events. Every session that waits gets an equal share of it; what one does not need, the others get.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

import orjson

from broker.domain.errors import NotFound, RelayError, Unavailable
from broker.domain.ids import AgentId, SessionId, WorkspaceId
from broker.domain.logs.events import Cursor
from broker.domain.logs.projection import project
from broker.domain.logs.redaction import marks_in
from broker.domain.logs.rows import LogRow, WorkspaceRows
from broker.domain.messages.steps import StepMade, step_of
from broker.domain.traces.fold import Place, is_of_traces
from broker.services.logs.tracing import TracedEvent, Tracing
from broker.services.messages.steps import measure
from broker.services.ports import Backlog, EventLog, LogStore, Registry
from broker.telemetry import SHIP_FAILURES, SHIP_SECONDS, SHIPPED

_log = logging.getLogger(__name__)
BATCH = 5000
"""Events of one insert. Measured: 1,000 rows cost 20 ms, 10,000 cost 100; below, inserts are mostly overhead."""
BATCH_BYTES = 8_000_000
"""Of event text in one insert. On its way into the store it takes up some four times as much memory."""
_BATCHES = 8
"""Of one call, which ends within a second or two: then those have their turn who began to wait meanwhile."""
_AT_ONCE = 50
"""Events projected before others have their turn: 1-2 ms."""
_TAIL = 2000
"""Events a log keeps behind what was shipped, so that readers who were away for a moment need no log store."""
_AGENTS_REMEMBERED = 10_000

_Source = tuple[WorkspaceId, SessionId]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Runs:
    """What an agent runs, and where: neither changes in its life."""

    cli: str = ""
    machine: str = ""


@dataclass(slots=True, kw_only=True)
class _Piece:
    """What one session gives to a batch: everything up to a position."""

    source: _Source
    upto: Cursor
    events: int = 0
    bytes: int = 0
    rows: list[LogRow] = field(default_factory=list)
    steps: list[StepMade] = field(default_factory=list)
    """Of messages, that the events tell of."""
    traced: list[TracedEvent] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class Shipped:
    """What became of one call."""

    events: int = 0
    full: bool = False
    """It took as much as one call may: more should follow at once."""
    waiting: set[WorkspaceId] = field(default_factory=set)
    """Of these, more waits."""
    failed: set[WorkspaceId] = field(default_factory=set)
    """Of these, something cannot be shipped, for a reason of their own."""


class Shipper:
    """Ships workspaces' logs, some batches at a time."""

    def __init__(
        self,
        log: EventLog,
        backlog: Backlog,
        store: LogStore,
        registry: Registry,
        *,
        tracing: Tracing | None = None,
    ) -> None:
        """`tracing`: makes spans of what is shipped, once it is."""
        self._tracing = tracing
        self._log = log
        self._backlog = backlog
        self._store = store
        self._registry = registry
        self._runs: OrderedDict[AgentId, _Runs] = OrderedDict()
        self._last: _Source | None = None
        """Who came last into a batch; the next one begins behind it."""

    async def ship(self, workspaces: Collection[WorkspaceId]) -> Shipped:
        """Ship what waits, some batches of it. Raises `Unavailable` when the store takes nothing.

        While the store takes one batch, the next is read and projected.
        """
        shipped = Shipped()
        pieces = await self._gather(workspaces, {}, shipped)
        for _ in range(_BATCHES - 1):
            if not _is_full(pieces):
                break
            pieces = await self._keep_and_gather(workspaces, pieces, shipped)
        shipped.full = _is_full(pieces)
        await self._keep(pieces, shipped)
        return shipped

    async def _keep_and_gather(
        self, workspaces: Collection[WorkspaceId], pieces: list[_Piece], shipped: Shipped
    ) -> list[_Piece]:
        """The batch that follows, once this one is kept."""
        positions = {piece.source: piece.upto for piece in pieces}
        following = asyncio.create_task(self._gather(workspaces, positions, shipped), name="gather")
        try:
            await self._keep(pieces, shipped)
            gathered = await following
        finally:
            following.cancel()
        # What follows something that was refused must not be marked before it.
        return [piece for piece in gathered if piece.source[0] not in shipped.failed]

    async def _keep(self, pieces: Sequence[_Piece], shipped: Shipped) -> None:
        """Insert all at once; when something in it is refused, each workspace for itself."""
        refused: set[WorkspaceId] = set()
        with _apart({piece.source[0] for piece in pieces}, refused, passing=Unavailable):
            await self._keep_batch(pieces, shipped)
        if not refused:
            return
        for workspace, own in groupby(pieces, key=_workspace_of):
            with _apart({workspace}, shipped.failed, passing=Unavailable):
                await self._keep_batch(list(own), shipped)

    async def _keep_batch(self, pieces: Sequence[_Piece], shipped: Shipped) -> None:
        batch = [
            WorkspaceRows(
                workspace=workspace,
                rows=[row for piece in own for row in piece.rows],
                days=await self._backlog.log_days(workspace),
            )
            for workspace, own in groupby(pieces, key=_workspace_of)
        ]
        if any(part.rows for part in batch):
            with SHIP_FAILURES.count_exceptions(), SHIP_SECONDS.time():
                await self._store.insert_batch(batch, token=_token(pieces))
        for piece in pieces:
            workspace, session = piece.source
            shipped.events += piece.events
            if not await self._backlog.mark(workspace, session, piece.upto, keep=_TAIL):
                shipped.waiting.add(workspace)
            SHIPPED.inc(piece.events)
            measure(piece.steps)
            if self._tracing is not None:
                self._tracing.take(piece.traced)

    async def _gather(
        self, workspaces: Collection[WorkspaceId], positions: Mapping[_Source, Cursor], shipped: Shipped
    ) -> list[_Piece]:
        """A batch of what waits, in order of workspaces; of some sessions behind a position that is being kept."""
        pieces: dict[_Source, _Piece] = {}
        for workspace in workspaces:
            with _apart({workspace}, shipped.failed):
                for session in await self._backlog.waiting(workspace):
                    source = workspace, session
                    with suppress(NotFound):  # deleted since it was listed
                        upto = positions.get(source) or await self._backlog.read_shipped(workspace, session)
                        pieces[source] = _Piece(source=source, upto=upto)
        await self._fill(pieces, shipped)
        return [pieces[source] for source in sorted(pieces) if pieces[source].events]

    async def _fill(self, pieces: Mapping[_Source, _Piece], shipped: Shipped) -> None:
        """Read in rounds, an equal share for each session that has more, until the batch is full or nothing waits."""
        events, size = BATCH, BATCH_BYTES
        unread = _rotate(sorted(pieces), behind=self._last)
        while unread:
            most_events, most_bytes = max(1, events // len(unread)), max(1, size // len(unread))
            having_more = []
            for source in unread:
                piece = pieces[source]
                before = piece.events, piece.bytes
                if await self._read(piece, shipped, limit=most_events, max_bytes=most_bytes):
                    having_more.append(source)
                events -= piece.events - before[0]
                size -= piece.bytes - before[1]
                self._last = source
                if events <= 0 or size <= 0:
                    return
            unread = having_more

    async def _read(self, piece: _Piece, shipped: Shipped, *, limit: int, max_bytes: int) -> bool:
        """Read some of a session into its piece; whether there is more."""
        workspace, session = piece.source
        with suppress(NotFound), _apart({workspace}, shipped.failed):
            page = await self._log.read(workspace, session, after=piece.upto, limit=limit, max_bytes=max_bytes)
            rows: list[LogRow] = []
            for first in range(0, len(page.events), _AT_ONCE):
                events: list[dict[str, Any]] = [orjson.loads(text) for text in page.events[first : first + _AT_ONCE]]
                rows += await self._rows(workspace, session, events, page.events[first : first + _AT_ONCE])
                steps = (step_of(event, workspace=workspace, session=session) for event in events)
                piece.steps += [step for step in steps if step is not None]
                if self._tracing is not None:
                    piece.traced += self._select_traced(workspace, session, events)
                await asyncio.sleep(0)
            piece.rows += rows
            piece.upto = page.next
            piece.events += len(page.events)
            piece.bytes += sum(map(len, page.events))
            return bool(page.events) and page.next.offset < page.head.offset
        return False

    async def _rows(
        self, workspace: WorkspaceId, session: SessionId, events: Sequence[dict[str, Any]], texts: Sequence[str]
    ) -> list[LogRow]:
        clis = {agent: (await self._run(workspace, agent)).cli for agent in {event["agent"] for event in events}}
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

    def _select_traced(
        self, workspace: WorkspaceId, session: SessionId, events: Iterable[dict[str, Any]]
    ) -> Iterator[TracedEvent]:
        for event in filter(is_of_traces, events):
            run = self._runs.get(event["agent"] or AgentId(""), _Runs())
            yield event, Place(workspace=workspace, session=session, cli=run.cli, machine=run.machine)

    async def _run(self, workspace: WorkspaceId, agent: AgentId | None) -> _Runs:
        if agent is None:
            return _Runs()
        if agent not in self._runs:
            found = await self._registry.agent(workspace, agent)
            self._runs[agent] = _Runs(cli=found.cli, machine=found.machine) if found else _Runs()
            if len(self._runs) > _AGENTS_REMEMBERED:
                self._runs.popitem(last=False)
        return self._runs[agent]


@contextmanager
def _apart(
    workspaces: Iterable[WorkspaceId], failed: set[WorkspaceId], *, passing: type[RelayError] = NotFound
) -> Iterator[None]:
    """What goes wrong with some workspaces is logged and noted, and holds up no others; `passing` is raised."""
    try:
        yield
    except passing:
        raise
    except Unavailable as error:
        _log.warning("log shipping: workspace %s: %s", ", ".join(sorted(workspaces)), error.message)
        failed.update(workspaces)
    except Exception:  # the top of a task, though one task ships for all
        _log.exception("log shipping: unforeseen error with workspace %s", ", ".join(sorted(workspaces)))
        failed.update(workspaces)


def _is_full(pieces: Iterable[_Piece]) -> bool:
    events, size = 0, 0
    for piece in pieces:
        events, size = events + piece.events, size + piece.bytes
    return events >= BATCH or size >= BATCH_BYTES


def _workspace_of(piece: _Piece) -> WorkspaceId:
    return piece.source[0]


def _rotate(sources: list[_Source], *, behind: _Source | None) -> list[_Source]:
    place = 0 if behind is None else bisect_right(sources, behind)
    return sources[place:] + sources[:place]


def _token(pieces: Sequence[_Piece]) -> str:
    """The same batch has the same token, whoever ships it."""
    parts = ["/".join([*piece.source, str(piece.upto), str(piece.events)]) for piece in pieces]
    return hashlib.sha256("|".join(parts).encode()).hexdigest()
