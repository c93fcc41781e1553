"""An archive's files: what it holds, then rows, then its end. Rows are added in batches, each known by a position, so
that an interrupted export or import goes on behind the last batch that was kept.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import orjson

from broker.cli.archiving.parquet import read_part, write_part
from broker.domain.errors import BadRequest

Row = dict[str, Any]
_BATCH = 500
_PART_ROWS = 20_000


class Archive(Protocol):
    """One archive."""

    batch_rows: int
    """How many rows are best added at a time."""

    def begin(self, contents: Row) -> int:
        """Make it anew; the position for the first batch."""

    def append_trail(self, records: Sequence[Row], position: int) -> int:
        """Add records of the audit trail, all of them ahead of rows; the position for the next ones."""

    def begin_rows(self, position: int) -> int:
        """The trail ends there; the position for the first rows."""

    def append(self, rows: Sequence[Row], position: int) -> int:
        """Add rows at a position, over what an interrupted attempt left behind it; the position for the next ones."""

    def finish(self, rows: int, position: int) -> None:
        """It is whole."""

    def contents(self) -> Row:
        """What `begin` was given. Raises `BadRequest` when this is no whole archive."""

    def trail(self) -> Iterator[Row]:
        """The records of the audit trail, in order."""

    def batches(self, position: int) -> Iterator[tuple[list[Row], int]]:
        """Rows from a position on, each time with the position behind them; 0 is the beginning."""


def archive_at(path: Path) -> Archive:
    """By its name: `….parquet` is a folder of Parquet files, anything else is one file of JSON lines."""
    return ParquetArchive(path) if path.suffix == ".parquet" else NdjsonArchive(path)


class NdjsonArchive:
    """One file: a line with the contents, one for each audit record and each row, one that says that it is whole."""

    batch_rows = _BATCH

    def __init__(self, path: Path) -> None:
        self._path = path

    def begin(self, contents: Row) -> int:
        """Make it anew."""
        line = orjson.dumps({"type": "contents", **contents}) + b"\n"
        write_whole(self._path, line)
        return len(line)

    def append_trail(self, records: Sequence[Row], position: int) -> int:
        """Add records; a position is a place in the file."""
        return self._add(b"".join(orjson.dumps({"type": "record", **each}) + b"\n" for each in records), position)

    def begin_rows(self, position: int) -> int:
        """Rows go on where the trail ends."""
        return position

    def append(self, rows: Sequence[Row], position: int) -> int:
        """Add rows; a position is a place in the file."""
        return self._add(b"".join(orjson.dumps({"type": "row", **row}) + b"\n" for row in rows), position)

    def finish(self, rows: int, position: int) -> None:
        """It is whole."""
        self._add(orjson.dumps({"type": "end", "rows": rows}) + b"\n", position)

    def _add(self, lines: bytes, position: int) -> int:
        with self._path.open("r+b") as file:
            file.truncate(position)
            file.seek(position)
            file.write(lines)
            file.flush()
            os.fsync(file.fileno())
        return position + len(lines)

    def contents(self) -> Row:
        """What `begin` was given."""
        with self._path.open("rb") as file:
            first = file.readline()
            file.seek(max(0, self._path.stat().st_size - 200))
            last = file.read().rsplit(b"\n", 2)[-2:]
        if _parse_row(first).get("type") != "contents" or _parse_row(last[0]).get("type") != "end" or last[1:] != [b""]:
            raise _not_whole(self._path)
        return _parse_row(first)

    def trail(self) -> Iterator[Row]:
        """The records of the audit trail."""
        with self._path.open("rb") as file:
            file.readline()
            for line in file:
                record = _parse_row(line)
                if record.pop("type", None) != "record":
                    return
                yield record

    def batches(self, position: int) -> Iterator[tuple[list[Row], int]]:
        """Rows from a position on."""
        batch: list[Row] = []
        with self._path.open("rb") as file:
            file.seek(position)
            for line in file:
                position += len(line)
                row = _parse_row(line)
                if row.pop("type", None) == "row":
                    batch.append(row)
                if len(batch) == _BATCH:
                    yield batch, position
                    batch = []
        if batch:
            yield batch, position


class ParquetArchive:
    """A folder: `contents.json`, numbered files of audit records and of rows, and `end.json` once it is whole."""

    batch_rows = _PART_ROWS

    def __init__(self, path: Path) -> None:
        self._path = path

    def begin(self, contents: Row) -> int:
        """Make it anew."""
        self._path.mkdir(parents=True, exist_ok=True)
        numbered = (*self._path.glob("rows-*.parquet"), *self._path.glob("trail-*.ndjson"))
        for stale in (*numbered, self._path / "end.json"):
            stale.unlink(missing_ok=True)
        write_whole(self._path / "contents.json", orjson.dumps(contents))
        return 0

    def append_trail(self, records: Sequence[Row], position: int) -> int:
        """Add a file; a position is a number of files."""
        lines = b"".join(orjson.dumps(each) + b"\n" for each in records)
        write_whole(self._path / f"trail-{position + 1:06}.ndjson", lines)
        return position + 1

    def begin_rows(self, position: int) -> int:
        """Files of rows have numbers of their own."""
        return 0

    def append(self, rows: Sequence[Row], position: int) -> int:
        """Add a file; a position is a number of files."""
        unfinished = self._path / "unfinished"
        write_part(unfinished, rows)
        unfinished.replace(self._part(position + 1))
        return position + 1

    def finish(self, rows: int, position: int) -> None:
        """It is whole."""
        write_whole(self._path / "end.json", orjson.dumps({"rows": rows, "files": position}))

    def contents(self) -> Row:
        """What `begin` was given."""
        if not (self._path / "end.json").exists():
            raise _not_whole(self._path)
        return _parse_row((self._path / "contents.json").read_bytes())

    def trail(self) -> Iterator[Row]:
        """The records of the audit trail."""
        for file in sorted(self._path.glob("trail-*.ndjson")):
            yield from map(_parse_row, file.read_bytes().splitlines())

    def batches(self, position: int) -> Iterator[tuple[list[Row], int]]:
        """Rows from a position on; here it counts batches."""
        files = int(_parse_row((self._path / "end.json").read_bytes())["files"])
        every = (batch for n in range(1, files + 1) for batch in read_part(self._part(n), rows=_BATCH))
        for number, batch in enumerate(every, start=1):
            if number > position:
                yield batch, number

    def _part(self, number: int) -> Path:
        return self._path / f"rows-{number:06}.parquet"


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that it is there whole or not at all. What it holds is for its owner alone."""
    unfinished = path.with_name(path.name + ".unfinished")
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)


def _parse_row(line: bytes) -> Row:
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError:
        value = None
    return value if isinstance(value, dict) else {}


def _not_whole(path: Path) -> BadRequest:
    return BadRequest(f"{path} is not a whole archive; run the export again, which goes on where it ended")
