"""How long to wait before a connection is tried again."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

_FIRST_DELAY_S = 0.1
_LONGEST_DELAY_S = 15.0


@dataclass(slots=True, kw_only=True)
class Backoff:
    """Exponential with jitter: a thousand proxies must not come back in the same millisecond."""

    failures: int = 0
    randomness: random.Random = field(default_factory=random.Random)

    def next_delay_s(self, at_least_s: float) -> float:
        """How long to wait before the next try: the longer, the more have failed."""
        ceiling = min(_LONGEST_DELAY_S, _FIRST_DELAY_S * 2 ** min(self.failures, 20))
        self.failures += 1
        return float(max(at_least_s, ceiling) * self.randomness.uniform(0.5, 1))
