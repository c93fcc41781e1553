"""Plain code that a peer's text can make long, held to processor time: meanwhile the event loop serves nobody."""

from __future__ import annotations

import gc
import signal
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import TypeVar

_T = TypeVar("_T")
_EACH_S = 0.02


class TakesTooLong(Exception):
    """The work took more of the processor than it may, and was left."""


def within(seconds: float, work: Callable[[], _T]) -> _T:
    """What `work` returns. Raises `TakesTooLong`.

    For code without effects, which may be left anywhere; `re` looks for signals in the middle of a match, too. Only in
    a process' main thread, where servers have their loop: another thread holds nobody up, and is not bounded.
    """
    if threading.current_thread() is not threading.main_thread():
        return work()
    over_at, running = time.thread_time() + seconds, True

    def look(_number: int, _frame: FrameType | None) -> None:
        # The timer counts all threads of the process.
        if running and time.thread_time() >= over_at:
            raise TakesTooLong

    collecting = gc.isenabled()
    gc.disable()  # what is raised within a collection is lost
    handler = signal.signal(signal.SIGVTALRM, look)
    timer = signal.setitimer(signal.ITIMER_VIRTUAL, seconds, _EACH_S)
    try:
        return work()
    finally:
        running = False
        signal.setitimer(signal.ITIMER_VIRTUAL, *timer)
        signal.signal(signal.SIGVTALRM, handler)
        if collecting:
            gc.enable()
