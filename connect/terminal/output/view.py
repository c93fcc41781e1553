"""Events in, lines out: everything the terminal shows of a session. Pure."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import assert_never

from broker.domain.agents.agents import AgentState
from broker.domain.agents.vendors import title_of
from broker.domain.approvals.answers import ApprovalStatus
from broker.domain.ids import ApprovalId
from broker.protocol.agents.events import (
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
    AgentStateChanged,
    AgentWentDeaf,
    ApprovalAssented,
    ApprovalRequested,
    ApprovalResolved,
    ChannelJoined,
    ChannelLeft,
    Fact,
    FrameSeen,
    HookStopped,
    LogOverflowed,
    MessageAccepted,
    MessageReceipt,
    PlanWarned,
    ProxyConnected,
    ProxyDisconnected,
    ReportsLost,
    StepChanged,
    StepEnded,
    StepStarted,
    StopFinished,
    StopLifted,
    StopOrdered,
    TurnEnded,
    TurnStarted,
    WorkflowChanged,
    WorkflowEnded,
    WorkflowStarted,
    read_fact,
)
from connect.sdk.types import Agent, Approval, Event, LinkLost, LinkUp, Reset
from connect.terminal.output.question import describe_answer, question_box
from connect.terminal.session.activity import Activity
from connect.terminal.session.asked import Asked, approval_box, join_needs
from connect.terminal.session.channels import Channels
from connect.terminal.session.receipts import OwnMessages
from connect.terminal.session.results import Results
from connect.terminal.session.roster import Roster
from connect.terminal.session.runs import run_line
from connect.terminal.session.stops import stop_line
from connect.terminal.session.troubles import Troubles
from connect.terminal.text.deeds import command_words, file_words, tool_words
from connect.terminal.text.layout import Line, box, cut, inner_width, one_line, paragraph
from connect.terminal.text.markdown import render
from connect.terminal.text.words import advice, describe_move, explain_stop, reason_words
from connect.terminal.verbosity import Verbosity

_DETAIL_LINES = 12
_LONGEST_TEXT = 80
_SHOWN_OF_LONG_TEXT = 60
"""Lines of a box; `show` gives the rest."""
_REMEMBERED_TEXTS = 200


class View:
    """Follows a session and renders it.

    Whatever an agent says reaches the lines only through `text`, which makes it harmless.
    """

    def __init__(self, verbosity: Verbosity, *, width: int = 80, clock: Callable[[], float] = time.monotonic) -> None:
        self.verbosity = verbosity
        self.width = width
        """Of boxes and texts, which are narrower than a wide window."""
        self.columns = width
        """Of lists."""
        self.roster = Roster()
        self.asked = Asked()
        self.channels = Channels()
        self.own = OwnMessages(verbosity)
        self.activity = Activity(clock)
        self.connected = False
        self.concluded: list[Event] = []
        """The turns that are results since the item that was shown last (`quiet`)."""
        self.told = False
        """Whether that item said something by itself."""
        self.numbers: list[int] = []
        """Of messages and long texts that were shown, the newest last."""
        self._results = Results()
        self._troubles = Troubles()
        self._was_connected = False
        self._interrupted: set[str] = set()
        self._ruled: dict[ApprovalId, Approval] = {}
        self._early: dict[str, list[Line]] = {}
        """Messages to an agent that starts: they are shown when it is there."""
        self._spoken: dict[str, set[str]] = {}

    def show(self, item: FeedItem) -> list[Line]:
        """The lines for one item of the feed; often none."""
        lines = self._show(item)
        self.told = bool(lines)
        gap = isinstance(item, Reset | LinkLost) or (isinstance(item, Event) and item.kind == "stop.ordered")
        self.concluded = self._results.take(anyway=gap)
        if self.verbosity is Verbosity.QUIET:
            lines += [line for event in self.concluded for line in self._closing(event)]
        return lines

    @property
    def at_rest(self) -> bool:
        """Whether what was sent from here is settled, and what agents were asked because of it."""
        return self.own.all_settled and self._results.at_rest

    def own_working(self) -> list[str]:
        """Who works for this terminal: whom it has asked or started, and whoever those have started."""
        return [name for name in self.activity.working() if self.roster.descends(name, self.own.addressed)]

    def past(self, events: Iterable[Event], agents: Iterable[Agent]) -> list[Line]:
        """The lines of what has been, at the same width; what is over by now is not asked again."""
        told = Verbosity.NORMAL if self.verbosity is Verbosity.QUIET else self.verbosity
        other = View(told, width=self.width)
        other.learn(agents)
        return [line for event in events if event.kind != "approval.requested" for line in other.show(event)]

    def learn(self, agents: Iterable[Agent]) -> None:
        """Take over the broker's own list of agents."""
        known = list(agents)
        self.roster.learn(known)
        self.activity.learn(agent for agent in known if self.roster.is_living(agent.name) and not agent.state.ended)

    def _show(self, item: FeedItem) -> list[Line]:
        match item:
            case Event():
                fact = read_fact(item)
                lines = self._show_fact(fact, name=item.name or "", event=item)
                self.roster.on(item.name, fact)
                self.channels.on(item.name, fact)
                self.activity.on(item.name or "", fact)
                return lines
            case LinkUp():
                back, self.connected, self._was_connected = self._was_connected, True, True
                return [good("connected again")] if back else []
            case LinkLost():
                self.connected = False
                return [warning(f"connection lost ({one_line(item.reason)}); reconnecting …")]
            case Reset():
                self._results.forget()
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

    def _show_fact(self, fact: Fact, *, name: str, event: Event) -> list[Line]:
        match fact:
            case MessageAccepted():
                return self._message(fact, at_ms=event.at_ms, number=event.offset)
            case MessageReceipt():
                self._results.on_receipt(fact)
                return self.own.on_receipt(fact, at_ms=event.at_ms)
            case TurnEnded():
                return self._turn_ended(fact, name, event=event)
            case ApprovalRequested():
                return self._approval(fact.approval)
            case ApprovalAssented():
                return self._approval_assented(fact)
            case ApprovalResolved():
                return self._approval_resolved(fact)
            case AgentFailed():
                return [*self._show_failure(fact, name), *self._early.pop(name, [])]
            case FrameSeen():
                return self._frame(fact, name, number=event.offset)
            case StopOrdered() | StopFinished() | StopLifted():
                line = stop_line(fact)
                return [] if line is None else [line]
            case WorkflowStarted() | WorkflowChanged() | WorkflowEnded() | StepStarted() | StepEnded() | StepChanged():
                told = None if self.verbosity is Verbosity.QUIET else run_line(fact)
                return [] if told is None else [told]
            case TurnStarted():
                self._spoken.pop(name, None)
                self._interrupted.discard(name)
                return []
            case _:
                early = self._early.pop(name, []) if isinstance(fact, AgentReady | AgentReleased) else []
                return [] if self.verbosity is Verbosity.QUIET else [*self._notice(fact, name), *early]

    def _notice(self, fact: Fact, name: str) -> list[Line]:
        who = one_line(self.roster.title(name))
        match fact:
            case AgentReady():
                return [good(self._arrival(fact, name))]
            case AgentReleased():
                return [good(f"{who} released")]
            case AgentInterrupted():
                self._interrupted.add(name)
                return [warning(f"{who} was interrupted by {one_line(fact.by or 'the relay')}")]
            case ChannelJoined() | ChannelLeft():
                return [good(f"{one_line(name)} {describe_move(fact, name)}")]
            case AgentRestarting():
                return [warning(f"{who} is being restarted: {reason_words(fact.reason)}")]
            case AgentWentDeaf():
                return [warning(f"{who} does not react to its messages")]
            case ProxyConnected():
                return [good(f"machine {one_line(fact.machine)} connected")]
            case ProxyDisconnected():
                return [warning(f"machine {one_line(fact.machine)} is away; messages to its agents wait")]
            case HookStopped():
                exit_ = f"exit {fact.exit_code}" if fact.exit_code is not None else ""
                why = ", ".join(filter(None, [one_line(fact.reason or ""), exit_]))
                return [warning(f"hook {one_line(fact.hook)} for {who} {one_line(fact.state)}: {why}")]
            case PlanWarned():
                return [warning(one_line(fact.text))]
            case LogOverflowed():
                return [warning(f"{fact.dropped_frames} log frames were lost while a machine was cut off")]
            case ReportsLost() if fact.lost:
                machine = one_line(fact.machine or "a machine")
                return [warning(f"{fact.lost} reports of {machine} were lost in a fail-over of the broker")]
            case AgentSpawning() if self.verbosity is Verbosity.VERBOSE:
                title = f"{one_line(fact.name)} ({title_of(fact.cli)})"
                return [dim(f"· spawning {title} on {one_line(fact.machine or 'a machine that is not named')}")]
            case AgentStateChanged() if self.verbosity is Verbosity.VERBOSE:
                return [dim(f"· {who} is {fact.state}")]
            case _:
                return []

    def _arrival(self, fact: AgentReady, name: str) -> str:
        title = one_line(self.roster.title(name))
        if fact.resumed:
            return f"{title} is back, with its conversation{_place(fact)}"
        return (f"{title} spawned" if self.roster.spawner_of(name) else f"{one_line(name)} connected") + _place(fact)

    def _message(self, fact: MessageAccepted, *, at_ms: int, number: int) -> list[Line]:
        self._results.on_message(fact)
        if self.own.takes(fact, at_ms=at_ms, number=number):
            self._remember(number)
            return self.own.on_accepted(fact)
        if self.verbosity is Verbosity.QUIET:
            return []
        mode = "" if fact.mode == "wait" else f" ({fact.mode})"
        self._remember(number)
        title = f"{fact.sender.shown} → {fact.to}{mode}"
        lines = self._box(title, fact.text, style="class:frame", number=number, foot=f"#{number}")
        starting = [each.name for each in fact.recipients if self.roster.state_of(each.name) is AgentState.STARTING]
        if starting and len(starting) == len(fact.recipients):
            self._early.setdefault(starting[0], []).extend(lines)
            return []
        return lines

    def _turn_ended(self, fact: TurnEnded, name: str, *, event: Event) -> list[Line]:
        self._results.on_turn_ended(fact, name, event=event)
        self._troubles.over(name)
        outcome = self._outcome(fact, name)
        if self.verbosity is Verbosity.QUIET:
            return outcome if fact.outcome is TurnOutcome.FAILED else []
        said = self._say(name, fact.text, number=event.offset)
        return [*said, *outcome]

    def _closing(self, event: Event) -> list[Line]:
        """The result of delegated work, once it is all there."""
        fact = read_fact(event)
        text = fact.text if isinstance(fact, TurnEnded) else ""
        return self._say(event.name or "", text, number=event.offset)

    def _say(self, name: str, text: str, *, number: int) -> list[Line]:
        """What an agent says, unless it was shown in this turn already."""
        words = text.strip()
        spoken = self._spoken.setdefault(name, set())
        if not words or words in spoken:
            return []
        spoken.add(words)
        return self._box(self.roster.title(name), text, style="class:agent", number=number)

    def _outcome(self, fact: TurnEnded, name: str) -> list[Line]:
        match fact.outcome:
            case TurnOutcome.FAILED:
                help_ = advice(fact.reason or "", program=self.roster.cli_of(name))
                why = f": {one_line(fact.reason)}{help_}" if fact.reason else ""
                return [bad(f"{one_line(name)}'s turn failed{why}")]
            case TurnOutcome.INTERRUPTED:
                why = explain_stop(fact.reason)
                if name in self._interrupted and not why:
                    return []
                return [warning(f"{one_line(name)}'s turn was stopped" + (f": {why}" if why else ""))]
            case TurnOutcome.COMPLETED:
                return []
            case _ as other:
                assert_never(other)

    def _show_failure(self, fact: AgentFailed, name: str) -> list[Line]:
        tail = "\n".join(fact.detail.strip().splitlines()[-_DETAIL_LINES:])
        detail = paragraph(tail, self.width - 2, style="class:dim") if tail else []
        head = bad(f"{one_line(self.roster.title(name))} failed: {reason_words(fact.reason)}")
        return [head, *((("", "  "), *line) for line in detail)]

    def _approval(self, approval: Approval) -> list[Line]:
        if approval.decided_by:
            self._ruled[approval.id] = approval
            return []
        if not self.asked.add(approval):
            return []
        asker, short_id = self.roster.title(approval.agent), self.asked.short_id(approval.id)
        drawn = question_box if approval.prompts else approval_box
        return [(), *drawn(approval, asker=asker, short_id=short_id, width=self.width)]

    def _approval_assented(self, fact: ApprovalAssented) -> list[Line]:
        approval = self.asked.note_needs(fact.id, fact.needs)
        if approval is None:
            return []
        what = f"{one_line(approval.agent)}: {one_line(approval.command or approval.title or approval.tool, limit=60)}"
        return [dim(f"· {one_line(fact.by)} says yes; it needs {join_needs(fact.needs)} — {what}")]

    def _approval_resolved(self, fact: ApprovalResolved) -> list[Line]:
        approval = self.asked.remove(fact.id)
        ruled = self._ruled.pop(fact.id, None)
        if ruled is not None:
            return self._show_ruled_out(fact, ruled)
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
                return [good(f"answered{by}: {describe_answer(approval, fact.answers)} — {what}")]
            case ApprovalStatus.PENDING:
                return []
            case _ as other:
                assert_never(other)

    def _show_ruled_out(self, fact: ApprovalResolved, approval: Approval) -> list[Line]:
        """What a rule has answered: a denial is told to all who wait for the work, a permission to who looks on."""
        what = f"{one_line(approval.agent)}: {one_line(approval.command or approval.title or approval.tool, limit=60)}"
        by = one_line(approval.decided_by or "a rule")
        if fact.status is ApprovalStatus.DENIED and self.verbosity is not Verbosity.QUIET:
            return [warning(f"denied by {by} — {what}")]
        return [dim(f"· allowed by {by} — {what}")] if self.verbosity is Verbosity.VERBOSE else []

    def _frame(self, fact: FrameSeen, name: str, *, number: int) -> list[Line]:
        if self.verbosity is Verbosity.QUIET or fact.transient:
            return []
        return [line for content in fact.contents() for line in self._content(content, name, number=number)]

    def _content(self, content: ContentEvent, name: str, *, number: int) -> list[Line]:
        match content:
            case TextSpoken():
                self._troubles.over(name)
                return self._say(name, content.text, number=number)
            case ProblemNoted():
                return self._problem(content, name)
            case _:
                return self._deed(content, one_line(name)) if self.verbosity is Verbosity.VERBOSE else []

    def _problem(self, problem: ProblemNoted, name: str) -> list[Line]:
        if not self._troubles.is_news(name, problem) and self.verbosity is not Verbosity.VERBOSE:
            return []
        again = "; it tries again" if problem.will_retry else ""
        help_ = advice(problem.detail, program=self.roster.cli_of(name))
        return [warning(f"{one_line(name)}: {one_line(problem.detail)}{again}{help_}")]

    def _deed(self, content: ContentEvent, who: str) -> list[Line]:
        match content:
            case ToolCalled():
                return [dim(f"⚙ {who} uses {tool_words(content)}")]
            case ToolReturned(ok=False):
                return [warning(f"{who}'s tool failed: {one_line(content.output)}")]
            case CommandRan():
                return [self._command(content, who)]
            case FilesChanged():
                return [dim(f"± {who} {change}") for change in file_words(content)]
            case _:
                return []

    def _command(self, content: CommandRan, who: str) -> Line:
        text = command_words(content).replace("$ ", f"$ {who} ran ", 1)
        return warning(text) if content.exit_code else dim(text)

    def _box(self, title: str, text: str, *, style: str, number: int, foot: str = "") -> list[Line]:
        body = render(text.strip("\r\n"), inner_width(self.width))
        if len(body) > _LONGEST_TEXT:
            more = f"… {len(body) - _SHOWN_OF_LONG_TEXT} more lines: show {number}"
            body = [*body[:_SHOWN_OF_LONG_TEXT], (("class:dim", cut(more, inner_width(self.width))),)]
            self._remember(number)
        return [(), *box(title, body, width=self.width, style=style, foot=foot)]

    def _remember(self, number: int) -> None:
        if number not in self.numbers:
            self.numbers = [*self.numbers[-_REMEMBERED_TEXTS:], number]


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
