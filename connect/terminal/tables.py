"""Lists for the terminal: agents, a message's steps, log lines. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from rich.cells import cell_len

from broker.domain.ids import SessionId
from broker.domain.messages import ReceiptState
from broker.protocol.agent_events import (
    CommandRan,
    ContentEvent,
    FilesChanged,
    ProblemNoted,
    TextSpoken,
    ToolCalled,
    ToolReturned,
)
from connect.sdk.facts import FrameSeen, MessageAccepted, MessageReceipt, TurnEnded, read_fact
from connect.sdk.types import Agent, Event, Proxy, Session, Trace, TracedDelivery, owner_of
from connect.terminal.receipts import duration
from connect.terminal.roster import kind_of
from connect.terminal.text import Line, one_line

_CELL_LIMIT = 48
_LOG_LIMIT = 160


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[Line]:
    """Columns as wide as their widest cell."""
    cells = [[one_line(cell, limit=_CELL_LIMIT) for cell in row] for row in rows]
    widths = [max(map(cell_len, column)) for column in zip(head, *cells, strict=True)]
    return [
        _row(head, widths, style="class:strong"),
        *(_row(row, widths, style="") for row in cells),
    ]


def agents_table(agents: Sequence[Agent]) -> list[Line]:
    """Who is there."""
    if not agents:
        return [(("class:dim", "no agents; type a task to spawn one"),)]
    return table(
        ("NAME", "AGENT", "STATE", "MACHINE", "MODEL", "FOLDER"),
        [
            (
                agent.name,
                " ".join(filter(None, (kind_of(agent.cli), agent.version))),
                _state(agent),
                agent.machine or "-",
                agent.model or "-",
                agent.cwd or "-",
            )
            for agent in agents
        ],
    )


def machines_table(machines: Sequence[Proxy]) -> list[Line]:
    """Where agents can run, and whose each machine is."""
    if not machines:
        return [(("class:dim", "no machine was ever linked"),)]
    # The name is what `--on` takes; where several have it, the id.
    twins = len({machine.name for machine in machines}) < len(machines)
    return table(
        ("MACHINE", *(("ID",) if twins else ()), "STATE", "OWNER", "AGENTS", "PROGRAMS", "LABELS"),
        [
            (
                machine.name,
                *((machine.id,) if twins else ()),
                "online" if machine.online else "away",
                owner_of(machine),
                str(machine.agents),
                ", ".join(cli.cli for cli in machine.clis if cli.supported) or "-",
                ", ".join(machine.labels) or "-",
            )
            for machine in machines
        ],
    )


def sessions_table(sessions: Sequence[Session], *, here: SessionId) -> list[Line]:
    """All rooms there are; and which one this terminal is in."""
    return table(
        ("SESSION", "MADE", "STATE"),
        [
            (
                each.name,
                datetime.fromtimestamp(each.created_at_ms / 1000).strftime("%Y-%m-%d %H:%M"),
                ", ".join((["you are here"] if each.id == here else []) + (["stopped"] if each.stopped else [])) or "-",
            )
            for each in sessions
        ],
    )


def trace_lines(trace: Trace) -> list[Line]:
    """Every step of a message with the time since it was accepted."""
    message = trace.message
    lines: list[Line] = [
        (
            ("class:strong", f"{one_line(message.sender.shown)} → {one_line(message.to)}"),
            ("", f"  {_clock(message.at_ms)}"),
        ),
        (("class:dim", f"  {one_line(message.text)}"),),
    ]
    for delivery in trace.deliveries:
        lines += _delivery(delivery, since_ms=message.at_ms)
    return lines


def log_lines(events: Iterable[Event]) -> list[Line]:
    """One line per fact worth reading."""
    return [line for event in events if (line := _log_line(event)) is not None]


def _row(cells: Sequence[str], widths: Sequence[int], *, style: str) -> Line:
    padded = "  ".join(cell + " " * (width - cell_len(cell)) for cell, width in zip(cells, widths, strict=True))
    return ((style, padded.rstrip()),)


def _state(agent: Agent) -> str:
    waiting = f", {agent.waiting_approvals} approvals wait" if agent.waiting_approvals else ""
    paused = ", paused" if agent.paused else ""
    return f"{agent.state}{paused}{waiting}"


def _delivery(delivery: TracedDelivery, *, since_ms: int) -> list[Line]:
    lines: list[Line] = []
    for step in delivery.steps:
        style = "class:bad" if step.state == ReceiptState.UNDELIVERABLE else ""
        lines.append(
            ((style, f"  {one_line(delivery.to)}  {one_line(step.state):<14} +{duration(step.at_ms - since_ms)}"),)
        )
    if delivery.reason or delivery.because:
        lines.append(
            (("class:warn", f"  {one_line(delivery.to)}  {one_line(delivery.reason or delivery.because or '')}"),)
        )
    if delivery.answer:
        lines.append((("class:dim", f"  {one_line(delivery.to)}  “{one_line(delivery.answer)}”"),))
    return lines


def _log_line(event: Event) -> Line | None:
    what = _said(event)
    if what is None:
        return None
    head = f"{_clock(event.at_ms)} {one_line(event.name or '-', limit=20):<12} "
    return (("class:dim", head), ("", one_line(what, limit=_LOG_LIMIT)))


def _said(event: Event) -> str | None:
    match read_fact(event):
        case FrameSeen() as frame:
            said = [text for content in frame.contents() if not frame.transient and (text := _content(content))]
            return "; ".join(said) or None
        case MessageAccepted() as message:
            return f"{message.sender.shown} → {message.to}: {message.text}"
        case MessageReceipt() as receipt if receipt.state is ReceiptState.UNDELIVERABLE:
            return f"not delivered to {receipt.name}: {receipt.reason}"
        case MessageReceipt():
            return None
        case TurnEnded() as turn:
            return f"turn {turn.outcome}" + (f": {turn.text}" if turn.text else "")
        case _:
            return event.kind


def _content(content: ContentEvent) -> str | None:
    match content:
        case TextSpoken():
            return content.text
        case ToolCalled():
            return f"uses {content.tool} {content.input or ''}".rstrip()
        case ToolReturned():
            return f"tool {'ok' if content.ok else 'failed'}: {content.output}"
        case CommandRan():
            return f"$ {content.command} → exit {content.exit_code}"
        case FilesChanged():
            return ", ".join(f"{change.change} {change.path}" for change in content.changes)
        case ProblemNoted():
            return f"problem: {content.detail}"
        case _:
            return None


def _clock(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000).strftime("%H:%M:%S")
