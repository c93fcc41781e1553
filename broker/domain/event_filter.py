"""Which events of a log a reader wants."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from broker.domain.log_projection import is_fragment


@dataclass(frozen=True, slots=True, kw_only=True)
class EventFilter:
    """Empty sets admit everything. Equal filters compare equal, so that readers with the same can be served as one."""

    agents: frozenset[str] = frozenset()
    """Names, in lower case."""
    kinds: frozenset[str] = frozenset()
    families: tuple[str, ...] = ()
    """What a kind may begin with: `agent.`."""
    fragments: bool = True
    """Whether pieces that a later event repeats whole are wanted too."""

    def admits(self, event: dict[str, Any]) -> bool:
        """Whether an event, as JSON, is wanted."""
        if self.agents and (event["name"] or "").lower() not in self.agents:
            return False
        if (self.kinds or self.families) and not self._is_of_kind(event["kind"]):
            return False
        return self.fragments or not is_fragment(event)

    def _is_of_kind(self, kind: str) -> bool:
        return kind in self.kinds or kind.startswith(self.families)


def event_filter(
    *, agents: Sequence[str] | None = None, kinds: Sequence[str] | None = None, fragments: bool = True
) -> EventFilter:
    """The filter for agents by name and kinds: exact ones (`turn.ended`) and families (`agent.*`)."""
    asked = kinds or ()
    return EventFilter(
        agents=frozenset(name.lower() for name in agents or ()),
        kinds=frozenset(kind for kind in asked if not kind.endswith(".*")),
        families=tuple(sorted(kind[:-1] for kind in asked if kind.endswith(".*"))),
        fragments=fragments,
    )


ALL_EVENTS = EventFilter()
