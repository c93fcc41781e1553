"""Threads shared fairly: callers take turns, and none of them holds all threads or waits without bound."""

from __future__ import annotations

import threading
from collections import Counter, OrderedDict, deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from broker.domain.errors import Unavailable

T = TypeVar("T")

_Waiting = tuple[Future[Any], Callable[[], Any]]


class FairPool:
    """Runs calls in `threads` threads, at most `each` of one caller at a time.

    Callers with waiting calls take turns, whatever number each of them has. A call that is cancelled while it waits is
    never run; one that runs keeps its thread to its end, so a caller that gives up early gains nothing by it.
    """

    def __init__(self, name: str, *, threads: int, each: int, waiting_each: int, waiting: int) -> None:
        """`waiting_each` and `waiting` bound the calls that wait, of one caller and of all."""
        self._threads = threads
        self._each = each
        self._waiting_each = waiting_each
        self._most_waiting = waiting
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._lock = threading.RLock()
        self._waiting: OrderedDict[str, deque[_Waiting]] = OrderedDict()
        self._running: Counter[str] = Counter()
        self._closed = False

    def submit(self, caller: str, call: Callable[[], T]) -> Future[T]:
        """Run `call` when it is the caller's turn. Raises `Unavailable` (BUSY) when too many wait."""
        future: Future[T] = Future()
        with self._lock:
            if self._closed:
                raise Unavailable("the log store is closed")
            self._require_room(caller)
            self._waiting.setdefault(caller, deque()).append((future, call))
            self._start()
        return future

    @property
    def idle(self) -> bool:
        """Whether nothing runs or waits."""
        with self._lock:
            return not self._running and not self._waiting

    def close(self) -> None:
        """Let running calls end; those that wait are cancelled."""
        with self._lock:
            self._closed = True
            left = [future for queue in self._waiting.values() for future, _ in queue]
            self._waiting.clear()
        for future in left:
            future.cancel()
        self._pool.shutdown()

    def _require_room(self, caller: str) -> None:
        for name in list(self._waiting):
            live = deque(each for each in self._waiting[name] if not each[0].cancelled())
            if live:
                self._waiting[name] = live
            else:
                del self._waiting[name]
        if len(self._waiting.get(caller, ())) >= self._waiting_each:
            raise Unavailable("too many questions of yours wait for the log store", code="BUSY", retry_after_s=1)
        if sum(map(len, self._waiting.values())) >= self._most_waiting:
            raise Unavailable("too many questions wait for the log store", code="BUSY", retry_after_s=1)

    def _start(self) -> None:
        """Give free threads to those whose turn it is. The lock is held."""
        while self._running.total() < self._threads and (caller := self._next()) is not None:
            future, call = self._waiting[caller].popleft()
            if not self._waiting[caller]:
                del self._waiting[caller]
            if future.set_running_or_notify_cancel():
                self._running[caller] += 1
                self._pool.submit(self._run, caller, future, call)

    def _next(self) -> str | None:
        """Who has waited longest for a turn and may have one; it goes to the end of the line."""
        for caller in self._waiting:
            if self._running[caller] < self._each:
                self._waiting.move_to_end(caller)
                return caller
        return None

    def _run(self, caller: str, future: Future[Any], call: Callable[[], Any]) -> None:
        try:
            result = call()
        except BaseException as error:  # handed to whoever waits for it, as an executor does
            self._note_done(caller)
            future.set_exception(error)
        else:
            self._note_done(caller)
            future.set_result(result)

    def _note_done(self, caller: str) -> None:
        with self._lock:
            self._running[caller] -= 1
            if not self._running[caller]:
                del self._running[caller]
            if not self._closed:
                self._start()
