"""Which leases were not renewed, by one observer's own clock: two hosts' clocks are never compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(slots=True, kw_only=True)
class LeaseWatch:
    """Looks at leases again and again; one that stays the same for `life_s` has lapsed.

    Whoever renews them must have been able to: after a pause in the looking, longer than `patience_s`, each lease is
    taken for renewed. A store that was away is what such a pause mostly comes from.
    """

    life_s: float
    patience_s: float
    _seen: dict[str, tuple[str, float]] = field(default_factory=dict)
    _looked_at: float | None = None

    def look(self, leases: Mapping[str, str], *, at: float) -> list[str]:
        """The names of those that have lapsed at a time of a monotonic clock, seconds."""
        if self._looked_at is None or at - self._looked_at > self.patience_s:
            self._seen.clear()
        self._looked_at = at
        self._seen = {name: self._since(name, lease, at=at) for name, lease in leases.items()}
        return [name for name, (_, since) in self._seen.items() if at - since >= self.life_s]

    def _since(self, name: str, lease: str, *, at: float) -> tuple[str, float]:
        before = self._seen.get(name)
        return before if before is not None and before[0] == lease else (lease, at)
