"""People of the installation: one account each, in any number of workspaces, and the sign-ins it has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from broker.domain.ids import AccountId, MemberId, TokenId, WorkspaceId

MAX_SIGN_INS = 50
"""Of one account; the one that was used least recently ends for the next."""
LONGEST_DEVICE = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A person, as the installation knows them."""

    id: AccountId
    memberships: Mapping[WorkspaceId, MemberId]
    """What they are called in each workspace they are in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountSignIn:
    """Where somebody is signed in: in a browser, most of the time."""

    id: TokenId
    device: str
    """What it says of itself; empty when it says nothing."""
    began_at_ms: int
    used_at_ms: int
    """Give or take a day."""
