"""A workspace's hooks, and the records of their runs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from broker.domain.hooks.definitions import Hook
from broker.domain.hooks.deliveries import Verdict
from broker.domain.hooks.happenings import Happening
from broker.domain.hooks.runs import HookRunId, RunState
from broker.domain.hooks.votes import Vote, Voter
from broker.domain.ids import AgentId, ApprovalId, LinkId, SessionId, WorkflowRunId, WorkspaceId
from broker.domain.people.access import Principal


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedHooks:
    """The hooks that hold, as they were written."""

    text: str
    version: int
    """Counts the changes of a workspace's hooks; 0: there were never any."""
    by: str = ""
    at_ms: int = 0
    paused: bool = False
    author: Principal | None = None
    """Who has applied them, with whose rights they start workflows; None where that was not written down."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HooksInForce:
    """Which hooks hold, without their text."""

    version: int
    """0: there are none."""
    paused: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class HookOrder:
    """A run that is to begin."""

    run: HookRunId
    hook: str
    session: SessionId
    agent: AgentId
    name: str
    """The agent's."""
    data: bytes
    """JSON for the log."""
    patience_s: float
    """After this it is given up, and once more this long after it began."""
    max_per_minute: int
    causes: tuple[str, ...]
    """The hooks that led to it, itself last."""
    link: LinkId | None = None
    """The machine that carries it out; None: the broker does."""
    command: str = ""
    """For the machine, as JSON."""
    delivery: bytes = b""
    """For another service, as JSON: what is sent, in every attempt the same; empty: nothing is."""
    about: bytes = b""
    """JSON that the log has with each of its steps, where it is delivered."""
    decides: ApprovalId | None = None
    """The request that waits for what it says."""
    skipped: bytes = b""
    """Why it is not carried out, as JSON for the log; empty: it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldHook:
    """What is held back until things are quiet: the last that set a hook off, and the files of all."""

    hook: str
    happening: Happening
    session: SessionId
    mark: int
    """Orders what set it off within an epoch of the log."""
    files: tuple[str, ...]
    count: int = 1
    """How often it was set off meanwhile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HookRun:
    """A run as far as it has come."""

    id: HookRunId
    hook: str
    session: SessionId
    agent: AgentId
    name: str
    state: RunState
    at_ms: int
    """When it came to its state."""
    data: dict[str, Any]
    """What the log has of that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A run that is to be delivered now, by whoever claimed it."""

    run: HookRunId
    hook: str
    attempt: int
    """From 1."""
    send: dict[str, Any]


class DeliveryRecords(Protocol):
    """Runs that other services are called for: journal before effect, one claim at a time."""

    async def claim(self, workspace: WorkspaceId, *, limit: int, lease_s: float) -> tuple[list[Delivery], float | None]:
        """Those that are due, each said in the log as begun; and the seconds until the next is, None: there is none.

        One whose claim has run out is claimed again as another attempt, and the log says that the former's end is
        not known.
        """

    async def settle(
        self, workspace: WorkspaceId, delivery: Delivery, verdict: Verdict, *, said: bytes
    ) -> float | None:
        """What an attempt came to, once. `said`: of it, as JSON. The seconds until the next delivery."""

    async def resend(self, workspace: WorkspaceId, run: HookRunId, *, by: str) -> bool:
        """Deliver one anew that was given up; whether there is such a one."""

    async def dead(self, workspace: WorkspaceId, *, limit: int) -> list[HookRun]:
        """Those that were given up, the newest first."""

    async def list_stopped(self, workspace: WorkspaceId) -> dict[str, str]:
        """Hooks that deliver nothing until the hooks are applied anew or one is sent again, and why."""

    def wakeups(self) -> AsyncIterator[WorkspaceId | None]:
        """Workspaces, as something in them is to be delivered; None: some may be lost."""


class WorkflowStarter(Protocol):
    """Starts runs of workflows."""

    async def start_given(
        self,
        principal: Principal,
        *,
        text: str,
        workflow: str | None,
        texts: Mapping[str, str],
        machine: str | None,
        folder: str | None,
        session: SessionId,
        run: WorkflowRunId,
    ) -> None:
        """Begin a run under that id, once, with the caller's rights. `texts`: values of its variables as typed.

        Raises `BadRequest`, `NotPermitted`, `NotFound`, `Conflict`, `PlanLimitReached`.
        """


class HookRecords(Protocol):
    """What hooks there are, what they wait for, and what became of them."""

    async def in_force(self, workspace: WorkspaceId) -> HooksInForce:
        """Which hooks hold."""

    async def load(self, workspace: WorkspaceId) -> SavedHooks:
        """The hooks that hold."""

    async def save(
        self, workspace: WorkspaceId, text: str, *, guards: Sequence[Hook], by: Principal, version: int | None
    ) -> int:
        """Replace them; '' for none. The new version. Raises `Conflict` (HOOKS_CHANGED) when `version` is over.

        `guards`: those of them that agents wait for, which every machine is told.
        """

    async def pause(self, workspace: WorkspaceId, *, paused: bool) -> None:
        """Let none begin, or let them go on; what happens meanwhile sets nothing off."""

    async def lease(self, workspace: WorkspaceId, holder: str, *, seconds: float) -> bool:
        """Take or renew the right to look at a workspace's sessions."""

    async def due(self, workspace: WorkspaceId) -> list[tuple[SessionId, int]]:
        """Sessions with events that hooks wait for, each with the first offset that was not looked at."""

    async def advance(self, workspace: WorkspaceId, session: SessionId, offset: int) -> bool:
        """A session was looked at up to an offset; whether nothing more waits there."""

    async def hold(self, workspace: WorkspaceId, held: HeldHook, *, quiet_s: float, most_s: float) -> None:
        """Hold a run back until nothing has set it off for `quiet_s`, for `most_s` in all; the same event once."""

    async def quiet(self, workspace: WorkspaceId) -> list[HeldHook]:
        """What need not be held back any more."""

    async def drop(self, workspace: WorkspaceId, held: HeldHook) -> None:
        """It was let go; what came meanwhile goes on waiting."""

    async def begin(self, workspace: WorkspaceId, order: HookOrder) -> RunState:
        """Begin a run, once; how far it is now."""

    async def finish(self, workspace: WorkspaceId, run: HookRunId, state: RunState, data: bytes) -> None:
        """End a run that the broker carries out. `data`: JSON for the log."""

    async def await_votes(self, workspace: WorkspaceId, approval: ApprovalId, voters: Sequence[Voter]) -> None:
        """Which runs are to answer a request, once and before the first of them begins."""

    async def votes(self, workspace: WorkspaceId, run: HookRunId) -> tuple[ApprovalId, list[Vote]] | None:
        """The request that a run answers, and how far all are that do; None when it answers none."""

    async def note_votes(self, workspace: WorkspaceId, approval: ApprovalId, said: str) -> None:
        """What hooks have said to a request that they leave to people; nothing once it is answered."""

    async def causes(self, workspace: WorkspaceId, runs: Sequence[str], *, session: SessionId) -> tuple[str, ...]:
        """The hooks that led to the first of these that is a run, else to the session; () when none did."""

    async def mark_caused(self, workspace: WorkspaceId, session: SessionId, causes: Sequence[str]) -> None:
        """A session was made for what hooks have started."""

    async def runs(self, workspace: WorkspaceId, *, limit: int) -> list[HookRun]:
        """The latest, the newest first."""

    def wakeups(self) -> AsyncIterator[WorkspaceId | None]:
        """Workspaces, as sessions in them begin to have events that hooks wait for; None: some may be lost."""
