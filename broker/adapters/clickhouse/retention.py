"""Changes of what is kept: another retention, deletion, space given back.

The expiry is part of the partition key, so a row cannot be changed in place: it is copied under its new expiry, the
copies are counted, and only rows that have a copy are deleted. Dying between any two statements loses nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from broker.adapters.clickhouse.client import ClickHouse, Lane
from broker.adapters.clickhouse.search_sql import Condition, of_workspace
from broker.domain.errors import BadRequest, Unavailable
from broker.domain.ids import WorkspaceId

_MAX_DAYS = 3650
_CHUNK_ROWS = 200_000
"""Rows copied at a time; their keys are held in memory while the old ones are deleted."""
_CHUNK_SESSIONS = 1000
"""Their ids travel in the URL, which a server limits to 1 MiB."""
_DELETE_ROUNDS = 3
"""A batch that was on its way may arrive behind the first delete."""
_KEY = "(session, epoch, offset)"
_PARTITIONS = """
SELECT partition_id FROM system.parts WHERE active AND database = currentDatabase() AND table = 'log_lines' AND {where}
GROUP BY partition_id HAVING {having} ORDER BY partition_id
"""
"""By what the engine knows of its parts: no row of anybody is read."""


def check_days(days: int) -> int:
    """A retention that the partitions are made for. Raises `BadRequest`."""
    if not 1 <= days <= _MAX_DAYS:
        raise BadRequest(f"logs are kept for 1 to {_MAX_DAYS} days")
    return days


async def redate(clickhouse: ClickHouse, workspace: WorkspaceId, *, days: int, only_longer: bool = False) -> int:
    """Let every row, or those that would expire sooner, expire `days` after its own time; how many that changed."""
    new, unlike = check_days(days), "<" if only_longer else "!="
    stale = of_workspace(workspace)
    stale.add(f"days {unlike} {stale.bind(new, 'UInt16')}")
    changed = 0
    for chunk in await _parts(clickhouse, stale):
        changed += await _redate(clickhouse, workspace, chunk, days=new, unlike=unlike)
    return changed


async def keep_until(clickhouse: ClickHouse, workspace: WorkspaceId, at_ms: int) -> int:
    """Let rows that would expire before an instant expire on the day in which it is; how many that changed."""
    stale = of_workspace(workspace)
    stale.add(f"expires_at < {_instant(stale, at_ms)}")
    changed = 0
    for chunk in await _parts(clickhouse, stale):
        changed += await _keep_until(clickhouse, workspace, chunk, at_ms=at_ms)
    return changed


def _instant(condition: Condition, at_ms: int) -> str:
    return f"toDateTime({condition.bind(-(-at_ms // 1000), 'UInt32')}, 'UTC')"


async def delete(clickhouse: ClickHouse, condition: Condition) -> int:
    """Delete matching rows; how many there were. Raises `Unavailable` when some are left."""
    rows = await _keys(clickhouse, condition.sql, condition)
    for _ in range(_DELETE_ROUNDS):
        await _delete(clickhouse, condition.sql, condition)
        if not await _keys(clickhouse, condition.sql, condition):
            return rows
    raise Unavailable("log lines arrived while they were being deleted; delete again")


async def purge(clickhouse: ClickHouse) -> None:
    """Rewrite parts that have deleted rows, and merge partitions in which everything has expired, which drops them."""
    for (partition,) in await clickhouse.query(_PARTITIONS.format(where="has_lightweight_delete", having="1")):
        await clickhouse.command(f"ALTER TABLE log_lines APPLY DELETED MASK IN PARTITION ID '{partition}'")
    expired = "max(delete_ttl_info_max) <= now() AND min(delete_ttl_info_max) > toDateTime(0)"
    for (partition,) in await clickhouse.query(_PARTITIONS.format(where="rows > 0", having=expired)):
        await clickhouse.command(f"OPTIMIZE TABLE log_lines PARTITION ID '{partition}' FINAL")


def _chunks(sessions: Sequence[tuple[str, int]]) -> Iterator[list[str]]:
    chunk: list[str] = []
    size = 0
    for session, rows in sessions:
        if chunk and (size + rows > _CHUNK_ROWS or len(chunk) == _CHUNK_SESSIONS):
            yield chunk
            chunk, size = [], 0
        chunk.append(session)
        size += rows
    if chunk:
        yield chunk


async def _parts(clickhouse: ClickHouse, condition: Condition) -> list[list[str]]:
    """Sessions with such rows, as many at a time as are changed at once."""
    sql = f"SELECT session, count() FROM log_lines WHERE {condition.sql} GROUP BY session ORDER BY session"
    return list(_chunks(await _ask(clickhouse, sql, condition)))


async def _keep_until(clickhouse: ClickHouse, workspace: WorkspaceId, sessions: list[str], *, at_ms: int) -> int:
    chunk = of_workspace(workspace, expired_too=True)
    chunk.add(f"session IN {chunk.bind(sessions, 'Array(String)')}")
    until = _instant(chunk, at_ms)
    stale = f"{chunk.sql} AND expires_at < {until}"
    live = f"{stale} AND expires_at > now()"
    kept = f"{_KEY} IN (SELECT {_KEY} FROM log_lines WHERE {chunk.sql} AND expires_at >= {until})"
    more = f"toUInt16(ceil((toUnixTimestamp({until}) - toUnixTimestamp(expires_at)) / 86400))"
    changed = await _copy(clickhouse, chunk, live=live, copied=kept, days=f"days + {more}")
    await _delete(clickhouse, f"{stale} AND {kept}", chunk)
    return changed


async def _redate(
    clickhouse: ClickHouse, workspace: WorkspaceId, sessions: list[str], *, days: int, unlike: str
) -> int:
    chunk = of_workspace(workspace, expired_too=True)
    chunk.add(f"session IN {chunk.bind(sessions, 'Array(String)')}")
    new = chunk.bind(days, "UInt16")
    [(now,)] = await clickhouse.query("SELECT toUnixTimestamp64Milli(now64(3))")
    kept_since = f"fromUnixTimestamp64Milli({chunk.bind(now - days * 86_400_000, 'Int64')}, 'UTC')"
    stale = f"{chunk.sql} AND days {unlike} {new}"
    live = f"{stale} AND expires_at > now() AND at > {kept_since}"
    redated = f"{_KEY} IN (SELECT {_KEY} FROM log_lines WHERE {chunk.sql} AND days = {new})"
    changed = await _copy(clickhouse, chunk, live=live, copied=redated, days=new)
    gone = f"at <= {kept_since}"
    await _delete(clickhouse, f"{stale} AND ({gone} OR {redated})", chunk)
    return changed


async def _copy(clickhouse: ClickHouse, chunk: Condition, *, live: str, copied: str, days: str) -> int:
    """Copy rows under another retention; how many. `copied`: what is true of those that have their copy."""
    changed = await _keys(clickhouse, live, chunk)
    # The rows are chosen in a query of their own, where no name can mean the value that replaces it.
    await clickhouse.command(
        "INSERT INTO log_lines SELECT * EXCEPT (new_days) REPLACE ("
        "new_days AS days, toDateTime(at + toIntervalDay(new_days), 'UTC') AS expires_at, v + 1 AS v)"
        f" FROM (SELECT *, toUInt16({days}) AS new_days FROM log_lines FINAL WHERE {live})"
        # A block's checksum is no reason to leave a copy out; and small blocks bound the memory.
        " SETTINGS insert_deduplicate = 0, max_block_size = 8192, min_insert_block_size_rows = 65536,"
        " min_insert_block_size_bytes = 67108864",
        chunk.parameters,
        caller=chunk.workspace,
    )
    done = await _keys(clickhouse, f"{live} AND {copied}", chunk)
    if done < changed:
        raise Unavailable(f"only {done} of {changed} log lines could be given another expiry; nothing was deleted")
    return changed


async def _delete(clickhouse: ClickHouse, where: str, condition: Condition) -> None:
    """Partition by partition: a delete without one makes a new version of every part of every tenant."""
    partitions = await _ask(clickhouse, f"SELECT DISTINCT _partition_id FROM log_lines WHERE {where}", condition)
    for (partition,) in partitions:
        await clickhouse.command(
            f"DELETE FROM log_lines IN PARTITION ID '{partition}' WHERE {where}",
            condition.parameters,
            caller=condition.workspace,
        )


async def _keys(clickhouse: ClickHouse, where: str, condition: Condition) -> int:
    [(keys,)] = await _ask(clickhouse, f"SELECT uniqExact{_KEY} FROM log_lines WHERE {where}", condition)
    return int(keys)


async def _ask(clickhouse: ClickHouse, sql: str, condition: Condition) -> list[tuple[Any, ...]]:
    """In the lane of the changes: nobody waits for these as for a page."""
    return await clickhouse.query(sql, condition.parameters, lane=Lane.CHANGE, caller=condition.workspace)
