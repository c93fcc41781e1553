"""Log rows in a Parquet file, in typed columns that any data tool reads."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from broker.domain.errors import BadRequest

_TEXTS = ("session", "epoch", "kind", "event", "agent", "agent_id", "cli", "frame_type", "tool", "command")
_COUNTS = ("input_tokens", "output_tokens", "cached_tokens", "redactions")


def write_part(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    """Write one file."""
    arrow, parquet = _arrow(), _library("pyarrow.parquet")
    parquet.write_table(arrow.Table.from_pylist(list(rows), schema=_schema(arrow)), path, compression="zstd")


def read_part(path: Path, *, rows: int) -> Iterator[list[dict[str, Any]]]:
    """The rows of one file, so many at a time."""
    with _library("pyarrow.parquet").ParquetFile(path) as file:
        for batch in file.iter_batches(batch_size=rows):
            yield batch.to_pylist()


def _schema(arrow: Any) -> Any:
    text, count = arrow.large_string(), arrow.uint64()
    return arrow.schema(
        [
            ("at_ms", arrow.int64()),
            ("offset", count),
            *((name, text) for name in _TEXTS),
            ("exit_code", arrow.int64()),
            ("paths", arrow.list_(text)),
            ("diff", text),
            ("ok", arrow.bool_()),
            ("text", text),
            *((name, count) for name in _COUNTS),
            ("cost_usd", arrow.float64()),
            ("cumulative", arrow.bool_()),
            ("body", text),
        ]
    )


def _arrow() -> Any:
    return _library("pyarrow")


def _library(name: str) -> Any:
    """Loaded when it is needed: it takes a third of a second, and JSON lines do without."""
    try:
        return importlib.import_module(name)
    except ImportError:
        raise BadRequest("Parquet needs pyarrow, which is not here; export JSON lines instead") from None
