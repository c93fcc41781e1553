"""Workspaces in a hash of their own each; their slugs in one for the installation.

What is known of a workspace lies in the workspace, so that a script there can decide by it. A slug is claimed after
the workspace is written down: whatever dies in between leaves one that can be seen and deleted.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import orjson

from broker.adapters.redis import keys
from broker.adapters.redis.client import TextRedis
from broker.adapters.redis.people.accounts import RedisAccounts
from broker.adapters.redis.scripts import Scripts
from broker.domain.errors import Conflict
from broker.domain.ids import AccountId, MemberId, WorkspaceId
from broker.domain.operations.administrators import Administrator
from broker.domain.people.workspaces import MAX_FORMER, Workspace, WorkspaceState, slug_of
from broker.domain.plans.plans import Plan

_PAGE = 1000
"""Keys that are looked at in one go of the server, which serves nobody else meanwhile: some milliseconds."""
_INSTALLATION = keys.INSTALLATION_TAG
_FIELDS = ("name", "plan", "slug", "former", "state", "created", "since", "ends")


class RedisWorkspaces:
    """Implements `WorkspaceRecords`."""

    def __init__(self, redis: TextRedis, scripts: Scripts) -> None:
        self._redis = redis
        self._scripts = scripts
        self._accounts = RedisAccounts(redis, scripts)
        self._ending = keys.key(_INSTALLATION, "ending")

    async def create(self, workspace: WorkspaceId, *, name: str, plan: Plan, slug: str | None = None) -> Workspace:
        """Register one; the same again changes nothing. Raises `Conflict` (SLUG_TAKEN)."""
        is_new = await self._scripts.run("create_workspace", workspace, name=name, plan=plan)
        await self._redis.sadd(keys.WORKSPACES, workspace)
        known = await self.get(workspace)
        assert known is not None
        if known.slug:
            return known
        claimed = await self._claim(workspace, slug or slug_of(known.name), exact=slug is not None)
        if not claimed:
            if is_new:
                await self._drop(workspace)
            raise _refuse_taken(slug or "")
        await self._scripts.run("name_workspace", workspace, name="", slug=claimed, most=MAX_FORMER)
        return await self.get(workspace) or known

    async def _claim(self, workspace: WorkspaceId, slug: str, *, exact: bool) -> str:
        unique = hashlib.sha256(workspace.encode()).hexdigest()[:8]
        about = {"slug": slug, "workspace": workspace, "exact": "1" if exact else "", "suffix": unique}
        return str(await self._scripts.run("claim_slug", _INSTALLATION, **about))

    async def _drop(self, workspace: WorkspaceId) -> None:
        """One that nobody can have used: it has no slug and no key."""
        await self._redis.srem(keys.WORKSPACES, workspace)
        await self._redis.delete(keys.root(workspace))

    async def get(self, workspace: WorkspaceId) -> Workspace | None:
        """One by id."""
        name, plan, slug, former, state, created, since, ends = await self._redis.hmget(keys.root(workspace), *_FIELDS)
        if name is None or plan is None:
            return None
        return Workspace(
            id=workspace,
            name=name,
            plan=Plan(plan),
            slug=slug or "",
            former=tuple((former or "").split()),
            state=WorkspaceState(state or WorkspaceState.ACTIVE),
            created_at_ms=int(created or 0),
            since_ms=int(since or 0),
            ends_at_ms=int(ends) if ends else None,
        )

    async def find_by_slug(self, slug: str) -> WorkspaceId | None:
        """Whose a slug is or was."""
        found = await self._redis.hget(keys.key(_INSTALLATION, "slugs"), slug)
        return WorkspaceId(found) if found else None

    async def all(self) -> list[WorkspaceId]:
        """Every one whose data is not gone, in the order of their ids."""
        ending = await self._redis.smembers(self._ending)
        return sorted(WorkspaceId(each) for each in {*await self._redis.smembers(keys.WORKSPACES), *ending})

    async def begin_ending(self, workspace: WorkspaceId) -> None:
        """From now on no worker does anything there but remove it. Raises `Conflict` for one that is not over."""
        await self.move(workspace, WorkspaceState.ENDING)
        await self._redis.sadd(self._ending, workspace)
        await self._redis.srem(keys.WORKSPACES, workspace)

    async def rename(self, workspace: WorkspaceId, *, name: str | None, slug: str | None) -> None:
        """Give it another name or slug. Raises `NotFound`, `Conflict` (SLUG_TAKEN)."""
        if slug and not await self._claim(workspace, slug, exact=True):
            raise _refuse_taken(slug)
        about = {"name": name or "", "slug": slug or ""}
        for over in await self._scripts.run("name_workspace", workspace, **about, most=MAX_FORMER):
            await self._scripts.run("drop_slug", _INSTALLATION, workspace=workspace, slug=over)

    async def set_plan(self, workspace: WorkspaceId, plan: Plan) -> None:
        """Give it another plan."""
        log_days = orjson.dumps(self._scripts.plans.log_days)
        await self._scripts.run("set_plan", workspace, plan=plan, log_days=log_days)

    async def move(self, workspace: WorkspaceId, state: WorkspaceState, *, life_ms: int | None = None) -> None:
        """Bring it into another state, at once and everywhere. Raises `NotFound`, `Conflict`."""
        await self._scripts.run("move_workspace", workspace, state=state, life_ms="" if life_ms is None else life_ms)

    async def now_ms(self) -> int:
        """The clock by which they end."""
        seconds, microseconds = await self._redis.time()
        return seconds * 1000 + microseconds // 1000

    async def sweep(self, workspace: WorkspaceId) -> None:
        """Delete all that the store has of one that is ending, but that it is. Tokens first: they are found in it."""
        await self._sweep_people(workspace)
        await self._sweep_tokens(workspace)
        if customer := await self._redis.hget(keys.key(workspace, "billing"), "customer"):
            await self._redis.hdel(keys.key(_INSTALLATION, "customers"), customer)
        at, deleted = "0", 1
        while deleted:  # a scan that is not the first finds what was written while the one before went on
            deleted = 0
            while True:
                at, some = await self._scripts.run("sweep_workspace", workspace, start=at, count=_PAGE)
                deleted += some
                if at == "0":
                    break

    async def _sweep_people(self, workspace: WorkspaceId) -> None:
        """Nobody is in it any more."""
        for member in await self._redis.zrange(keys.key(workspace, "people"), 0, -1):
            account = await self._redis.hget(keys.key(workspace, "person", member), "account")
            if account:
                await self._accounts.leave(AccountId(account), workspace, MemberId(member))

    async def _sweep_tokens(self, workspace: WorkspaceId) -> None:
        """Delete what lies outside of it and leads into it. One-time codes and offers have ended by themselves."""
        at = "0"
        while True:
            at, hashes = await self._scripts.run("find_tokens", workspace, start=at, count=_PAGE)
            for each in hashes:  # one at a time, as each has a slot of its own in a cluster
                await self._redis.delete(keys.token(each))
            if at == "0":
                return

    async def forget(self, workspace: WorkspaceId) -> None:
        """It is gone. The slugs first: as long as it is known to be ending, this is done again."""
        known = await self.get(workspace)
        for slug in (known.slug, *known.former) if known else ():
            if slug:
                await self._scripts.run("drop_slug", _INSTALLATION, workspace=workspace, slug=slug)
        await self._scripts.run("forget_workspace", workspace)
        await self._redis.srem(self._ending, workspace)


class RedisAdministrators:
    """Implements `AdministratorRecords`."""

    def __init__(self, redis: TextRedis) -> None:
        self._redis = redis
        self._key = keys.key(_INSTALLATION, "administrators")

    async def administrator(self, sha256: str) -> Administrator | None:
        """Whose key that is."""
        found = await self._redis.hget(self._key, sha256)
        return Administrator(**orjson.loads(found)) if found else None

    async def administrators(self) -> Sequence[Administrator]:
        """All of them."""
        return [Administrator(**orjson.loads(each)) for each in await self._redis.hvals(self._key)]

    async def put_in_place(self, administrator: Administrator, *, sha256: str) -> None:
        """Make a key good, in the place of the one that the same had before."""
        await self._redis.hset(self._key, sha256, orjson.dumps(administrator))
        for other, text in (await self._redis.hgetall(self._key)).items():
            if other != sha256 and orjson.loads(text)["id"] == administrator.id:
                await self._redis.hdel(self._key, other)


def _refuse_taken(slug: str) -> Conflict:
    return Conflict(f"the address {slug!r} is another workspace's; choose another", code="SLUG_TAKEN")
