from dataclasses import replace

import pytest

from broker.domain.operations.status import BrokerProcess, ProcessKind, Status, StoreRoom, StoreState, Waiting, duration

NOW = 1_800_000_000_000


def process(kind: ProcessKind, version: str = "1.0") -> BrokerProcess:
    return BrokerProcess(id=kind, kind=kind, version=version, host="h", pid=1, started_at_ms=NOW)


WELL = Status(
    at_ms=NOW,
    version="1.0",
    format=2,
    processes=(process(ProcessKind.GATEWAY), process(ProcessKind.WORKER)),
    stores=(StoreState(name="redis", state="ready"), StoreState(name="logs", state="not kept")),
    machines_online=1,
    machines=2,
    agents={"idle": 1},
    backlog=Waiting(count=3, oldest_at_ms=NOW - 1000),
    messages=Waiting(count=1, oldest_at_ms=NOW - 1000),
)


def test_nothing_is_said_when_all_is_well() -> None:
    assert WELL.problems == []
    assert replace(WELL, processes=(process(ProcessKind.UP),)).problems == []


def test_it_is_said_that_no_worker_runs() -> None:
    [said] = replace(WELL, processes=(process(ProcessKind.GATEWAY),)).problems
    assert said.startswith("no worker runs")


def test_processes_of_several_versions_are_said() -> None:
    mixed = (process(ProcessKind.UP, "1.0"), process(ProcessKind.WORKER, "1.1"))
    assert replace(WELL, processes=mixed).problems == ["processes of several versions run: 1.0, 1.1"]


def test_a_store_in_trouble_and_a_full_one_are_said() -> None:
    stores = (
        StoreState(name="redis", state="ready", room=StoreRoom(used_bytes=95, limit_bytes=100)),
        StoreState(name="logs", state="degraded: away", room=StoreRoom(disk_free_bytes=2, disk_bytes=100)),
    )
    assert replace(WELL, stores=stores).problems == ["redis is 95% full", "logs: degraded: away", "logs is 98% full"]


def test_what_has_waited_too_long_is_said_with_its_age() -> None:
    late = replace(
        WELL,
        backlog=Waiting(count=1200, oldest_at_ms=NOW - 61_000),
        messages=Waiting(count=2, oldest_at_ms=NOW - 3_900_000),
    )
    assert late.problems == [
        "1,200 log events wait to be shipped, the oldest for 1 min 1 s",
        "2 messages wait, the oldest for 1 h 5 min",
    ]


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0 s"), (-5, "0 s"), (59.9, "59 s"), (60, "1 min"), (3_725, "1 h 2 min"), (90_000, "1 d 1 h")],
)
def test_a_duration_has_one_or_two_units(seconds: float, said: str) -> None:
    assert duration(seconds) == said
