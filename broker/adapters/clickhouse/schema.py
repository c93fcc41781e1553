"""Brings the tables to the newest migration: in order, each once, by one process at a time."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import re
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum
from importlib.resources import files

from clickhouse_connect.driver.exceptions import DatabaseError

from broker.adapters.clickhouse.client import ClickHouse
from broker.domain.errors import RelayError, Unavailable

_log = logging.getLogger(__name__)
_TEXT_INDEX_SINCE = (26, 2)
_LOCK_WAIT_S = 120.0
_LOCK_STALE_S = 600
"""A migration runs within seconds; who holds the lock longer than this has died."""


class WordIndex(StrEnum):
    """How words are found without reading every line."""

    TEXT = "text"
    TOKEN_FILTER = "tokenbf"  # noqa: S105 - a kind of Bloom filter


class LogStoreDamaged(Unavailable):
    """The store cannot be opened as it lies on disk; waiting mends nothing."""


class SchemaMismatch(RelayError):
    """The tables were made by other migrations than this version has."""

    code = "LOG_SCHEMA_MISMATCH"


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """One file."""

    name: str
    sql: str

    @property
    def checksum(self) -> str:
        """Of the file as it was applied."""
        return hashlib.sha256(self.sql.encode()).hexdigest()

    @property
    def index(self) -> WordIndex | None:
        """The kind of index it is for; None: for all."""
        kind = re.search(r"\.(\w+)$", self.name)
        return WordIndex(kind[1]) if kind else None

    @property
    def setting(self) -> str | None:
        """A setting of tables that it changes, which older engines do not have; it waits for one that has."""
        needed = re.match(r"-- needs the table setting (\w+)\n", self.sql)
        return needed[1] if needed else None

    @property
    def creates(self) -> list[str]:
        """The tables and views that it makes."""
        return re.findall(r"^CREATE (?:TABLE|MATERIALIZED VIEW) IF NOT EXISTS (\w+)", self.sql, re.MULTILINE)


def list_migrations() -> list[Migration]:
    """Those of this version, in order."""
    folder = files("broker.adapters.clickhouse.migrations")
    found = [file for file in folder.iterdir() if file.name.endswith(".sql")]
    return [Migration(name=file.name.removesuffix(".sql"), sql=file.read_text()) for file in sorted(found, key=_name)]


async def migrate(
    clickhouse: ClickHouse, *, migrations: Sequence[Migration] | None = None, index: WordIndex | None = None
) -> WordIndex:
    """Apply what is missing; the kind of word index there is now. Raises `SchemaMismatch`, `LogStoreDamaged`."""
    shipped = list_migrations() if migrations is None else migrations
    await clickhouse.command(
        "CREATE TABLE IF NOT EXISTS log_migrations (name String, checksum String, applied_at DateTime DEFAULT now())"
        " ENGINE = MergeTree ORDER BY name"
    )
    async with _alone(clickhouse):
        applied = dict(await clickhouse.query("SELECT name, checksum FROM log_migrations"))
        _check(shipped, applied)
        await _check_tables(clickhouse, [table for each in shipped if each.name in applied for table in each.creates])
        chosen = _read_applied_index(shipped, applied) or index or await _best_index(clickhouse)
        for migration in shipped:
            fits = migration.index in {None, chosen} and await _has_setting(clickhouse, migration.setting)
            if migration.name not in applied and fits:
                await _apply(clickhouse, migration)
    if chosen is WordIndex.TOKEN_FILTER:
        _log.warning("this ClickHouse has no text index; words are searched with a Bloom filter, which is slower")
    return chosen


def _name(file: object) -> str:
    return str(getattr(file, "name", ""))


def _check(shipped: Sequence[Migration], applied: dict[str, str]) -> None:
    checksums = {migration.name: migration.checksum for migration in shipped}
    for name, checksum in applied.items():
        if name not in checksums:
            raise SchemaMismatch(f"the log store was migrated by a newer version ({name}); start that version")
        if checksums[name] != checksum:
            raise SchemaMismatch(f"migration {name} is not the one that was applied; restore the file")


async def _check_tables(clickhouse: ClickHouse, tables: Sequence[str]) -> None:
    """A table that is gone is not made again: an empty one would say that there never was anything."""
    found = await clickhouse.query("SELECT name FROM system.tables WHERE database = currentDatabase()")
    missing = sorted(set(tables) - {name for (name,) in found})
    if missing:
        raise LogStoreDamaged(f"the log store has lost its table {', '.join(missing)}")


async def _has_setting(clickhouse: ClickHouse, setting: str | None) -> bool:
    if setting is None:
        return True
    sql = "SELECT 1 FROM system.merge_tree_settings WHERE name = {name:String}"
    return bool(await clickhouse.query(sql, {"name": setting}))


def _read_applied_index(shipped: Sequence[Migration], applied: dict[str, str]) -> WordIndex | None:
    return next((m.index for m in shipped if m.index is not None and m.name in applied), None)


async def _best_index(clickhouse: ClickHouse) -> WordIndex:
    [(version,)] = await clickhouse.query("SELECT version()")
    major, minor = (int(part) for part in str(version).split(".")[:2])
    return WordIndex.TEXT if (major, minor) >= _TEXT_INDEX_SINCE else WordIndex.TOKEN_FILTER


async def _apply(clickhouse: ClickHouse, migration: Migration) -> None:
    """Statements can be repeated, so dying between the two lines does no harm."""
    await clickhouse.command(migration.sql)
    await clickhouse.insert(
        "log_migrations",
        ["name", "checksum"],
        types=["String", "String"],
        values=lambda: [[migration.name], [migration.checksum]],
        token=migration.name,
    )


@asynccontextmanager
async def _alone(clickhouse: ClickHouse) -> AsyncIterator[None]:
    """Creating a table is the one thing that ClickHouse lets exactly one of many do, so a table is the lock."""
    async with asyncio.timeout(_LOCK_WAIT_S):
        while not await _take_lock(clickhouse):
            await _break_stale_lock(clickhouse)
            await asyncio.sleep(0.2)
    try:
        yield
    finally:
        await clickhouse.command("DROP TABLE IF EXISTS log_migration_lock")


async def _take_lock(clickhouse: ClickHouse) -> bool:
    try:
        await clickhouse.command("CREATE TABLE log_migration_lock (held UInt8) ENGINE = MergeTree ORDER BY held")
    except DatabaseError as error:
        if error.name == "TABLE_ALREADY_EXISTS":
            return False
        raise
    return True


async def _break_stale_lock(clickhouse: ClickHouse) -> None:
    """Renaming is atomic too: of those who find the lock stale, one takes it away."""
    stale = await clickhouse.query(
        "SELECT 1 FROM system.tables WHERE database = currentDatabase() AND name = 'log_migration_lock'"
        " AND metadata_modification_time < now() - {s:UInt32}",
        {"s": _LOCK_STALE_S},
    )
    if not stale:
        return
    away = f"log_migration_lock_{secrets.token_hex(4)}"
    try:
        await clickhouse.command(f"RENAME TABLE log_migration_lock TO {away}")
    except DatabaseError as error:
        if error.name != "UNKNOWN_TABLE":
            raise
    await clickhouse.command(f"DROP TABLE IF EXISTS {away}")
