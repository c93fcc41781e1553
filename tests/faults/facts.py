"""What is known of a run: what senders, agents, readers and the broker itself have seen. Plain values, no I/O.

Times are `time.time()` of this host, in seconds; every process of a run is on it.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """A message whose sender was told that it is accepted."""

    id: str
    sender: str
    recipient: str
    number: int
    """Counts the sender's messages; the next one is sent when this one has been accepted."""
    phase: str
    """The fault that was there when it was first tried."""
    called_at: float
    accepted_at: float
    kept: bool = True
    """False while the store is about to go back in time: such a message may be forgotten, but not given twice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompted:
    """An agent's process has read a message from its standard input."""

    message: str
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """What the broker says a message came to at last: `answered` or `undeliverable`."""

    message: str
    state: str
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Logged:
    """One event of the session's log, as read from its beginning when everything was over."""

    epoch: str
    offset: int
    kind: str
    message: str | None = None
    """Which message it is about."""
    state: str | None = None
    """Of a receipt."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A live reader was given the event of this position; `body` stands for all that it said."""

    epoch: str
    offset: int
    body: int = 0
    transient: bool = False
    """A fragment, which the log store need not keep: a later event repeats it whole."""


@dataclass(frozen=True, slots=True)
class ToldReset:
    """A live reader was told that history is gone and goes on elsewhere."""


Followed = Seen | ToldReset


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """One question of an agent that several people answered at once."""

    key: str
    wins: int
    """How many of them were told that theirs is the answer."""
    status: str
    """What the broker says of it in the end."""
    heard: int
    """How many answers the agent got."""
    lived_on: bool = True
    """Whether the process that had asked was still there after the answer: one that died cannot be told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A request that was good and was refused in a way that tells a client not to try again."""

    phase: str
    status: int
    code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UnexpectedEnd:
    """A process that nobody had ended is gone."""

    phase: str
    process: str
    status: int


@dataclass(slots=True, kw_only=True)
class History:
    """All of it, for one life of a stage."""

    accepted: list[Accepted] = field(default_factory=list)
    prompted: list[Prompted] = field(default_factory=list)
    settled: dict[str, Settled] = field(default_factory=dict)
    log: list[Logged] = field(default_factory=list)
    readers: dict[str, list[Followed]] = field(default_factory=dict)
    approvals: list[Approval] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    ends: list[UnexpectedEnd] = field(default_factory=list)
    orphans: list[str] = field(default_factory=list)
    """Processes that were still there after everything had been stopped."""
    remarks: list[str] = field(default_factory=list)
    """What a fault itself found wrong, in its own words."""
