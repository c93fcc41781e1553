"""What goes wrong with agents that go on, each trouble told once, and again when it has grown. Pure."""

from __future__ import annotations

import re

from broker.protocol.agents.events import ProblemNoted

_NUMBERS = re.compile(r"\d+")
_TRY = re.compile(r"(\d+) ?(?:of|/) ?(\d+)")
_TOLD_AGAIN_AT = frozenset({3, 6, 12, 24, 48, 96})
"""Occurrences of one trouble that are told; every one of a thousand would hide what else there is to see."""
_MOST_KINDS = 200


class Troubles:
    """Counts one agent's troubles by their words, whatever numbers stand in them."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, str], int] = {}

    def is_news(self, name: str, problem: ProblemNoted) -> bool:
        """Whether to tell of it: the first time, some times when it grows, and before the last attempt."""
        key = (name, _NUMBERS.sub("#", problem.detail))
        if key not in self._seen and len(self._seen) >= _MOST_KINDS:
            del self._seen[next(iter(self._seen))]
        self._seen[key] = count = self._seen.get(key, 0) + 1
        return count == 1 or count in _TOLD_AGAIN_AT or _is_last(problem.detail)

    def over(self, name: str) -> None:
        """The agent works again, or its turn has ended: what comes now is a new trouble."""
        for key in [key for key in self._seen if key[0] == name]:
            del self._seen[key]


def _is_last(detail: str) -> bool:
    found = _TRY.search(detail)
    return found is not None and found[1] == found[2]
