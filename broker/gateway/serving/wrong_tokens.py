"""Slows those down who try one wrong token after the other. A right one is looked up first and never waits."""

from __future__ import annotations

from collections import OrderedDict

from broker.domain.plans.connection_limits import ConnectionLimits

_WINDOW_S = 60.0
_DELAY_S = 1.0
_MOST_ADDRESSES = 10_000


class WrongTokens:
    """How often addresses have lately come with a token that is none; of this process, since a lookup costs it alone.

    Each waits in a connection of its own, of which a stranger's address has so many and no more.
    """

    def __init__(self, limits: ConnectionLimits) -> None:
        self._limits = limits
        self._counts: OrderedDict[str, tuple[float, int]] = OrderedDict()
        """When an address' window began, and how many there were in it; in the order of the beginnings."""
        self._all = (0.0, 0)

    def delay_s(self, address: str, now: float) -> float:
        """One more from there; how long its answer is to wait."""
        began, count = self._counts.get(address, (now, 0))
        if now - began > _WINDOW_S:
            del self._counts[address]
            began, count = now, 0
        self._counts[address] = (began, count + 1)
        if len(self._counts) > _MOST_ADDRESSES:
            self._counts.popitem(last=False)
        since, total = self._all if now - self._all[0] <= _WINDOW_S else (now, 0)
        self._all = (since, total + 1)
        too_many = count >= self._limits.wrong_tokens or total >= self._limits.wrong_tokens_of_all
        return _DELAY_S if too_many else 0.0
