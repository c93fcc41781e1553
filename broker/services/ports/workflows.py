"""Runs of workflows: their journals, and whose turn it is to be looked at."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Any, Protocol

from broker.domain.agents.sessions import Session
from broker.domain.errors import NotAuthenticated
from broker.domain.ids import AgentId, SessionId, WorkflowRunId, WorkspaceId
from broker.domain.logs.events import EventKind
from broker.domain.machines.placement import Proxy
from broker.domain.people.access import Principal
from broker.domain.workflows.runs.commands import CommandId
from broker.domain.workflows.runs.journal import Entry, Fact, RunState
from broker.services.ports.commands import CommandOrder, CommandRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRun:
    """A run that is to begin. Its definition never changes after that."""

    id: WorkflowRunId
    digest: str
    """Of the request, so that a repeated idempotency key with another content is noticed."""
    session: SessionId
    name: str
    """Of the file."""
    workflow: str
    """Which of its workflows."""
    text: str
    """The file's."""
    definition: str
    """SHA-256 of the text."""
    values: Mapping[str, Any]
    """Of the file's variables."""
    by: Principal
    machine: str | None
    """Where steps run that the file gives no machine; an id."""
    folder: str | None
    """There; None: where relay-connect was started."""
    told: bytes
    """JSON for the session's log."""
    origin: WorkflowRunId | None = None
    """The run that it goes on from, or the one that calls it."""
    root: str | None = None
    """Of a run that another has called: the workflow that people started, to which machines' owners have agreed."""
    within: WorkflowRunId | None = None
    """The run that the agent works in, or is behind, which has begun this one."""
    depth: int = 0
    """How many runs are around it so."""
    kept: Sequence[Fact] = ()
    """What it goes on from."""
    outputs: Mapping[str, str] = field(default_factory=dict)
    """What that names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRow:
    """A run without its journal."""

    id: WorkflowRunId
    session: SessionId
    name: str
    workflow: str
    definition: str
    values: Mapping[str, Any]
    by: Principal
    machine: str | None
    folder: str | None
    state: RunState
    reason: str
    held: str
    """Why nothing is done for it, although it has not ended; '' when something is."""
    started_at_ms: int
    changed_at_ms: int
    """When something was last written into its journal."""
    entries: int
    origin: WorkflowRunId | None = None
    """See `NewRun`."""
    root: str | None = None
    depth: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimedRun:
    """A run that is the caller's to look at, until its lease ends."""

    id: WorkflowRunId
    fence: int
    row: RunRow = field(compare=False)
    """As it was when it was claimed."""
    session: Session | None = field(compare=False)
    """Its session, likewise; None: it was deleted."""
    by: Principal | NotAuthenticated = field(compare=False)
    """Whose rights it has, as they were then; or why it has none."""
    ended: Sequence[CommandRecord] = field(default=(), compare=False)
    """Commands of its that have ended, of attempts whose end is not written: of those that were ordered with an append
    none is missing."""
    forgotten: Set[CommandId] = field(default=frozenset(), compare=False)
    """Those of them of which nothing is kept any more."""
    machine: Proxy | None = field(default=None, compare=False)
    """Where steps run that name no machine, where there is one."""
    clock_ms: int = field(default=0, compare=False)
    """By how much the store's clock was set since the run began."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What a worker was given."""

    runs: tuple[ClaimedRun, ...]
    now_ms: int
    next_in_s: float | None
    """Until the next one is due; None: there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedEvent:
    """One event for the session's log, which is written with the entries that it tells of."""

    kind: EventKind
    data: bytes
    agent: AgentId | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Appended:
    """What became of what was written."""

    without_room: Set[CommandId] = frozenset()
    """Orders that are not given yet: their machine has begun too little of what it was given. With any the run is not
    let go of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What is written into a journal at once."""

    entries: Sequence[Entry]
    events: Sequence[LoggedEvent] = ()
    outputs: Mapping[str, str] = field(default_factory=dict)
    """By the names that entries have for them."""
    state: RunState | None = None
    """The run's, when it changes."""
    reason: str = ""
    listens: bool = False
    """Whether it waits for what may happen anywhere in its session, and not only for what is its own."""
    done: Sequence[CommandId] = ()
    """Commands whose attempts these entries end: no claim tells of them any more."""
    orders: Sequence[CommandOrder] = ()
    """What machines are ordered to do of it: each once, and none when the entries are not written."""
    rests: bool = False
    """Whether the run is let go of with this, as by `settle`."""
    due_at_ms: int | None = None
    """When it is to be looked at again then; None: when something happens to it."""
    holder: str = ""
    """The worker that it is handed to then (`WorkflowRecords.handed`); '' where it may be anybody's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HandedRun:
    """A run that a command has ended of, claimed for the worker that had let go of it last."""

    workspace: WorkspaceId
    claimed: ClaimedRun
    now_ms: int


class WorkflowRecords(Protocol):
    """Runs. Each method is one atomic step."""

    async def begin(self, workspace: WorkspaceId, run: NewRun) -> None:
        """Begin a run, once.

        Raises `NotFound` (SESSION_NOT_FOUND), `Conflict` (TOO_MANY_RUNS, IDEMPOTENCY_MISMATCH).
        """

    async def row(self, workspace: WorkspaceId, run: WorkflowRunId) -> RunRow | None:
        """A run."""

    async def rows(self, workspace: WorkspaceId, *, limit: int) -> list[RunRow]:
        """The latest, the newest first."""

    async def resting(self, workspace: WorkspaceId, *, limit: int) -> list[RunRow]:
        """Those that have not ended and do not go on by themselves: they need a person, or are held."""

    async def definition(self, workspace: WorkspaceId, definition: str) -> str | None:
        """The text of a file, by its hash."""

    async def journal(self, workspace: WorkspaceId, run: WorkflowRunId, *, after: int = 0) -> list[Entry]:
        """A journal's entries behind the first `after`."""

    async def output(self, workspace: WorkspaceId, run: WorkflowRunId, name: str) -> str | None:
        """An output, by the name that an entry has for it."""

    async def claim(self, workspace: WorkspaceId, *, most: int, lease_s: float) -> Claim:
        """Take runs that are due. Who claims one later fences who claimed it before."""

    async def renew(self, workspace: WorkspaceId, claimed: Sequence[ClaimedRun], *, lease_s: float) -> None:
        """Keep runs that are still looked at from being another's; those that were let go of stay so."""

    async def append(
        self, workspace: WorkspaceId, claimed: ClaimedRun, written: Written, *, after: int
    ) -> Appended | None:
        """Write entries behind the first `after`; None where that was not its end. Raises `Fenced`."""

    async def settle(
        self, workspace: WorkspaceId, claimed: ClaimedRun, *, due_at_ms: int | None, held: str = ""
    ) -> None:
        """Let go of a run until then, or until something happens to it. `held`: why nothing is done meanwhile."""

    async def tell(
        self,
        workspace: WorkspaceId,
        run: WorkflowRunId,
        fact: Fact,
        *,
        event: LoggedEvent | None = None,
        outputs: Mapping[str, str] | None = None,
        by: Principal | None = None,
    ) -> None:
        """Write a fact that somebody tells. `by`: whose rights the run has from now on. Raises `NotFound`."""

    async def submit(self, workspace: WorkspaceId, run: WorkflowRunId, effect: str, result: str) -> None:
        """Keep what an agent hands in as the result of an attempt; the last counts. Raises `NotFound`."""

    async def deliver(self, workspace: WorkspaceId, run: WorkflowRunId, effect: str, text: str) -> None:
        """Keep what an attempt that waits for a webhook was called with, once.

        Raises `NotFound` (WEBHOOK_NOT_FOUND), `Conflict` (WEBHOOK_USED, RUN_ENDED, RUN_FULL).
        """

    async def delivered(self, workspace: WorkspaceId, run: WorkflowRunId, effect: str) -> str | None:
        """What that was."""

    async def take_errand(
        self, workspace: WorkspaceId, run: WorkflowRunId, effect: str, *, holder: str, lease_s: float
    ) -> bool:
        """Be the one who does what an attempt is for; False: another does it, it is over, or the run does not go on.

        `holder`: another name for each try.
        """

    async def hold_errand(
        self, workspace: WorkspaceId, run: WorkflowRunId, effect: str, *, holder: str, lease_s: float
    ) -> bool:
        """Whether the holder may make one more request, and has so long for it."""

    async def end_errand(
        self,
        workspace: WorkspaceId,
        run: WorkflowRunId,
        effect: str,
        *,
        holder: str,
        told: str | None,
        outputs: Mapping[str, str],
    ) -> bool:
        """Let go of it, keep how it ended (None: it did not), and have the run looked at. False: it was lost before."""

    async def stop_errand(self, workspace: WorkspaceId, run: WorkflowRunId, effect: str, told: str) -> int:
        """Have it end: for how many ms the request that is under way may still last, 0 when there is none.

        `told`: kept as its end where it is not under way and has none.
        """

    async def errand_end(self, workspace: WorkspaceId, run: WorkflowRunId, effect: str) -> str | None:
        """How it ended; None: it has not."""

    async def read_submitted(self, workspace: WorkspaceId, run: WorkflowRunId, effect: str) -> str | None:
        """What was handed in so."""

    def wakeups(self) -> AsyncIterator[tuple[WorkspaceId, float] | None]:
        """(workspace, seconds) when a run becomes the next that is due there; None: some may be lost."""

    def handed(self, holder: str) -> AsyncIterator[HandedRun | None]:
        """Runs that are a worker's for `TIMINGS.workflow_lease_ms`, as if it had claimed them; None: some may be lost,
        and are anybody's when that has ended.
        """


class WebhookTokens(Protocol):
    """The secret part of addresses at which steps wait to be called. Nothing of it is kept."""

    def make(self, workspace: WorkspaceId, run: WorkflowRunId, effect: str) -> str | None:
        """The token of one attempt at one step; None: this process was given no key."""

    def is_good(self, token: str, workspace: WorkspaceId, run: WorkflowRunId, effect: str) -> bool:
        """Whether it is that attempt's."""


class Reach(Protocol):
    """Who may talk to whom in runs of workflows."""

    async def require(self, sender: Principal, session: Session, *, to: str) -> None:
        """Raise `NotPermitted` when the sender is of a run whose pattern does not let it send there."""
