"""How many requests a token, an account and a workspace may make at `/v1` and `/mcp`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Self


class Payer(StrEnum):
    """Of whose allowance a request takes one. It takes one of each."""

    TOKEN = "token"  # noqa: S105 - a word, and no secret
    ACCOUNT = "account"
    """All tokens that one member or service account stands behind; of agents that nobody does, those of one machine."""
    WORKSPACE = "workspace"


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestRate:
    """Over all gateways. Against a caller that has lost its way, rather than a part of what a plan costs: an agent, a
    person and a program in a hurry stay far below it. Sockets and GraphQL have limits of their own."""

    per_s: int = 1000
    """What a token earns each second; 0: there is no limit."""
    burst: int = 10_000
    """What it can save up."""
    per_account: int = 2
    """How many times as much an account may ask as a token."""
    per_workspace: int = 10
    """The same of a workspace."""

    @classmethod
    def of(cls, per_s: int) -> Self:
        """So many a second, and ten times as many at once."""
        return cls(per_s=per_s, burst=10 * per_s)

    def times(self, payer: Payer) -> int:
        """How many times as much as a token it may ask."""
        return {Payer.TOKEN: 1, Payer.ACCOUNT: self.per_account, Payer.WORKSPACE: self.per_workspace}[payer]
