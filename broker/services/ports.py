"""What the services need from the outside: one protocol for each role. `adapters` implements them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Protocol

from broker.domain.access import MemberRole, Principal, TokenKind
from broker.domain.agents import Agent
from broker.domain.approvals import Approval, ApprovalPlace, ApprovalStatus, WaitingApprovals
from broker.domain.errors import Conflict
from broker.domain.event_filter import ALL_EVENTS, EventFilter
from broker.domain.events import Cursor
from broker.domain.ids import (
    AgentId,
    ApprovalId,
    LinkId,
    MemberId,
    MessageId,
    ProxyId,
    SessionId,
    TokenId,
    WorkspaceId,
)
from broker.domain.log_pages import (
    Direction,
    Facet,
    FacetCount,
    LogExtent,
    LogHits,
    LogRows,
    LogSize,
    SearchCursor,
    TimeBucket,
)
from broker.domain.log_query import LogQuery
from broker.domain.log_rows import LogRow
from broker.domain.members import Member, PendingSignIn
from broker.domain.messages import Address, Delivery, Mode, Trace
from broker.domain.placement import Proxy
from broker.domain.plans import Plan
from broker.domain.redaction import Redactor
from broker.domain.retention import Dated, Retention
from broker.domain.rules import Rule
from broker.domain.sessions import Session
from broker.domain.usage import Usage, UsageBy
from broker.domain.workspaces import Workspace
from broker.protocol.agent_events import ApprovalRequested
from broker.protocol.proxy import Hello, Report


@dataclass(frozen=True, slots=True, kw_only=True)
class OutgoingMessage:
    """A message ready to be accepted: checked, signed and rendered."""

    id: MessageId
    session: SessionId
    digest: str
    """Of the request, so that a repeated idempotency key with another content is noticed."""
    sender_id: AgentId | None
    sender_name: str
    role: str | None
    """None: lead or peer, depending on the recipient."""
    to: Address
    mode: Mode
    body: bytes
    """The message as JSON, for the log."""
    wire_head: str
    wire_tail: str
    """JSON string text before and after the role, as it goes to the recipient."""
    ttl_s: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAgent:
    """An agent to be started."""

    id: AgentId
    session: SessionId
    digest: str
    name: str
    cli: str
    proxy: ProxyId
    cwd: str | None
    model: str | None
    instructions: str
    spawner_id: AgentId | None
    spawner_name: str
    task: OutgoingMessage | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LogPage:
    """Events in order, each as its JSON text, and where the next page begins."""

    events: list[str]
    first: Cursor
    """The first event that was looked at, wanted or not; behind the head when there was none."""
    next: Cursor
    """The last one that was looked at."""
    head: Cursor
    """The newest event of the log when the page was read."""
    reset: bool
    """History right after the asked position is gone, or the epoch is another one."""


class EventLog(Protocol):
    """A session's numbered events."""

    async def read(
        self,
        workspace: WorkspaceId,
        session: SessionId,
        *,
        after: Cursor | None,
        limit: int,
        only: EventFilter = ALL_EVENTS,
        scan: int = 0,
    ) -> LogPage:
        """Up to `limit` events after a position; None reads from the first that is kept.

        Of the recent ones at most `scan` are looked at, or `limit` if that is more: a page may be short, its `next`
        says how far it got.
        """

    async def head(self, workspace: WorkspaceId, session: SessionId) -> Cursor:
        """The newest position. Raises `NotFound`."""


class Backlog(Protocol):
    """What the log store does not have yet. One shipper at a time works on a workspace."""

    async def begin(self, workspace: WorkspaceId) -> None:
        """Keep the workspace's logs until they are shipped, from now on."""

    async def lease(self, workspace: WorkspaceId, holder: str, *, seconds: float) -> bool:
        """Take or renew the right to ship a workspace."""

    async def waiting(self, workspace: WorkspaceId) -> list[SessionId]:
        """Sessions with unshipped events."""

    async def log_days(self, workspace: WorkspaceId) -> int:
        """How long the workspace's log is kept, by its plan or its own setting."""

    async def shipped(self, workspace: WorkspaceId, session: SessionId) -> Cursor:
        """Up to where the log store has a session. Raises `NotFound`."""

    async def mark(self, workspace: WorkspaceId, session: SessionId, upto: Cursor, *, keep: int) -> bool:
        """The log store has everything up to a position; the log may be trimmed to `keep` events behind it.

        True when nothing more waits.
        """

    def wakeups(self) -> AsyncIterator[WorkspaceId]:
        """Workspaces, as sessions in them begin to have unshipped events."""


def kept(logs: LogStore | None) -> LogStore:
    """The log store. Raises `Conflict` (NO_LOG_STORE) where there is none."""
    if logs is None:
        raise Conflict("this broker keeps no long history; start it with --clickhouse URL", code="NO_LOG_STORE")
    return logs


class Registry(Protocol):
    """Sessions, agents and machines."""

    async def create_session(self, workspace: WorkspaceId, session: SessionId, *, name: str, epoch: str) -> Session:
        """Make a session, or return the one with that name."""

    async def session(self, workspace: WorkspaceId, reference: str) -> Session:
        """By id or name. Raises `NotFound`."""

    async def sessions(self, workspace: WorkspaceId) -> list[Session]:
        """All of a workspace, oldest first."""

    async def agents(self, workspace: WorkspaceId, session: SessionId, *, limit: int = 100) -> list[Agent]:
        """Live and ended agents, the newest `limit`, in spawn order."""

    async def agent(self, workspace: WorkspaceId, agent: AgentId) -> Agent | None:
        """One agent."""

    async def agent_named(self, workspace: WorkspaceId, session: SessionId, name: str) -> Agent:
        """The live agent of that name. Raises `NotFound`."""

    async def proxies(self, workspace: WorkspaceId) -> list[Proxy]:
        """All machines that were ever linked."""

    async def proxy_of_machine(self, workspace: WorkspaceId, machine_id: str, *, new_id: ProxyId) -> ProxyId:
        """The proxy id of a machine; `new_id` when it is here for the first time."""

    async def own_machine(self, workspace: WorkspaceId, machine_id: str, *, token: TokenId, take: bool) -> TokenId:
        """The token that links a machine: `token` when none did, or when it may `take` the machine over."""

    async def forget_proxy(self, workspace: WorkspaceId, proxy: ProxyId) -> None:
        """Remove a machine that is offline."""


class Mailroom(Protocol):
    """Decisions about agents and their messages; each method is one atomic step."""

    async def send(self, workspace: WorkspaceId, message: OutgoingMessage, *, plan: Plan) -> list[Delivery]:
        """Accept a message. Raises `NotFound`, `QuotaExceeded`, `Conflict`."""

    async def spawn(self, workspace: WorkspaceId, agent: NewAgent, *, plan: Plan) -> None:
        """Take the name and order the process. Raises `NotFound`, `QuotaExceeded`, `Conflict`, `NoPlacement`."""

    async def release(self, workspace: WorkspaceId, agent: AgentId, *, by: str) -> None:
        """Order an agent's end."""

    async def resume(self, workspace: WorkspaceId, session: SessionId, agent: AgentId, *, by: str, plan: Plan) -> None:
        """Order a new process with the conversation of an agent that has ended; nothing when it has not.

        Raises `NotFound`, `QuotaExceeded`, `Conflict` (NO_CONVERSATION, NAME_TAKEN), `NoPlacement`.
        """

    async def interrupt(self, workspace: WorkspaceId, agent: AgentId, *, by: str) -> bool:
        """Stop the running turn; whether one was running."""

    async def messages_on(self, workspace: WorkspaceId, day: date) -> int:
        """How many messages were accepted on a UTC day, as far as plans are concerned."""

    async def trace(self, workspace: WorkspaceId, session: SessionId, message: MessageId) -> Trace:
        """Every step of a message. Raises `NotFound`."""

    async def inbox(
        self, workspace: WorkspaceId, agent: AgentId, *, after: int, limit: int
    ) -> list[tuple[int, dict[str, object]]]:
        """An agent's messages by inbox number."""

    async def join_channel(self, workspace: WorkspaceId, session: SessionId, *, channel: str, agent: AgentId) -> None:
        """Make an agent a member."""

    async def leave_channel(self, workspace: WorkspaceId, session: SessionId, *, channel: str, agent: AgentId) -> None:
        """End a membership."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attached:
    """A link that was taken over."""

    link: LinkId
    fence: int
    epoch: str
    reports_seen: int
    commands_acked: int


Decided = tuple[ApprovalStatus, str, bytes]
"""The status, who decided, and the answer for the agent as JSON."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DecidedApproval:
    """A permission request with what a rule said, if one did."""

    agent: AgentId
    generation: int
    id: ApprovalId
    event: ApprovalRequested
    deadline_s: int
    decided: Decided | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberedFact:
    """One report, ready to be applied."""

    seq: int
    fact: Report | DecidedApproval
    frame_id: str = ""
    """See `NumberedReport.frame_id`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unfinished:
    """What an agent's connection must know of the one before it."""

    turn_id: str | None
    messages: tuple[MessageId, ...]
    """Those its process has and has not answered."""
    frames: tuple[str, ...]
    """The ids of its latest frames."""


class Links(Protocol):
    """The mailboxes of connected peers."""

    async def attach(
        self, workspace: WorkspaceId, link: LinkId, hello: Hello, *, gateway: str, session: SessionId | None, epoch: str
    ) -> Attached:
        """Take a connection over, fencing the one before it."""

    async def detach(self, workspace: WorkspaceId, link: LinkId, *, fence: int, gateway: str) -> None:
        """The connection is gone."""

    async def acknowledge(self, workspace: WorkspaceId, link: LinkId, *, fence: int, seq: int) -> bool:
        """The peer has all commands up to `seq`; False when this connection is fenced."""

    async def commands(self, workspace: WorkspaceId, link: LinkId, *, after: int) -> list[tuple[int, str]]:
        """Commands after a number, each as JSON text."""

    async def apply(
        self,
        workspace: WorkspaceId,
        link: LinkId,
        facts: Sequence[NumberedFact],
        *,
        fence: int,
        spool: str,
        redactor: Redactor,
    ) -> None:
        """Apply reports in order, each once, secrets masked. Raises `Fenced`."""

    async def unfinished(self, workspace: WorkspaceId, agent: AgentId) -> Unfinished:
        """What the connections before have left; to be asked after `attach` has fenced them."""

    async def beat(self, gateway: str) -> bool:
        """This gateway lives. False when it was not known: it is new, or its links were taken over meanwhile."""

    async def reap(self, *, older_than_ms: int) -> int:
        """Detach what gateways held that no longer beat; how many links that were."""


class Approvals(Protocol):
    """Parked permission requests and the rules that answer them."""

    async def approval(self, workspace: WorkspaceId, approval: ApprovalId) -> Approval:
        """One. Raises `NotFound`."""

    async def approvals(
        self, workspace: WorkspaceId, session: SessionId, *, status: ApprovalStatus | None, limit: int = 100
    ) -> list[Approval]:
        """The newest first."""

    async def waiting(
        self, workspace: WorkspaceId, *, session: SessionId | None, limit: int, after: ApprovalPlace | None
    ) -> WaitingApprovals:
        """Those nobody has answered, the longest waiting first; of all sessions when `session` is None."""

    async def pending(self, workspace: WorkspaceId, agent: AgentId) -> dict[str, dict[str, Any] | None]:
        """What an agent waits for: its native request id → the tool's input."""

    async def answer(
        self,
        workspace: WorkspaceId,
        approval: ApprovalId,
        *,
        status: ApprovalStatus,
        by: str,
        note: str,
        answer: bytes,
        at_deadline: bool = False,
    ) -> None:
        """Resolve one. Raises `NotFound`, `Conflict` (APPROVAL_ALREADY_ANSWERED)."""

    async def rules(self, workspace: WorkspaceId) -> list[Rule]:
        """The workspace's rules, in order."""

    async def set_rules(self, workspace: WorkspaceId, rules: Sequence[Rule]) -> None:
        """Replace them."""


class RetentionState(Protocol):
    """How long a workspace's log is kept, what of that was carried out, and what is to be forgotten."""

    async def retention(self, workspace: WorkspaceId) -> Retention:
        """By plan and by the workspace's own wish."""

    async def set_own_days(self, workspace: WorkspaceId, days: int | None) -> None:
        """The workspace's own wish; None for the plan's days."""

    async def dated(self, workspace: WorkspaceId) -> Dated | None:
        """What the log store's rows were last dated by."""

    async def set_dated(self, workspace: WorkspaceId, *, days: int, sure: bool) -> None:
        """Remember it."""

    async def expire_tail(self, workspace: WorkspaceId, session: SessionId, *, days: int) -> None:
        """Let go of events that are too old and in the log store."""

    async def remove_session(self, workspace: WorkspaceId, session: SessionId) -> None:
        """End a session and remember to sweep after it. Raises `NotFound`, `Conflict` (SESSION_HAS_AGENTS)."""

    async def sweep(self, workspace: WorkspaceId, session: SessionId) -> None:
        """Delete whatever is left of a session that was removed."""

    async def removed(self, workspace: WorkspaceId) -> dict[SessionId, int]:
        """Sessions that were removed, with the time in ms, until they are known to be swept."""

    async def forget_removed(self, workspace: WorkspaceId, session: SessionId) -> None:
        """Nothing of it can turn up any more."""

    async def clear_log(self, workspace: WorkspaceId, session: SessionId) -> None:
        """Forget a session's events; it goes on."""


class Restoring(Protocol):
    """Makes again what an archive holds."""

    async def restore_session(self, workspace: WorkspaceId, session: Session, agents: Sequence[Agent]) -> None:
        """A session with its numbers and its ended agents; nothing when it is here."""


class RedactionRules(Protocol):
    """What a workspace masks beside the known forms of secrets."""

    async def redaction_rules(self, workspace: WorkspaceId) -> list[tuple[str, str]]:
        """Names and expressions, in order."""

    async def set_redaction_rules(self, workspace: WorkspaceId, rules: Sequence[tuple[str, str]]) -> None:
        """Replace them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRecord:
    """A token as it is kept: never its secret."""

    id: TokenId
    kind: TokenKind
    name: str
    created_at_ms: int
    expires_at_ms: int | None
    session: SessionId | None = None
    """The one that it shows, when it was made to share that."""


class Tokens(Protocol):
    """Who a token stands for, by the SHA-256 of the whole token."""

    async def owner(self, sha256: str) -> Principal | None:
        """The principal, or None when it is unknown, revoked or expired."""

    async def add(
        self,
        principal: Principal,
        *,
        sha256: str,
        expires_at_ms: int | None = None,
        listed: bool = True,
    ) -> TokenRecord:
        """Register a token for `principal`."""

    async def prolong(self, principal: Principal, *, sha256: str, expires_at_ms: int) -> None:
        """Let a token live longer; nothing when it has ended."""

    async def end(self, principal: Principal, *, sha256: str) -> None:
        """End a token that is not listed, at once and everywhere."""

    async def tokens(self, workspace: WorkspaceId) -> list[TokenRecord]:
        """The listed tokens of a workspace."""

    async def revoke(self, workspace: WorkspaceId, token: TokenId) -> None:
        """End a token at once, everywhere. Raises `NotFound`."""

    async def create_workspace(self, workspace: WorkspaceId, *, name: str, plan: Plan) -> None:
        """Register a workspace; nothing when it exists."""

    async def workspace(self, workspace: WorkspaceId) -> Workspace:
        """What is registered. Raises `NotFound`."""


class MemberRecords(Protocol):
    """The people of a workspace. Each change is one atomic decision; `by` is the member who makes it, or None."""

    async def add(self, workspace: WorkspaceId, member: Member, *, by: MemberId | None) -> None:
        """Add one. Raises `Conflict` (NAME_TAKEN, TOO_MANY_MEMBERS), `NotPermitted`."""

    async def add_first(self, workspace: WorkspaceId, member: Member) -> None:
        """Add one when there is nobody yet."""

    async def member(self, workspace: WorkspaceId, member: MemberId) -> Member | None:
        """One by id."""

    async def named(self, workspace: WorkspaceId, name: str) -> Member | None:
        """One by name, whatever its case."""

    async def members(self, workspace: WorkspaceId) -> list[Member]:
        """All, in the order they were added."""

    async def set_role(
        self, workspace: WorkspaceId, member: MemberId, role: MemberRole, *, by: MemberId | None
    ) -> None:
        """Raises `NotFound`, `NotPermitted`, `Conflict` (LAST_OWNER)."""

    async def remove(self, workspace: WorkspaceId, member: MemberId, *, by: MemberId | None) -> None:
        """Raises `NotFound`, `NotPermitted`, `Conflict` (LAST_OWNER)."""

    async def end_sign_ins(self, workspace: WorkspaceId, member: MemberId) -> None:
        """End all tokens and codes of a member. Raises `NotFound`."""


class SignInCodes(Protocol):
    """One-time codes by their SHA-256, and how often an address guessed wrong."""

    async def keep(self, sha256: str, pending: PendingSignIn, *, expires_at_ms: int) -> None:
        """Let a code be used until then."""

    async def take(self, sha256: str) -> PendingSignIn | None:
        """What a code is for, and its end: the next one to ask gets None."""

    async def failures(self, address: str) -> int:
        """How often an address has lately failed."""

    async def count_failure(self, address: str, *, window_s: int) -> None:
        """It failed; forgotten a while after the first."""


class Bus(Protocol):
    """Pub/sub: wakes listeners up. It may lose messages; a listener is told when it may have."""

    async def listen(self, channel: str, on_message: Callable[[str | None], None]) -> Callable[[], Awaitable[None]]:
        """Call back with each message, and with None whenever some may have been lost. Returns how to stop."""


class Timers(Protocol):
    """Deadlines of all workspaces."""

    async def workspaces(self) -> list[WorkspaceId]:
        """Every workspace."""

    async def claim(self, workspace: WorkspaceId) -> tuple[list[str], float | None]:
        """Due timers, leased to the caller, and the seconds until the next one."""

    async def due(self, workspace: WorkspaceId, timer: str) -> None:
        """Carry out what the passing of a deadline means."""

    def wakeups(self) -> AsyncIterator[tuple[WorkspaceId, float]]:
        """(workspace, seconds until due) whenever a timer becomes a workspace's earliest."""


class LogStore(Protocol):
    """The long history. A row is known by (workspace, session, epoch, offset); expired rows are never seen.

    Every method raises `Unavailable` when the store is away or the question is too large.
    """

    @property
    def degraded(self) -> str:
        """Why searches are slower than they could be; '' when they are not."""

    async def insert(self, workspace: WorkspaceId, rows: Sequence[LogRow], *, token: str, days: int) -> None:
        """Keep rows for `days` from their own time. Twice is once: by `token`, and for other batches by row."""

    async def page(
        self,
        workspace: WorkspaceId,
        session: SessionId,
        epoch: str,
        *,
        start: int,
        limit: int,
        direction: Direction = Direction.FORWARDS,
        only: EventFilter = ALL_EVENTS,
    ) -> LogRows:
        """Rows right after, or right before, the offset `start`, of those that are wanted."""

    async def offset_at(self, workspace: WorkspaceId, session: SessionId, epoch: str, *, at: datetime) -> int | None:
        """The first offset at or after a time; None when everything is older."""

    async def last_offset(self, workspace: WorkspaceId, session: SessionId, epoch: str) -> int:
        """The newest offset that was ever inserted and is still here; 0 when there is none."""

    async def context(
        self, workspace: WorkspaceId, session: SessionId, epoch: str, *, offset: int, lines: int
    ) -> list[LogRow]:
        """A row with up to `lines`, 1 or more, on both sides."""

    async def search(
        self, workspace: WorkspaceId, query: LogQuery, *, limit: int, before: SearchCursor | None = None
    ) -> LogHits:
        """Newest first. Hits come without `body` and `diff`."""

    async def histogram(self, workspace: WorkspaceId, query: LogQuery, *, buckets: int) -> list[TimeBucket]:
        """Counts over time in at most `buckets` equal spans, empty ones left out."""

    async def facets(self, workspace: WorkspaceId, query: LogQuery, field: Facet, *, limit: int) -> list[FacetCount]:
        """The most frequent values of a field."""

    async def extents(self, workspace: WorkspaceId, *, session: SessionId | None = None) -> list[LogExtent]:
        """What is kept, by session and epoch."""

    def export(
        self, workspace: WorkspaceId, session: SessionId, epoch: str, *, after: int = 0, until: int | None = None
    ) -> AsyncIterator[list[LogRow]]:
        """Whole rows in order, page by page; resumable after any offset."""

    async def size(self, workspace: WorkspaceId) -> LogSize:
        """What a workspace keeps."""

    async def redate(self, workspace: WorkspaceId, *, days: int) -> int:
        """Let every row expire `days` after its own time; how many rows that changed.

        It can be repeated after dying half-way. What has expired never comes back.
        """

    async def delete_session(self, workspace: WorkspaceId, session: SessionId) -> int:
        """Delete a session's log; how many rows that were. Returns only when none is left."""

    async def delete_workspace(self, workspace: WorkspaceId) -> int:
        """Delete all logs of a workspace; how many rows that were. Returns only when none is left."""

    async def usage(self, workspace: WorkspaceId, *, since: date, until: date, by: UsageBy) -> list[Usage]:
        """Counters from one day to another, both included. They outlive the rows, by content-free numbers alone."""

    async def purge(self) -> None:
        """Give the space of deleted and expired rows back now, without waiting for merges."""
