"""How a log row lies in the table."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from broker.domain.ids import AgentId, SessionId, WorkspaceId
from broker.domain.log_pages import from_ms, to_ms
from broker.domain.log_rows import LineKind, LogRow

_DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its type, and its value in a row."""

    name: str
    kind: str
    value: Callable[[LogRow], object]


def text(value: str) -> str:
    """What ClickHouse can store; half a surrogate pair, which JSON can smuggle in, is no text."""
    return value if value.isascii() else value.encode("utf-8", "replace").decode()


COLUMNS: tuple[Column, ...] = (
    Column("workspace", "LowCardinality(String)", lambda row: text(row.workspace)),
    Column("session", "String", lambda row: text(row.session)),
    Column("epoch", "LowCardinality(String)", lambda row: text(row.epoch)),
    Column("offset", "UInt64", lambda row: row.offset),
    Column("at", "DateTime64(3, 'UTC')", lambda row: to_ms(row.at)),
    Column("kind", "LowCardinality(String)", lambda row: row.kind.value),
    Column("event", "LowCardinality(String)", lambda row: text(row.event)),
    Column("agent", "LowCardinality(String)", lambda row: text(row.agent)),
    Column("agent_id", "String", lambda row: text(row.agent_id)),
    Column("cli", "LowCardinality(String)", lambda row: text(row.cli)),
    Column("frame_type", "LowCardinality(String)", lambda row: text(row.frame_type)),
    Column("tool", "LowCardinality(String)", lambda row: text(row.tool)),
    Column("command", "String", lambda row: text(row.command)),
    Column("exit_code", "Nullable(Int64)", lambda row: row.exit_code),
    Column("paths", "Array(String)", lambda row: [text(path) for path in row.paths]),
    Column("ok", "Bool", lambda row: row.ok),
    Column("text", "String", lambda row: text(row.text)),
    Column("input_tokens", "UInt64", lambda row: row.input_tokens),
    Column("output_tokens", "UInt64", lambda row: row.output_tokens),
    Column("cached_tokens", "UInt64", lambda row: row.cached_tokens),
    Column("cost_usd", "Float64", lambda row: row.cost_usd),
    Column("cumulative", "Bool", lambda row: row.cumulative),
    Column("redactions", "UInt32", lambda row: row.redactions),
    Column("diff", "String", lambda row: text(row.diff)),
    Column("body", "String", lambda row: text(row.body)),
)
_LARGE = {"diff", "body"}
WHOLE = tuple(column.name for column in COLUMNS)
SHORT = tuple(name for name in WHOLE if name not in _LARGE)
"""Enough to list a row: without the event itself and its diff."""

STORED = (*WHOLE, "folded", "bytes", "days", "expires_at")
STORED_TYPES = (*(column.kind for column in COLUMNS), "String", "UInt64", "UInt16", "DateTime('UTC')")


def stored(rows: Sequence[LogRow], *, days: int) -> list[list[object]]:
    """Rows as columns, in the order of `STORED`."""
    values: list[list[object]] = [[column.value(row) for row in rows] for column in COLUMNS]
    values.append([_folded(text(row.text)) for row in rows])
    values.append([_bytes(row) for row in rows])
    values.append([days] * len(rows))
    values.append([to_ms(row.at) // 1000 + days * _DAY_S for row in rows])
    return values


def selection(names: Iterable[str]) -> str:
    """For SELECT; times as numbers, which are read without time zones."""
    return ", ".join("toUnixTimestamp64Milli(at)" if name == "at" else name for name in names)


def row_of(names: Sequence[str], values: Sequence[Any]) -> LogRow:
    """A row from the values of its columns."""
    fields = dict(zip(names, values, strict=True))
    fields["workspace"] = WorkspaceId(fields["workspace"])
    fields["session"] = SessionId(fields["session"])
    fields["agent_id"] = AgentId(fields["agent_id"])
    fields["at"] = from_ms(fields["at"])
    fields["kind"] = LineKind(fields["kind"])
    fields["paths"] = tuple(fields["paths"])
    return LogRow(**fields)


def _folded(said: str) -> str:
    """Lower case, when that is more than ASCII's."""
    if said.isascii():
        return ""
    lowered = said.lower()
    return "" if lowered.encode() == said.encode().lower() else lowered


def _bytes(row: LogRow) -> int:
    return _length(row.text) + _length(row.body) + _length(row.diff) + _length(row.command)


def _length(said: str) -> int:
    return len(said) if said.isascii() else len(said.encode("utf-8", "replace"))
