"""Leases that stand still are found by the observer's own clock, and only while they could be renewed."""

from broker.domain.machines.leases import LeaseWatch


def watch() -> LeaseWatch:
    return LeaseWatch(life_s=15, patience_s=10)


def test_a_lease_that_stands_still_lapses_after_its_life() -> None:
    leases = watch()
    assert [leases.look({"a": "1 0"}, at=at) for at in (0, 5, 10, 15)] == [[], [], [], ["a"]]


def test_a_lease_that_is_renewed_lives_on() -> None:
    leases = watch()
    assert not any(leases.look({"a": f"1 {at // 10}"}, at=at) for at in range(0, 200, 5))


def test_a_lease_of_a_newer_connection_begins_anew() -> None:
    leases = watch()
    assert [leases.look({"a": lease}, at=at) for lease, at in (("1 0", 0), ("1 0", 10), ("2 0", 15), ("2 0", 20))] == [
        [],
        [],
        [],
        [],
    ]


def test_a_store_that_was_away_detaches_nobody_at_once() -> None:
    leases = watch()
    leases.look({"a": "1 0", "b": "1 0"}, at=0)
    assert leases.look({"a": "1 0", "b": "1 0"}, at=60) == []  # nobody could renew meanwhile
    assert leases.look({"a": "1 1", "b": "1 0"}, at=65) == []
    assert leases.look({"a": "1 2", "b": "1 0"}, at=70) == []
    assert leases.look({"a": "1 3", "b": "1 0"}, at=75) == ["b"]


def test_what_has_gone_is_forgotten() -> None:
    leases = watch()
    leases.look({"a": "1 0"}, at=0)
    leases.look({}, at=5)
    assert leases.look({"a": "1 0"}, at=10) == []
    assert leases.look({"a": "1 0"}, at=20) == []
