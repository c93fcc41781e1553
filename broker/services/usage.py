"""What a workspace used, for the people who run it."""

from __future__ import annotations

from datetime import date, timedelta

from broker.domain.access import Permission, Principal
from broker.domain.errors import BadRequest
from broker.domain.usage import Usage, UsageBy
from broker.services.ports import LogStore, kept

MAX_DAYS = 400
"""Older counters are not kept."""


class UsageMeter:
    """Reads the counters."""

    def __init__(self, logs: LogStore | None) -> None:
        self._logs = logs

    async def usage(self, principal: Principal, *, since: date, until: date, by: UsageBy) -> list[Usage]:
        """Counters from one UTC day to another, both included. Raises `NotPermitted`, `BadRequest`, `Unavailable`."""
        principal.require(Permission.METER)
        if not timedelta(0) <= until - since < timedelta(days=MAX_DAYS):
            raise BadRequest(f"from and to: 1 to {MAX_DAYS} days, the first one first")
        return await kept(self._logs).usage(principal.workspace, since=since, until=until, by=by)
