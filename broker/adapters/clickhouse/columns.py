"""How a log row lies in the table."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from broker.domain.ids import AgentId, SessionId, WorkspaceId
from broker.domain.logs.rows import LineKind, LogRow

_DAY_S = 86_400
Values = Sequence[Any]


def text(value: str) -> str:
    """What ClickHouse can store; half a surrogate pair, which JSON can smuggle in, is no text."""
    return value if value.isascii() else value.encode("utf-8", "replace").decode()


def _texts(values: Values) -> Values:
    return values if all(map(str.isascii, values)) else [text(value) for value in values]


def _as_they_are(values: Values) -> Values:
    return values


def _lists(values: Values) -> Values:
    return [[text(each) for each in value] for value in values]


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its type, and how its values are stored; whole columns, for a call a value takes longer than it."""

    name: str
    kind: str
    stored: Callable[[Values], Values] = _as_they_are


_WORD = "LowCardinality(String)"
COLUMNS: tuple[Column, ...] = (
    Column("workspace", _WORD, _texts),
    Column("session", "String", _texts),
    Column("epoch", _WORD, _texts),
    Column("offset", "UInt64"),
    Column("at", "DateTime64(3, 'UTC')"),
    Column("kind", _WORD),
    Column("event", _WORD, _texts),
    Column("agent", _WORD, _texts),
    Column("agent_id", "String", _texts),
    Column("cli", _WORD, _texts),
    Column("frame_type", _WORD, _texts),
    Column("tool", _WORD, _texts),
    Column("command", "String", _texts),
    Column("exit_code", "Nullable(Int64)"),
    Column("paths", "Array(String)", _lists),
    Column("diff", "String", _texts),
    Column("ok", "Bool"),
    Column("text", "String", _texts),
    Column("input_tokens", "UInt64"),
    Column("output_tokens", "UInt64"),
    Column("cached_tokens", "UInt64"),
    Column("cost_usd", "Float64"),
    Column("cumulative", "Bool"),
    Column("body", "String", _texts),
    Column("redactions", "UInt32"),
)
"""In the order of a `LogRow`; times are its milliseconds."""
_LARGE = {"diff", "body"}
WHOLE = tuple(column.name for column in COLUMNS)
SHORT = tuple(name for name in WHOLE if name not in _LARGE)
"""Enough to list a row: without the event itself and its diff."""

_LONG_TEXT, _PIECE, _AHEAD = 65_536, 20_000, 4000
_PIECES = {
    # Of a text of megabytes the piece around the word that was looked for; it is cut behind sorting, for a page only.
    "text": f"if(length(text) <= {_LONG_TEXT}, text, substringUTF8(text, greatest(1, toInt64(positionUTF8(lower(text),"
    f" {{word}})) - {_AHEAD}), {_PIECE}))",
    "command": f"if(length(command) <= {_LONG_TEXT}, command, substringUTF8(command, 1, {_PIECE}))",
}

STORED = (*WHOLE, "folded", "bytes", "days", "expires_at")
STORED_TYPES = (*(column.kind for column in COLUMNS), "String", "UInt64", "UInt16", "DateTime('UTC')")


def to_columns(rows: Sequence[LogRow], *, days: Sequence[int]) -> list[Values]:
    """Rows as columns, in the order of `STORED`; `days` is how long each is kept."""
    values = {column.name: column.stored(each) for column, each in zip(COLUMNS, zip(*rows, strict=True), strict=True)}
    texts = [values[name] for name in ("text", "body", "diff", "command")]
    return [
        *values.values(),
        [_fold(said) for said in values["text"]],
        [sum(map(_length, each)) for each in zip(*texts, strict=True)],
        days,
        [at // 1000 + kept * _DAY_S for at, kept in zip(values["at"], days, strict=True)],
    ]


def selection(names: Iterable[str]) -> str:
    """For SELECT; times as numbers, which are read without time zones."""
    return ", ".join("toUnixTimestamp64Milli(at)" if name == "at" else name for name in names)


def piece_selection(names: Iterable[str], *, word: str) -> str:
    """For SELECT; of long texts a piece only, the one around `word`, a placeholder."""
    return ", ".join(
        f"{_PIECES[name].format(word=word)} AS {name}_piece" if name in _PIECES else selection([name]) for name in names
    )


def row_of(names: Sequence[str], values: Sequence[Any]) -> LogRow:
    """A row from the values of its columns."""
    fields = dict(zip(names, values, strict=True))
    fields["workspace"] = WorkspaceId(fields["workspace"])
    fields["session"] = SessionId(fields["session"])
    fields["agent_id"] = AgentId(fields["agent_id"])
    fields["at_ms"] = fields.pop("at")
    fields["kind"] = LineKind(fields["kind"])
    fields["paths"] = tuple(fields["paths"])
    return LogRow(**fields)


def _fold(said: str) -> str:
    """Lower case, when that is more than ASCII's."""
    if said.isascii():
        return ""
    lowered = said.lower()
    return "" if lowered.encode() == said.encode().lower() else lowered


def _length(said: str) -> int:
    return len(said) if said.isascii() else len(said.encode())
