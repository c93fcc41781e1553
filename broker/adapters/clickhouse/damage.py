"""Which damaged parts were put aside: by the engine at its start, or by `ClickHouse` when a read met one.

Nothing of them is deleted: they lie in their table's `detached` folder.
"""

from __future__ import annotations

import struct
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from broker.adapters.clickhouse.client import ClickHouse
from broker.domain.logs.damage import LogDamage, join

_TABLES = ("log_lines", "usage_lines")
_FOUND = """
SELECT table, bytes_on_disk, path FROM system.detached_parts
WHERE database = currentDatabase() AND table IN {tables:Array(String)}
    AND (reason = '' OR startsWith(reason, 'broken') OR reason IN ('unexpected', 'noquorum'))
"""
"""The other reasons are copies of what is still there, or what a merge has replaced."""


async def find_damage(clickhouse: ClickHouse) -> LogDamage | None:
    """What is put aside now; None when nothing is. Raises `Unavailable`."""
    rows = await clickhouse.query(_FOUND, {"tables": list(_TABLES)})
    return join([_damage(size=size, folder=Path(path)) for _, size, path in rows])


def _damage(*, size: int | None, folder: Path) -> LogDamage:
    try:
        since, until = _days(folder)
    except (OSError, ValueError, struct.error, OverflowError):
        return LogDamage(parts=1, bytes=size or 0)
    return LogDamage(parts=1, bytes=size or 0, since=since, until=until)


def _days(folder: Path) -> tuple[date, date]:
    """When the lines of a part were written, by the range of its expiries, a file of its own. Raises when damaged.

    Not to be had of a server on another machine.
    """
    least_kept, longest_kept = struct.unpack("<HH", (folder / "minmax_days.idx").read_bytes())
    first, last = struct.unpack("<II", (folder / "minmax_expires_at.idx").read_bytes())
    since, until = _day(first, kept_days=longest_kept), _day(last, kept_days=least_kept)
    if not 1 <= least_kept <= longest_kept <= 3650 or not since <= until <= datetime.now(UTC).date():
        raise ValueError(f"no expiries: {folder}")
    return since, until


def _day(expires_s: int, *, kept_days: int) -> date:
    return (datetime.fromtimestamp(expires_s, UTC) - timedelta(days=kept_days)).date()
