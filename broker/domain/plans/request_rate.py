"""How many requests one token may make at `/v1` and `/mcp`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestRate:
    """Over all gateways. Against a caller that has lost its way, rather than a part of what a plan costs: an agent, a
    person and a program in a hurry stay far below it. Sockets and GraphQL have limits of their own."""

    per_s: int = 1000
    """What a token earns each second; 0: there is no limit."""
    burst: int = 10_000
    """What it can save up."""

    @classmethod
    def of(cls, per_s: int) -> Self:
        """So many a second, and ten times as many at once."""
        return cls(per_s=per_s, burst=10 * per_s)
