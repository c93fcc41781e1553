"""Sees from outside that an event loop stands still: says where, and ends the process if it goes on.

The watch is a thread. It counts its own ticks, not hours: each tick without a turn of the loop adds what a tick takes,
and no more. So a laptop that slept, a process that was frozen, and code in C that kept the whole interpreter to itself
(the thread could not tick either) are no standstill.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sys
import threading
import time
import traceback
from collections.abc import AsyncIterator, Callable
from http import HTTPStatus

import orjson

from broker.runtime.metrics_access import on_port
from broker.runtime.side_ports import Page, Said, metrics_page, side_port
from broker.settings import Settings, Standstill
from broker.telemetry import LOOP_LAG_SECONDS, STANDSTILLS

_log = logging.getLogger(__name__)
EXIT_STANDSTILL = 75
"""The status of a process that ended itself; EX_TEMPFAIL of sysexits.h: start it again."""
_TICK_S = 0.5
_LAST_WORDS_S = 1.0
"""For the log, which may be what stands still."""


def _end_process() -> None:
    """Without clean-up, which would wait for the loop."""
    os._exit(EXIT_STANDSTILL)


class Watchdog:
    """Watches the loop that it is started on. `end` is what a standstill of `ended_s` leads to."""

    def __init__(
        self,
        limits: Standstill,
        *,
        end: Callable[[], None] = _end_process,
        tick_s: float = _TICK_S,
    ) -> None:
        self._limits = limits
        self._end = end
        self._tick_s = min(tick_s, limits.told_s / 4)
        self._stopped = threading.Event()
        self._turned = threading.Event()
        self._loop_thread = threading.get_ident()
        self.stood_still_s = 0.0
        """How long by now; 0 while the loop turns."""

    def start(self) -> None:
        """Begin, on the running loop."""
        self._loop = asyncio.get_running_loop()
        self._due = self._loop.time()
        self._turn()
        threading.Thread(target=self._watch, name="watchdog", daemon=True).start()

    def stop(self) -> None:
        """The loop may end from here on."""
        self._stopped.set()
        self._next.cancel()

    @property
    def stands_still(self) -> bool:
        """For so long that it is told."""
        return self.stood_still_s >= self._limits.told_s

    def _turn(self) -> None:
        self._turned.set()
        now = self._loop.time()
        LOOP_LAG_SECONDS.observe(max(0.0, now - self._due))
        self._due = now + self._tick_s
        self._next = self._loop.call_at(self._due, self._turn)

    def _watch(self) -> None:
        told = False
        before = time.monotonic()
        while not self._stopped.wait(self._tick_s):
            now = time.monotonic()
            tick_s, before = min(now - before, 2 * self._tick_s), now
            if self._turned.is_set():
                self._turned.clear()
                self.stood_still_s, told = 0.0, False
                continue
            self.stood_still_s += tick_s
            if self.stands_still and not told:
                told = True
                STANDSTILLS.inc()
                self._tell(f"the event loop has taken no turn for {self._limits.told_s:g} s")
            if self.stood_still_s >= self._limits.ended_s:
                said = self._tell(f"the event loop stands still; ending with status {EXIT_STANDSTILL}")
                said.join(_LAST_WORDS_S)
                self._end()
                return

    def _tell(self, what: str) -> threading.Thread:
        """Log with every stack, from a thread of its own: the loop may stand still because the log takes nothing."""
        saying = threading.Thread(
            target=_log.critical, args=("%s\n%s", what, _stacks(self._loop_thread)), name="watchdog log", daemon=True
        )
        saying.start()
        return saying


def _stacks(first: int) -> str:
    """What every thread is doing, the loop's first."""
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    frames = sorted(sys._current_frames().items(), key=lambda item: item[0] != first)
    return "\n".join(
        f"Thread {names.get(ident, ident)}:\n{''.join(traceback.format_stack(frame)).rstrip()}"
        for ident, frame in frames
        if ident != threading.get_ident()
    )


def _livez(watchdog: Watchdog) -> Page:
    """Whether the loop turns."""

    def page(_authorization: str | None) -> Said:
        still = watchdog.stands_still
        body = orjson.dumps({"ok": not still, "stood_still_s": round(watchdog.stood_still_s, 1)})
        return Said(body=body, status=HTTPStatus.SERVICE_UNAVAILABLE if still else HTTPStatus.OK)

    return page


@contextlib.asynccontextmanager
async def keep_watch(settings: Settings) -> AsyncIterator[Watchdog]:
    """Watch the running loop for the block, and answer on the health and metrics ports. Raises `SidePortInUse`."""
    watchdog = Watchdog(settings.standstill)
    with contextlib.ExitStack() as stack:
        if settings.health_port is not None:
            livez, host = _livez(watchdog), settings.health_host
            pages = {"/livez": livez, "/healthz": livez, "/metrics": metrics_page(on_port(settings, host, own=False))}
            stack.enter_context(side_port(host, settings.health_port, pages, option="--health-port"))
        if settings.metrics_port is not None:
            host = settings.metrics_host
            pages = {"/metrics": metrics_page(on_port(settings, host, own=True))}
            stack.enter_context(side_port(host, settings.metrics_port, pages, option="--metrics-port"))
        watchdog.start()
        stack.callback(watchdog.stop)
        yield watchdog
