"""Threads are shared by turns."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager

import pytest

from broker.adapters.clickhouse.fair_pool import FairPool
from broker.domain.errors import Unavailable

WAIT_S = 20


@contextmanager
def pool(*, threads: int = 1, each: int = 1, waiting_each: int = 100, waiting: int = 100) -> Iterator[FairPool]:
    made = FairPool("test", threads=threads, each=each, waiting_each=waiting_each, waiting=waiting)
    try:
        yield made
    finally:
        made.close()


class Gate:
    """A call that runs until it is let go."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.opened = threading.Event()

    def __call__(self) -> None:
        self.entered.set()
        assert self.opened.wait(WAIT_S)


def noting(order: list[str], what: str) -> Callable[[], None]:
    return lambda: order.append(what)


def test_callers_take_turns_however_many_calls_each_has() -> None:
    order: list[str] = []
    with pool() as shared:
        gate = Gate()
        shared.submit("first", gate)
        waiting = [shared.submit("many", noting(order, f"many {n}")) for n in range(4)]
        waiting += [shared.submit("one", noting(order, "one")), shared.submit("two", noting(order, "two"))]
        gate.opened.set()
        for each in waiting:
            each.result(WAIT_S)
    assert order == ["many 0", "one", "two", "many 1", "many 2", "many 3"]


def test_no_caller_holds_all_threads() -> None:
    with pool(threads=2) as shared:
        stuck = Gate()
        calls = [shared.submit("stuck", stuck) for _ in range(5)]
        assert stuck.entered.wait(WAIT_S)
        assert shared.submit("other", lambda: "answered").result(WAIT_S) == "answered"
        assert not any(call.done() for call in calls)
        stuck.opened.set()


@pytest.mark.parametrize(("caller", "words"), [("a", "of yours"), ("c", "too many questions wait")])
def test_what_would_wait_without_bound_is_refused_and_may_come_again(caller: str, words: str) -> None:
    with pool(waiting_each=2, waiting=3) as shared:
        gate = Gate()
        shared.submit("first", gate)
        for name in ("a", "a", "b"):
            shared.submit(name, lambda: None)
        with pytest.raises(Unavailable, match=words) as refused:
            shared.submit(caller, lambda: None)
        assert (refused.value.code, refused.value.retryable, refused.value.retry_after_s) == ("BUSY", True, 1)
        gate.opened.set()


def test_a_call_that_is_cancelled_while_it_waits_makes_room_and_is_never_run() -> None:
    order: list[str] = []
    with pool(waiting_each=1) as shared:
        gate = Gate()
        shared.submit("a", gate)
        assert shared.submit("a", noting(order, "cancelled")).cancel()
        last = shared.submit("a", noting(order, "last"))
        gate.opened.set()
        last.result(WAIT_S)
    assert order == ["last"]


def test_an_error_is_the_callers_and_the_thread_goes_on() -> None:
    def fail() -> None:
        raise MemoryError("large")

    with pool() as shared:
        with pytest.raises(MemoryError, match="large"):
            shared.submit("a", fail).result(WAIT_S)
        assert shared.submit("a", lambda: 1).result(WAIT_S) == 1
        assert shared.idle


def test_closing_cancels_what_waits_and_takes_no_more() -> None:
    with pool() as shared:
        gate = Gate()
        running = shared.submit("a", gate)
        waiting = shared.submit("a", lambda: None)
        assert gate.entered.wait(WAIT_S)
        closing = threading.Thread(target=shared.close)
        closing.start()
        with pytest.raises(CancelledError):
            waiting.result(WAIT_S)
        gate.opened.set()
        closing.join(WAIT_S)
        assert running.done()
        with pytest.raises(Unavailable):
            shared.submit("a", lambda: None)
