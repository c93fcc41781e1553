"""Limits failed authentications, and calls of addresses that there are not, per address."""

from __future__ import annotations

from broker.domain.errors import RateLimit, RateLimited
from broker.services.ports import SignInCodes

_MOST_FAILURES = 30
_MOST_OF_ALL = 600
"""Of all addresses together: there are more of them than anybody counts."""
_ALL = "all"
_WINDOW_S = 60
"""Guessing 192 bits is hopeless anyway; the limit keeps those who try from being a load."""
_HOUR_S = 3600


class Attempts:
    """Counts failures. Whoever comes with what is right gets in, however often others at its address have failed."""

    def __init__(self, records: SignInCodes) -> None:
        self._records = records

    async def count_failure(self, address: str) -> None:
        """One more. Raises `RateLimited` when there were too many."""
        await self.require_few(address)
        for counted in (address, _ALL):
            await self._records.count_failure(counted, window_s=_WINDOW_S)

    async def require_few(self, address: str) -> None:
        """Raise `RateLimited` when there were too many: ahead of what is short enough to be guessed."""
        if await self._records.failures(address) >= _MOST_FAILURES:
            raise _too_many("too many failed attempts from this address", "sign-in", _MOST_FAILURES)
        if await self._records.failures(_ALL) >= _MOST_OF_ALL:
            raise _too_many("too many failed attempts", "sign-in-of-all", _MOST_OF_ALL)


async def count_in_hour(records: SignInCodes, counted: str, *, most: int, policy: str, what: str) -> None:
    """Count what may be done so often in an hour, by somebody or by all. Raises `RateLimited` when that was done."""
    if await records.failures(counted) >= most:
        raise _refusal(f"{what}; try again in an hour", policy=policy, quota=most, window_s=_HOUR_S)
    await records.count_failure(counted, window_s=_HOUR_S)


def _too_many(what: str, policy: str, quota: int) -> RateLimited:
    return _refusal(f"{what}; try again in a minute", policy=policy, quota=quota, window_s=_WINDOW_S)


def _refusal(words: str, *, policy: str, quota: int, window_s: int) -> RateLimited:
    limit = RateLimit(policy=policy, quota=quota, window_s=window_s, remaining=0, reset_s=window_s)
    return RateLimited(words, retry_after_s=window_s, limit=limit)
