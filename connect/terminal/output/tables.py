"""Lists for the terminal: agents, machines, a message's steps. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from itertools import zip_longest

from rich.cells import cell_len

from broker.domain.agents.vendors import title_of
from broker.domain.ids import SessionId
from broker.domain.messages.steps import ReceiptState
from connect.sdk.types import Agent, Channel, Proxy, Session, Trace, TracedDelivery, owner_of
from connect.terminal.session.receipts import duration
from connect.terminal.text.layout import Line, one_line, wrap

_CELL_LIMIT = 48
_LONGEST_CELL = 400
_NARROWEST_CELL = 8
_GAP = 2


def table(head: Sequence[str], rows: Iterable[Sequence[str]], *, width: int | None = None) -> list[Line]:
    """Columns as wide as their widest cell; in `width` cells, with cells of several lines or a block for each row."""
    limit = _CELL_LIMIT if width is None else _LONGEST_CELL
    cells = [[one_line(cell, limit=limit) for cell in row] for row in rows]
    widths = [max(map(cell_len, column)) for column in zip(head, *cells, strict=True)]
    if width is not None and not _squeeze(widths, width, least=[max(_NARROWEST_CELL, cell_len(each)) for each in head]):
        return [line for row in cells for line in _block(head, row)]
    return [
        _row(head, widths, style="class:strong"),
        *(line for row in cells for line in _rows(row, widths)),
    ]


def _squeeze(widths: list[int], width: int, *, least: Sequence[int]) -> bool:
    """Take from the widest columns until all fit; False when they cannot."""
    over = sum(widths) + _GAP * (len(widths) - 1) - width
    while over > 0:
        widest = max(range(len(widths)), key=lambda at: widths[at] - least[at])
        if widths[widest] <= least[widest]:
            return False
        widths[widest] -= 1
        over -= 1
    return True


def _rows(cells: Sequence[str], widths: Sequence[int]) -> Iterable[Line]:
    columns = [wrap(cell, width) for cell, width in zip(cells, widths, strict=True)]
    for parts in zip_longest(*columns, fillvalue=""):
        yield _row(parts, widths, style="")


def _block(head: Sequence[str], cells: Sequence[str]) -> Iterable[Line]:
    yield (("class:strong", cells[0]),)
    for name, cell in zip(head[1:], cells[1:], strict=True):
        if cell != "-":
            yield (("class:dim", f"  {name.lower()}: "), ("", cell))


def agents_table(
    agents: Sequence[Agent], *, channels: Callable[[str], Sequence[str]] = lambda _: (), width: int | None = None
) -> list[Line]:
    """Who is there; `channels`: those that an agent is in."""
    if not agents:
        return [(("class:dim", "no agents; type a task to spawn one"),)]
    in_channels = any(channels(agent.name) for agent in agents)
    return table(
        ("NAME", "AGENT", "STATE", "MACHINE", "MODEL", "FOLDER", *(("CHANNELS",) if in_channels else ())),
        [
            (
                agent.name,
                " ".join(filter(None, (title_of(agent.cli), agent.version))),
                _state(agent),
                agent.machine or "-",
                agent.model or "-",
                (agent.cwd or "-") + (f" on {agent.branch}" if agent.branch else ""),
                *((" ".join(channels(agent.name)) or "-",) if in_channels else ()),
            )
            for agent in agents
        ],
        width=width,
    )


def channels_table(channels: Sequence[Channel], *, width: int | None = None) -> list[Line]:
    """The channels, and who is in each."""
    if not channels:
        return [(("class:dim", "no channels: 'join #name <agent>' makes one"),)]
    return table(("CHANNEL", "MEMBERS"), [(each.name, ", ".join(each.members)) for each in channels], width=width)


def machines_table(machines: Sequence[Proxy], *, width: int | None = None) -> list[Line]:
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
        width=width,
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
            ("", f"  {clock(message.at_ms)}"),
        ),
        (("class:dim", f"  {one_line(message.text)}"),),
    ]
    for delivery in trace.deliveries:
        lines += _delivery(delivery, since_ms=message.at_ms)
    return lines


def _row(cells: Sequence[str], widths: Sequence[int], *, style: str) -> Line:
    padded = "  ".join(cell + " " * (width - cell_len(cell)) for cell, width in zip(cells, widths, strict=True))
    return ((style, padded.rstrip()),)


def _state(agent: Agent) -> str:
    count = agent.waiting_approvals
    waiting = f", {count} {'approval waits' if count == 1 else 'approvals wait'}" if count else ""
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


def clock(at_ms: int) -> str:
    """`14:03:59`, here."""
    return datetime.fromtimestamp(at_ms / 1000).strftime("%H:%M:%S")
