"""Accounts of people. Each lies under a tag of its own: where a person is, and where they are signed in."""

from __future__ import annotations

from broker.adapters.redis import keys
from broker.adapters.redis.client import TextRedis
from broker.adapters.redis.scripts import Scripts
from broker.domain.ids import AccountId, MemberId, TokenId, WorkspaceId
from broker.domain.people.accounts import MAX_SIGN_INS, Account, AccountSignIn


class RedisAccounts:
    """Implements `AccountRecords`."""

    def __init__(self, redis: TextRedis, scripts: Scripts) -> None:
        self._redis = redis
        self._scripts = scripts

    async def claim(self, workspace: WorkspaceId, member: MemberId, account: AccountId) -> AccountId | None:
        """Say which account a member is; the one it is, which was first. None when there is no such member."""
        found = await self._scripts.run("claim_account", workspace, member=member, account=account)
        return AccountId(found) if found else None

    async def join(self, account: AccountId, workspace: WorkspaceId, member: MemberId) -> MemberId:
        """Put an account into a workspace; what it is called there, which may be another when it was in already."""
        tag = keys.account_tag(account)
        return MemberId(await self._scripts.run("join_account", tag, workspace=workspace, member=member))

    async def leave(self, account: AccountId, workspace: WorkspaceId, member: MemberId) -> None:
        """Take one out of a workspace. An account that is in none any more is gone."""
        tag = keys.account_tag(account)
        for sha256 in await self._scripts.run("leave_account", tag, workspace=workspace, member=member):
            await self._redis.delete(keys.token(sha256))

    async def find_signed_in(self, account: AccountId, sign_in: TokenId) -> Account | None:
        """Whom a sign-in stands for; None when it has ended."""
        rows = await self._scripts.run("check_account", keys.account_tag(account), id=sign_in)
        if not rows:
            return None
        memberships = {WorkspaceId(rows[i]): MemberId(rows[i + 1]) for i in range(0, len(rows), 2)}
        return Account(id=account, memberships=memberships)

    async def begin_sign_in(
        self, account: AccountId, sign_in: TokenId, *, device: str, sha256: str, life_ms: int
    ) -> list[TokenId]:
        """Note one; those that are too many for it."""
        over = await self._scripts.run(
            "begin_account_sign_in",
            keys.account_tag(account),
            id=sign_in,
            device=device,
            hash=sha256,
            life_ms=life_ms,
            most=MAX_SIGN_INS,
        )
        return [TokenId(each) for each in over]

    async def keep_sign_in(self, account: AccountId, sign_in: TokenId, *, life_ms: int) -> None:
        """Let one live longer; nothing when it has ended."""
        await self._scripts.run("keep_account_sign_in", keys.account_tag(account), id=sign_in, life_ms=life_ms)

    async def end_sign_in(self, account: AccountId, sign_in: TokenId) -> None:
        """End one, and its token."""
        sha256 = await self._scripts.run("end_account_sign_in", keys.account_tag(account), id=sign_in)
        if sha256:
            await self._redis.delete(keys.token(sha256))

    async def sign_ins(self, account: AccountId) -> list[AccountSignIn]:
        """All of them, what was used last first."""
        rows = await self._scripts.run("list_account_sign_ins", keys.account_tag(account))
        return [
            AccountSignIn(id=TokenId(each), device=device, began_at_ms=int(began), used_at_ms=int(float(used)))
            for each, device, began, used in rows
        ]
