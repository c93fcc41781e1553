"""How an installation is doing: its processes, its stores, and what waits. All an operator asks first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

FULL = 0.9
"""Of a store's room: above it there is time left to act, at 1 nothing more is accepted."""
BACKLOG_OLD_MS = 60_000
"""A line is in the log store within seconds; one that has waited this long is stuck."""
MESSAGE_OLD_MS = 300_000
"""A message may wait for a busy agent; after five minutes somebody should know."""


class ProcessKind(StrEnum):
    """What a process of the broker does."""

    UP = "up"
    """Everything."""
    GATEWAY = "gateway"
    WORKER = "worker"

    @property
    def works(self) -> bool:
        """Whether it keeps deadlines and ships logs."""
        return self is not ProcessKind.GATEWAY


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerProcess:
    """One process that has lately said that it lives."""

    id: str
    kind: ProcessKind
    version: str
    host: str
    pid: int
    started_at_ms: int
    url: str | None = None
    """Of one with a gateway."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreRoom:
    """How much a store holds, in bytes. None: it does not say, or there is no limit."""

    used_bytes: int | None = None
    limit_bytes: int | None = None
    """Of its own; memory, for Redis."""
    disk_free_bytes: int | None = None
    disk_bytes: int | None = None

    @property
    def full(self) -> float:
        """The part of the scarcer of its memory and its disk that is used, 0 to 1."""
        parts = [0.0]
        if self.limit_bytes and self.used_bytes is not None:
            parts.append(self.used_bytes / self.limit_bytes)
        if self.disk_bytes and self.disk_free_bytes is not None:
            parts.append(1 - self.disk_free_bytes / self.disk_bytes)
        return max(parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreState:
    """One store: "redis" or "logs"."""

    name: str
    state: str
    """`ready`, perhaps with a remark behind a comma; or what is wrong; `not kept` where there is no log store."""
    room: StoreRoom = StoreRoom()

    @property
    def is_in_order(self) -> bool:
        """Whether nobody need do anything about it."""
        return self.state.partition(",")[0] in {"ready", "not kept"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """What waits, and since when its oldest has."""

    count: int = 0
    oldest_at_ms: int | None = None

    def age_ms(self, at_ms: int) -> int:
        """For how long the oldest has waited at a time; 0 when nothing waits."""
        return 0 if self.oldest_at_ms is None else at_ms - self.oldest_at_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """An installation and one workspace of it, at one moment of the store's clock."""

    at_ms: int
    version: str
    format: int
    """Of the data in Redis."""
    processes: tuple[BrokerProcess, ...]
    stores: tuple[StoreState, ...]
    machines_online: int
    machines: int
    agents: dict[str, int]
    """Living agents by state."""
    backlog: Waiting
    """Events that the log store does not have yet."""
    messages: Waiting
    """Accepted messages that no agent has in its turn yet."""
    misnamed: tuple[tuple[str, str], ...] = ()
    """Ids and names of sessions and machines of earlier versions whose name looks like an id."""

    @property
    def problems(self) -> list[str]:
        """What somebody should do something about, a sentence each; none when all is well."""
        return [*self._of_processes(), *self._of_stores(), *self._of_what_waits(), *self._of_names()]

    def _of_processes(self) -> Iterator[str]:
        if not any(each.kind.works for each in self.processes):
            yield "no worker runs: deadlines do not pass and no log is shipped; start `relaycast worker`"
        versions = sorted({each.version for each in self.processes})
        if len(versions) > 1:
            yield f"processes of several versions run: {', '.join(versions)}"

    def _of_stores(self) -> Iterator[str]:
        for store in self.stores:
            if not store.is_in_order:
                yield f"{store.name}: {store.state}"
            if store.room.full >= FULL:
                yield f"{store.name} is {store.room.full:.0%} full"

    def _of_what_waits(self) -> Iterator[str]:
        yield from problems_of_what_waits(self.at_ms, backlog=self.backlog, messages=self.messages)

    def _of_names(self) -> Iterator[str]:
        for its_id, name in self.misnamed:
            yield f"{name!r} is a name that looks like an id; it is found by its own id alone, {its_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """A whole installation at one moment of the store's clock, as alerts see it."""

    at_ms: int
    processes: tuple[BrokerProcess, ...]
    stores: tuple[StoreState, ...]
    workspaces: int
    agents: dict[str, int]
    backlog: Waiting
    messages: Waiting


def problems_of_what_waits(at_ms: int, *, backlog: Waiting, messages: Waiting) -> Iterator[str]:
    """What waits for too long in a workspace, a sentence each."""
    if (age_ms := backlog.age_ms(at_ms)) > BACKLOG_OLD_MS:
        yield f"{backlog.count:,} log events wait to be shipped, the oldest for {duration(age_ms / 1000)}"
    if (age_ms := messages.age_ms(at_ms)) > MESSAGE_OLD_MS:
        yield f"{messages.count:,} messages wait, the oldest for {duration(age_ms / 1000)}"


def duration(seconds: float) -> str:
    """As people say it, in one or two units: `3 s`, `4 min 10 s`, `2 h 5 min`, `3 d 4 h`."""
    left = max(0, int(seconds))
    parts: list[str] = []
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")):
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count} {unit}")
    return " ".join(parts[:2]) or "0 s"
