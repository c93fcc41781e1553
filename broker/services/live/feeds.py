"""One follower of a session's log in a process, for all its readers who are caught up.

A reader comes with a cursor, reads what it has missed from the log at its own pace, and joins an audience: those who
want the same of the same events, so that each event is made ready for them once. When some have no room for the next
event the feed waits a moment, so that a burst is taken in step; who still has none then has fallen behind: it leaves
the audience, reads from the log again, and is not waited for when it is back. All those waits together take at most a
share of a feed's time. So nobody waits long for the slow, however many they are, nothing is queued for them, and they
miss nothing.

A reader joins only where the feed is: what it lacks it reads itself, first from the log, then from the few newest
events that the feed remembers for all. So a reader that stalls on its way holds nothing that another needs, and each
way round its loop waits for something: for the log, for its own peer, or for the feed.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Hashable
from contextlib import aclosing
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Generic, TypeVar

import orjson

from broker.domain.errors import RelayError, Unavailable
from broker.domain.ids import SessionId, WorkspaceId
from broker.domain.logs.events import Cursor
from broker.services.live.hub import Hub, Reset, position_of
from broker.services.ports import EventLog

_log = logging.getLogger(__name__)
_PAGE = 200
_REMEMBERED = 512
"""The newest events, kept so that whoever catches up need not hit the moment between two of them."""
_REMEMBERED_CHARACTERS = 128 * 1024
"""Of their texts: what a feed may keep beside its position."""
_GRACE_S = 0.1
"""How long an event waits for listeners that have no room."""
_PATIENCE_S = 1.0
"""What all such waits of a feed may take when there were none for a while."""
_PATIENCE_SHARE = 0.5
"""Of the time, for all of them: any number of listeners that are slow in turn cannot make a feed slower than that."""
_DISTRUST_S = 60.0
"""For how long one that fell behind is not waited for again."""
_RETRY_S = 0.5
"""Between two tries to go on when the store is away."""

_Shown = TypeVar("_Shown")


class Logged:
    """An event of a log; its JSON is parsed at most once for all readers."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.cursor = position_of(text)

    @cached_property
    def json(self) -> dict[str, Any]:
        """The event."""
        found: dict[str, Any] = orjson.loads(self.text)
        return found


@dataclass(frozen=True, slots=True)
class CaughtUp:
    """Everything up to `head` was given out; from here on events come as they happen."""

    head: Cursor


class Listener(Generic[_Shown]):
    """One member of an audience."""

    def __init__(self) -> None:
        self.position = 0
        """The offset of the last event it was given."""
        self.away = asyncio.Event()
        """Set when it is no longer in an audience."""
        self.error: RelayError | None = None
        """Why nothing more will come."""
        self.distrusted_until = 0.0
        """In the loop's time."""

    def take(self, shown: _Shown) -> bool:
        """Take the next event; False when there is no room for it now."""
        raise NotImplementedError

    async def room(self) -> None:
        """Wait until there is room."""
        raise NotImplementedError

    def send_away(self, error: RelayError | None = None) -> None:
        """It is in no audience any more."""
        self.error = error
        self.away.set()


@dataclass(frozen=True, slots=True, kw_only=True)
class Show(Generic[_Shown]):
    """How events are made ready for an audience; None for one that it does not want."""

    key: Hashable
    """Equal for readers who get the very same."""
    of: Callable[[Logged], _Shown | None]


class _Audience(Generic[_Shown]):
    def __init__(self, show: Show[_Shown]) -> None:
        self._show = show
        self.listeners: list[Listener[_Shown]] = []

    def hear(self, event: Logged) -> list[_Behind[_Shown]]:
        """Hand an event out; what could not be taken."""
        shown = self._show.of(event)
        if shown is None:
            return []
        offset, behind = event.cursor.offset, []
        for listener in self.listeners:
            if offset <= listener.position:
                continue  # it had read further than the feed when it joined
            if listener.take(shown):
                listener.position = offset
            else:
                behind.append(_Behind(self, listener, shown, offset))
        return behind


@dataclass(frozen=True, slots=True)
class _Behind(Generic[_Shown]):
    """An event that a listener had no room for."""

    audience: _Audience[_Shown]
    listener: Listener[_Shown]
    shown: _Shown
    offset: int

    async def take(self) -> None:
        await self.listener.room()
        if self.listener.take(self.shown):
            self.listener.position = self.offset

    def give_up(self, now: float) -> None:
        """Let the listener go on by itself."""
        self.listener.distrusted_until = now + _DISTRUST_S
        with contextlib.suppress(ValueError):  # it may have left meanwhile
            self.audience.listeners.remove(self.listener)
        self.listener.send_away()


class Patience:
    """How long a feed may yet wait for those without room, however many they are. Times are in seconds."""

    def __init__(self, most_s: float = _PATIENCE_S, *, share: float = _PATIENCE_SHARE) -> None:
        self._most_s = most_s
        self._share = share
        self._left_s = most_s
        self._counted_at = float("-inf")

    def measure_left(self, now: float) -> float:
        """What there is at a time; it grows back by a share of the time that passes."""
        self._left_s = min(self._most_s, self._left_s + self._share * (now - self._counted_at))
        self._counted_at = now
        return self._left_s

    def spend(self, seconds: float) -> None:
        """So long was waited."""
        self._left_s -= seconds


class _Recent:
    """The newest events of a log, as many as fit."""

    def __init__(self) -> None:
        self._events: deque[tuple[Cursor, str]] = deque()
        self._characters = 0

    def append(self, event: Logged) -> None:
        self._events.append((event.cursor, event.text))
        self._characters += len(event.text)
        while len(self._events) > _REMEMBERED or self._characters > _REMEMBERED_CHARACTERS:
            self._characters -= len(self._events.popleft()[1])

    def clear(self) -> None:
        self._events.clear()
        self._characters = 0

    def after(self, position: Cursor) -> list[Logged] | None:
        """Everything since `position`, oldest first; None when some of that is not here."""
        if not self._events or self._events[0][0].offset > position.offset + 1:
            return None
        return [Logged(text) for cursor, text in self._events if cursor.offset > position.offset]


class Feed:
    """The live end of one session's log."""

    def __init__(self, hub: Hub, workspace: WorkspaceId, session: SessionId, *, start: Cursor) -> None:
        self._hub = hub
        self._workspace = workspace
        self._session = session
        self._audiences: dict[Hashable, _Audience[Any]] = {}
        self._recent = _Recent()
        self._patience = Patience()
        self.position = start
        self.users = 0
        self.error: RelayError | None = None
        self._task = asyncio.create_task(self._run(), name=f"feed {session}")

    async def stop(self) -> None:
        """Nobody listens any more."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    def read_missed(self, position: Cursor) -> list[Logged] | None:
        """What the feed has given out after a position; None when some of that is no longer here."""
        if position.epoch != self.position.epoch:
            return None
        return self._recent.after(position) if position.offset < self.position.offset else []

    def join(self, listener: Listener[_Shown], show: Show[_Shown], position: Cursor) -> None:
        """Give out everything after `position`, which has missed nothing, from now on. Raises what ended the feed."""
        if self.error is not None:
            raise self.error
        listener.position = position.offset
        listener.away.clear()
        self._audiences.setdefault(show.key, _Audience(show)).listeners.append(listener)

    def leave(self, listener: Listener[_Shown], show: Show[_Shown]) -> None:
        """Give it nothing more."""
        audience = self._audiences.get(show.key)
        if audience is None:
            return
        with contextlib.suppress(ValueError):
            audience.listeners.remove(listener)
        if not audience.listeners:
            del self._audiences[show.key]

    def restart(self, position: Cursor) -> None:
        """The log turned out to be another one than was followed; everybody reads it again."""
        self._task.cancel()
        self._send_away()
        self.position = position
        self._task = asyncio.create_task(self._run(), name=self._task.get_name())

    async def _run(self) -> None:
        try:
            while True:
                try:
                    await self._follow()
                except Unavailable as error:
                    _log.warning("feed of session %s waits: %s", self._session, error.message)
                    await asyncio.sleep(_RETRY_S)
        except RelayError as error:
            self._fail(error)
        except Exception as error:  # the top of a task: whoever listens must hear that nothing comes any more
            _log.exception("feed of session %s failed", self._session)
            self._fail(RelayError(f"the live feed failed: {type(error).__name__}"))

    async def _follow(self) -> None:
        follower = self._hub.follow(self._workspace, self._session, after=self.position)
        async with aclosing(follower) as items:
            async for item in items:
                if isinstance(item, Reset):
                    self._send_away()
                    self.position = Cursor(item.first.epoch, item.first.offset - 1)
                else:
                    await self._hear(Logged(item))

    async def _hear(self, event: Logged) -> None:
        self.position = event.cursor
        self._recent.append(event)
        behind = [each for audience in self._audiences.values() for each in audience.hear(event)]
        if behind:
            await self._wait_for(behind)

    async def _wait_for(self, behind: list[_Behind[Any]]) -> None:
        began = asyncio.get_running_loop().time()
        trusted = [each for each in behind if each.listener.distrusted_until <= began]
        patience_s = min(_GRACE_S, self._patience.measure_left(began))
        if trusted and patience_s > 0:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(patience_s):
                    for each in trusted:
                        await each.take()
            self._patience.spend(asyncio.get_running_loop().time() - began)
        for each in behind:
            if each.listener.position < each.offset:
                each.give_up(began)

    def _send_away(self, error: RelayError | None = None) -> None:
        self._recent.clear()
        for audience in self._audiences.values():
            for listener in audience.listeners:
                listener.send_away(error)
        self._audiences.clear()

    def _fail(self, error: RelayError) -> None:
        self.error = error
        self._send_away(error)


class Feeds:
    """The feeds of a process: one for each session that somebody listens to."""

    def __init__(self, hub: Hub, log: EventLog) -> None:
        self._hub = hub
        self._log = log
        self._feeds: dict[tuple[WorkspaceId, SessionId], Feed] = {}

    @contextlib.asynccontextmanager
    async def of(self, workspace: WorkspaceId, session: SessionId, *, head: Cursor) -> AsyncIterator[Feed]:
        """The session's feed while the block runs; `head` is where its log ended just now."""
        place = (workspace, session)
        feed = self._feeds.get(place)
        if feed is None or feed.error is not None:
            feed = self._feeds[place] = Feed(self._hub, workspace, session, start=head)
        feed.users += 1
        try:
            yield feed
        finally:
            feed.users -= 1
            if not feed.users:
                if self._feeds.get(place) is feed:
                    del self._feeds[place]
                await feed.stop()

    def reader(self, workspace: WorkspaceId, session: SessionId, *, head: Cursor, after: Cursor | None) -> Reader:
        """A reader who has everything up to `after`; None begins with the first event that is kept."""
        return Reader(self, self._log, workspace, session=session, head=head, after=after)


class Reader:
    """One reader's way through a session's log."""

    def __init__(
        self,
        feeds: Feeds,
        log: EventLog,
        workspace: WorkspaceId,
        *,
        session: SessionId,
        head: Cursor,
        after: Cursor | None,
    ) -> None:
        self._feeds = feeds
        self._log = log
        self._workspace = workspace
        self._session = session
        self._head = head
        self._position = after

    async def follow(
        self, listener: Listener[_Shown], show: Show[_Shown], live: Callable[[], AsyncIterator[Logged]] | None = None
    ) -> AsyncGenerator[Logged | Reset | CaughtUp, None]:
        """What is not yet here, `CaughtUp` once, and then nothing while the listener is in its audience.

        `live` may tell what the listener took meanwhile; it ends when the listener is away. Each event comes exactly
        once, here or to the listener. Raises `NotFound`, `Unavailable`.
        """
        caught_up = False
        async with self._feeds.of(self._workspace, self._session, head=self._head) as feed:
            try:
                while True:
                    async for item in self._read_missed(feed):
                        yield item
                    if not caught_up:
                        caught_up = True
                        yield CaughtUp(self._at)
                        continue  # while its peer took that the feed may have gone on
                    feed.join(listener, show, self._at)
                    if live is not None:
                        async for event in live():
                            yield event
                    await listener.away.wait()
                    if listener.error is not None:
                        raise listener.error
                    self._position = Cursor(self._at.epoch, listener.position)
            finally:
                feed.leave(listener, show)

    @property
    def _at(self) -> Cursor:
        assert self._position is not None
        return self._position

    async def _read_missed(self, feed: Feed) -> AsyncIterator[Logged | Reset]:
        """Events before the feed's first, until there are none: joining then, before another task runs, loses none."""
        while (missed := None if self._position is None else feed.read_missed(self._position)) != []:
            if missed is None:
                async for item in self._page(feed):
                    yield item
            else:
                for event in missed:
                    self._position = event.cursor
                    yield event

    async def _page(self, feed: Feed) -> AsyncIterator[Logged | Reset]:
        page = await self._log.read(self._workspace, self._session, after=self._position, limit=_PAGE)
        if page.reset:
            first = position_of(page.events[0]) if page.events else Cursor(page.head.epoch, page.head.offset + 1)
            self._position = Cursor(first.epoch, first.offset - 1)
            yield Reset(first)
        for text in page.events:
            event = Logged(text)
            self._position = event.cursor
            yield event
        self._position = page.next
        if not page.events and feed.read_missed(self._position) is None:
            feed.restart(self._position)
