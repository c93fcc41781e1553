from __future__ import annotations

from connect.access.broker_clock import BrokerClock


def test_nothing_is_past_before_the_broker_has_said_what_time_it_is() -> None:
    assert not BrokerClock(uptime_ms=lambda: 5.0).is_past(0)


def test_time_goes_on_by_this_machines_uptime_from_what_the_broker_said() -> None:
    uptime_ms = 70.0
    clock = BrokerClock(uptime_ms=lambda: uptime_ms)
    clock.set(1_000)
    assert not clock.is_past(1_500)
    uptime_ms += 501
    assert clock.is_past(1_500)
    clock.set(900)
    assert not clock.is_past(1_500)
