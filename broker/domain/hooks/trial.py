"""What hooks would have done with what is in the log: how often each would have run, by the rules of real runs."""

from __future__ import annotations

from collections import defaultdict

from broker.domain.hooks.definitions import Hook, OncePer
from broker.domain.hooks.happenings import Happening
from broker.domain.hooks.matching import run_key
from broker.domain.ids import SessionId

_MINUTE_MS = 60_000


class Tally:
    """Counts runs. Happenings of one session come in their order."""

    def __init__(self) -> None:
        self.runs: dict[str, int] = defaultdict(int)
        """By hook."""
        self._once: set[tuple[str, SessionId, str]] = set()
        self._last_ms: dict[tuple[str, str], int] = {}
        self._minutes: dict[tuple[str, int], int] = defaultdict(int)

    def add(self, hook: Hook, happening: Happening, session: SessionId, *, place: int) -> bool:
        """Whether this sets off a run of its own."""
        if hook.when.once_per is not None:
            key = (hook.id, session, run_key(hook, happening, place=place))
            if key in self._once and (happening.turn or hook.when.once_per is OncePer.SESSION):
                return False
            self._once.add(key)
        if hook.debounce_s:
            who = (hook.id, happening.agent)
            last_ms, self._last_ms[who] = self._last_ms.get(who), happening.at_ms
            if last_ms is not None and happening.at_ms - last_ms < hook.debounce_s * 1000:
                return False
        minute = (hook.id, happening.at_ms // _MINUTE_MS)
        self._minutes[minute] += 1
        if self._minutes[minute] > hook.max_per_minute:
            return False
        self.runs[hook.id] += 1
        return True
