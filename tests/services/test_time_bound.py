"""Code that a peer's text makes long is left, whatever it does, and nothing is left behind."""

import re
import signal
import threading
from collections.abc import Callable

import pytest

from broker.services.time_bound import TakesTooLong, within


def loop() -> None:
    while True:
        pass


def match() -> None:
    re.search("(a+)+$", "a" * 60 + "b")


@pytest.mark.parametrize("work", [loop, match])
def test_what_takes_too_long_is_left(work: Callable[[], None]) -> None:
    with pytest.raises(TakesTooLong):
        within(0.05, work)


def test_what_ends_in_time_has_its_result_and_its_error() -> None:
    assert within(60, lambda: 7) == 7
    with pytest.raises(ZeroDivisionError):
        within(60, lambda: 1 // 0)


def test_the_timer_and_the_handler_of_others_are_as_they_were() -> None:
    handler = signal.signal(signal.SIGVTALRM, signal.SIG_IGN)
    signal.setitimer(signal.ITIMER_VIRTUAL, 1000)
    try:
        within(60, lambda: None)
        assert signal.getsignal(signal.SIGVTALRM) is signal.SIG_IGN
        assert 900 < signal.getitimer(signal.ITIMER_VIRTUAL)[0] < 1100
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, handler)


def test_another_thread_holds_nobody_up_and_is_not_bounded() -> None:
    found: list[int] = []
    thread = threading.Thread(target=lambda: found.append(within(0, lambda: sum(range(1_000_000)))))
    thread.start()
    thread.join()
    assert found == [499_999_500_000]
