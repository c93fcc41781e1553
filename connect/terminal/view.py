"""Events in, lines out: everything the terminal shows of a session. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import assert_never

from broker.domain.approvals import ApprovalStatus
from broker.domain.ids import MessageId
from broker.protocol.agent_events import (
    CommandRan,
    ContentEvent,
    FilesChanged,
    ProblemNoted,
    TextSpoken,
    ToolCalled,
    ToolReturned,
    TurnOutcome,
)
from connect.sdk.event_feed import FeedItem
from connect.sdk.facts import (
    AgentFailed,
    AgentInterrupted,
    AgentReady,
    AgentReleased,
    AgentRestarting,
    AgentSpawning,
    AgentStarted,
    AgentStateChanged,
    AgentWentDeaf,
    ApprovalRequested,
    ApprovalResolved,
    Fact,
    FrameSeen,
    LogOverflowed,
    MessageAccepted,
    MessageReceipt,
    ProxyConnected,
    ProxyDisconnected,
    StopFinished,
    StopLifted,
    StopOrdered,
    TurnEnded,
    TurnStarted,
    UnknownFact,
    read_fact,
)
from connect.sdk.types import Approval, Event, LinkLost, LinkUp, Reset
from connect.terminal.asked import Asked, approval_box
from connect.terminal.question import answered_words, question_box
from connect.terminal.receipts import OwnMessages
from connect.terminal.roster import Roster
from connect.terminal.stops import stop_line
from connect.terminal.text import Line, box, inner_width, one_line, paragraph
from connect.terminal.verbosity import Verbosity

_REMEMBERED_PROMPTS = 10_000
_DETAIL_LINES = 12


class View:
    """Follows a session and renders it.

    Whatever an agent says reaches the lines only through `text`, which makes it harmless.
    """

    def __init__(self, verbosity: Verbosity, *, width: int = 80) -> None:
        self.verbosity = verbosity
        self.width = width
        self.roster = Roster()
        self.asked = Asked()
        self.own = OwnMessages(verbosity)
        self.connected = False
        self._was_connected = False
        self._human_prompts: dict[MessageId, None] = {}
        self._spoken: dict[str, set[str]] = {}

    def show(self, item: FeedItem) -> list[Line]:
        """The lines for one item of the feed; often none."""
        match item:
            case Event():
                fact = read_fact(item)
                self.roster.on(item.name, fact)
                return self._show_fact(fact, name=item.name or "", at_ms=item.at_ms)
            case LinkUp():
                back, self.connected, self._was_connected = self._was_connected, True, True
                return [good("connected again")] if back else []
            case LinkLost():
                self.connected = False
                return [warning(f"connection lost ({one_line(item.reason)}); reconnecting …")]
            case Reset():
                return [warning(f"older history is gone: the log starts at {item.offset}")]
            case _ as other:
                assert_never(other)

    def catch_up(self, approvals: Iterable[Approval]) -> list[Line]:
        """Take over the broker's own list of what is pending, newest first; the lines for what is new in it."""
        pending = {approval.id: approval for approval in reversed(list(approvals))}
        for known in self.asked.pending():
            if known.id not in pending:
                self.asked.remove(known.id)
        return [line for approval in pending.values() for line in self._approval(approval)]

    def _show_fact(self, fact: Fact, *, name: str, at_ms: int) -> list[Line]:
        match fact:
            case MessageAccepted():
                return self._message(fact, at_ms=at_ms)
            case MessageReceipt():
                return self.own.on_receipt(fact, at_ms=at_ms)
            case TurnEnded():
                return self._turn_ended(fact, name)
            case ApprovalRequested():
                return self._approval(fact.approval)
            case ApprovalResolved():
                return self._approval_resolved(fact)
            case AgentFailed():
                return self._failed(fact, name)
            case FrameSeen():
                return self._frame(fact, name)
            case StopOrdered() | StopFinished() | StopLifted():
                line = stop_line(fact)
                return [] if line is None else [line]
            case TurnStarted():
                self._spoken.pop(name, None)
                return []
            case _:
                return [] if self.verbosity is Verbosity.QUIET else self._notice(fact, name)

    def _notice(self, fact: Fact, name: str) -> list[Line]:
        who = one_line(self.roster.title(name))
        match fact:
            case AgentReady():
                return [good(f"{who} {self._arrival(fact, name)}")]
            case AgentReleased():
                return [good(f"{who} released")]
            case AgentInterrupted():
                return [warning(f"{who} was interrupted by {one_line(fact.by or 'the relay')}")]
            case AgentRestarting():
                return [warning(f"{who} is being restarted: {one_line(fact.reason)}")]
            case AgentWentDeaf():
                return [warning(f"{who} does not react to its messages")]
            case ProxyConnected():
                return [good(f"machine {one_line(fact.machine)} connected")]
            case ProxyDisconnected():
                return [warning(f"machine {one_line(fact.machine)} is away; messages to its agents wait")]
            case LogOverflowed():
                return [warning(f"{fact.dropped_frames} log frames were lost while a machine was cut off")]
            case AgentSpawning() if self.verbosity is Verbosity.VERBOSE:
                return [dim(f"· spawning {one_line(self.roster.title(fact.name))} on {one_line(fact.machine or '?')}")]
            case AgentStateChanged() if self.verbosity is Verbosity.VERBOSE:
                return [dim(f"· {who} is {fact.state}")]
            case AgentSpawning() | AgentStateChanged() | AgentStarted() | UnknownFact():
                return []
            case _:
                return []

    def _arrival(self, fact: AgentReady, name: str) -> str:
        came = "spawned" if self.roster.spawner_of(name) else "connected"
        return ("is back, with its conversation" if fact.resumed else came) + _place(fact)

    def _message(self, fact: MessageAccepted, *, at_ms: int) -> list[Line]:
        if fact.sender.agent is None:
            self._human_prompts[fact.id] = None
            if len(self._human_prompts) > _REMEMBERED_PROMPTS:
                del self._human_prompts[next(iter(self._human_prompts))]
        if self.own.takes(fact, at_ms=at_ms):
            return self.own.on_accepted(fact)
        if self.verbosity is Verbosity.QUIET:
            return []
        mode = "" if fact.mode == "wait" else f" ({fact.mode})"
        return self._box(f"{fact.sender.shown} → {fact.to}{mode}", fact.text, style="class:frame")

    def _turn_ended(self, fact: TurnEnded, name: str) -> list[Line]:
        spoken = self._spoken.pop(name, set())
        if self.verbosity is Verbosity.QUIET and not any(each in self._human_prompts for each in fact.messages):
            return [] if fact.outcome is not TurnOutcome.FAILED else self._outcome(fact, name)
        new = fact.text.strip() and fact.text.strip() not in spoken
        said = self._box(self.roster.title(name), fact.text, style="class:agent") if new else []
        return said + self._outcome(fact, name)

    def _outcome(self, fact: TurnEnded, name: str) -> list[Line]:
        why = f": {one_line(fact.reason)}" if fact.reason else ""
        match fact.outcome:
            case TurnOutcome.FAILED:
                return [bad(f"{one_line(name)}'s turn failed{why}")]
            case TurnOutcome.INTERRUPTED:
                return [warning(f"{one_line(name)}'s turn was stopped{why}")]
            case TurnOutcome.COMPLETED:
                return []
            case _ as other:
                assert_never(other)

    def _failed(self, fact: AgentFailed, name: str) -> list[Line]:
        tail = "\n".join(fact.detail.strip().splitlines()[-_DETAIL_LINES:])
        detail = paragraph(tail, self.width - 2, style="class:dim") if tail else []
        head = bad(f"{one_line(self.roster.title(name))} failed: {one_line(fact.reason)}")
        return [head, *((("", "  "), *line) for line in detail)]

    def _approval(self, approval: Approval) -> list[Line]:
        if approval.decided_by or not self.asked.add(approval):
            return []
        asker, short_id = self.roster.title(approval.agent), self.asked.short_id(approval.id)
        drawn = question_box if approval.prompts else approval_box
        return [(), *drawn(approval, asker=asker, short_id=short_id, width=self.width)]

    def _approval_resolved(self, fact: ApprovalResolved) -> list[Line]:
        approval = self.asked.remove(fact.id)
        if approval is None:
            return []
        by = f" by {one_line(fact.by)}" if fact.by else ""
        what = f"{one_line(approval.agent)}: {one_line(approval.command or approval.title or approval.tool, limit=60)}"
        match fact.status:
            case ApprovalStatus.ALLOWED:
                return [good(f"allowed{by} — {what}")]
            case ApprovalStatus.DENIED:
                return [warning(f"denied{by} — {what}")]
            case ApprovalStatus.EXPIRED:
                return [warning(f"nobody answered in time, so it was denied — {what}")]
            case ApprovalStatus.WITHDRAWN:
                told = f" (told: {one_line(fact.told)})" if fact.told else ""
                return [dim(f"· no longer asked{told} — {what}")]
            case ApprovalStatus.ANSWERED:
                return [good(f"answered{by}: {answered_words(approval, fact.answers)} — {what}")]
            case ApprovalStatus.PENDING:
                return []
            case _ as other:
                assert_never(other)

    def _frame(self, fact: FrameSeen, name: str) -> list[Line]:
        if self.verbosity is not Verbosity.VERBOSE or fact.transient:
            return []
        return [line for content in fact.contents() for line in self._content(content, name)]

    def _content(self, content: ContentEvent, name: str) -> list[Line]:
        who = one_line(name)
        match content:
            case TextSpoken() if content.text.strip():
                self._spoken.setdefault(name, set()).add(content.text.strip())
                return self._box(self.roster.title(name), content.text, style="class:agent")
            case ToolCalled():
                arguments = one_line(str(content.input), limit=120) if content.input else ""
                return [dim(f"⚙ {who} uses {one_line(content.tool)} {arguments}".rstrip())]
            case ToolReturned(ok=False):
                return [warning(f"{who}'s tool failed: {one_line(content.output)}")]
            case CommandRan():
                return [self._command(content, who)]
            case FilesChanged():
                return [dim(f"± {who} {each.change} {one_line(each.path)}") for each in content.changes]
            case ProblemNoted():
                again = "; it tries again" if content.will_retry else ""
                return [warning(f"{who}: {one_line(content.detail)}{again}")]
            case _:
                return []

    def _command(self, content: CommandRan, who: str) -> Line:
        exit_code = "" if content.exit_code is None else f" → exit {content.exit_code}"
        text = f"$ {who} ran {one_line(content.command, limit=120)}{exit_code}"
        return warning(text) if content.exit_code else dim(text)

    def _box(self, title: str, text: str, *, style: str) -> list[Line]:
        body = paragraph(text.strip("\r\n"), inner_width(self.width))
        return [(), *box(title, body, width=self.width, style=style)]


def _place(fact: AgentReady) -> str:
    """Where it works; an older broker does not say."""
    comma = "," if fact.resumed else ""
    machine = f"{comma} on {one_line(fact.machine)}" if fact.machine else ""
    return machine + (f" in {one_line(fact.folder)}" if fact.folder else "")


def good(text: str) -> Line:
    """A line that says something went well."""
    return (("class:good", "✓ "), ("", text))


def warning(text: str) -> Line:
    """A line that wants attention."""
    return (("class:warn", "! "), ("", text))


def bad(text: str) -> Line:
    """A line about a failure."""
    return (("class:bad", "✗ "), ("", text))


def dim(text: str) -> Line:
    """A line in the background."""
    return (("class:dim", text),)
