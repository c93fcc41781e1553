"""The accounts of people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from broker.domain.ids import AccountId, MemberId, TokenId, WorkspaceId
from broker.domain.people.accounts import Account, AccountSignIn


class AccountRecords(Protocol):
    """Where each person is, and where they are signed in. Each change is one atomic decision."""

    async def claim(self, workspace: WorkspaceId, member: MemberId, account: AccountId) -> AccountId | None:
        """Say which account a member is; the one it is, which was first. None when there is no such member."""

    async def join(self, account: AccountId, workspace: WorkspaceId, member: MemberId) -> MemberId:
        """Put an account into a workspace; what it is called there, which may be another when it was in already."""

    async def leave(self, account: AccountId, workspace: WorkspaceId, member: MemberId) -> None:
        """Take one out of a workspace. An account that is in none any more is gone."""

    async def find_signed_in(self, account: AccountId, sign_in: TokenId) -> Account | None:
        """Whom a sign-in stands for; None when it has ended."""

    async def begin_sign_in(
        self, account: AccountId, sign_in: TokenId, *, device: str, sha256: str, life_ms: int
    ) -> Sequence[TokenId]:
        """Note one; those that are too many for it."""

    async def keep_sign_in(self, account: AccountId, sign_in: TokenId, *, life_ms: int) -> None:
        """Let one live longer; nothing when it has ended."""

    async def end_sign_in(self, account: AccountId, sign_in: TokenId) -> None:
        """End one, and its token."""

    async def sign_ins(self, account: AccountId) -> Sequence[AccountSignIn]:
        """All of them, what was used last first."""
