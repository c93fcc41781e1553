"""The people of a workspace in Redis hashes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from broker.adapters.redis import keys
from broker.adapters.redis.client import TextRedis
from broker.adapters.redis.scripts import Scripts
from broker.domain.ids import AccountId, GroupId, MemberId, TokenId, WorkspaceId
from broker.domain.people.access import MemberRole
from broker.domain.people.dependants import Dependants
from broker.domain.people.erasure import erased_name, name_forms
from broker.domain.people.members import MAX_MEMBERS, Member
from broker.domain.people.pages import Page, cut_page, find_by_name, page_of, read_place
from broker.domain.plans.plans import Plan
from broker.services.ports import Ended

_KEYS_AT_ONCE = 200
"""That are looked at in one step while a name is erased: others wait for no longer than that takes."""


class RedisMembers:
    """Implements `MemberRecords`."""

    def __init__(self, redis: TextRedis, scripts: Scripts) -> None:
        self._redis = redis
        self._scripts = scripts

    async def add(self, workspace: WorkspaceId, member: Member, *, by: MemberId | TokenId | None, plan: Plan) -> None:
        """Add one. Raises `Conflict` (NAME_TAKEN, TOO_MANY_MEMBERS), `NotPermitted`, `PlanLimitReached`."""
        await self._add(workspace, member, by=by or "", plan=plan)

    async def add_first(self, workspace: WorkspaceId, member: Member) -> None:
        """Add one when there is nobody yet."""
        await self._add(workspace, member, by="", plan=None)

    async def _add(self, workspace: WorkspaceId, member: Member, *, by: str, plan: Plan | None) -> None:
        """`plan`: None for the first of all, whom every plan has."""
        await self._scripts.run(
            "add_member",
            workspace,
            member=member.id,
            name=member.name,
            folded=member.name.casefold(),
            role=member.role,
            by=by,
            most=MAX_MEMBERS,
            plan=plan or "",
            in_plan=self._scripts.plans.limits(plan).members if plan else 0,
            only_first="" if plan else "1",
            suspended="" if member.suspended_at_ms is None else "1",
        )

    async def member(self, workspace: WorkspaceId, member: MemberId) -> Member | None:
        """One by id."""
        if not keys.is_id(member):
            return None
        return _member(await self._redis.hgetall(keys.key(workspace, "person", member)))

    async def find_by_name(self, workspace: WorkspaceId, name: str) -> Member | None:
        """One by name, whatever its case."""
        found = await self._redis.hget(keys.key(workspace, "people_names"), name.casefold())
        return await self.member(workspace, MemberId(found)) if found else None

    async def some(self, workspace: WorkspaceId, members: Iterable[MemberId]) -> dict[MemberId, Member]:
        """Those of them that are there."""
        pipe = self._redis.pipeline(transaction=False)
        asked = [each for each in dict.fromkeys(members) if keys.is_id(each)]
        for member in asked:
            pipe.hgetall(keys.key(workspace, "person", member))
        rows = await pipe.execute() if asked else []
        return {found.id: found for row in rows if (found := _member(row))}

    async def count(self, workspace: WorkspaceId) -> int:
        """How many there are."""
        return await self._redis.zcard(keys.key(workspace, "people"))

    async def first_owner(self, workspace: WorkspaceId) -> Member | None:
        """The owner who came first."""
        pipe = self._redis.pipeline(transaction=False)
        owners = sorted(await self._redis.smembers(keys.key(workspace, "owners")))
        for owner in owners:
            pipe.zscore(keys.key(workspace, "people"), owner)
        places = zip(await pipe.execute() if owners else [], owners, strict=True)
        first = min(((place, owner) for place, owner in places if place is not None), default=None)
        return None if first is None else await self.member(workspace, MemberId(first[1]))

    async def page(self, workspace: WorkspaceId, *, after: str | None, limit: int) -> Page[Member]:
        """Some, in the order they were added. Raises `BadRequest` (INVALID_CURSOR)."""
        key = keys.key(workspace, "people")
        behind = "-inf" if after is None else f"({read_place(after)}"
        rows = await self._redis.zrangebyscore(key, behind, "+inf", withscores=True, start=0, num=limit + 1)
        listed = [(str(int(place)), MemberId(member)) for member, place in rows]
        known = await self.some(workspace, (member for _, member in listed[:limit]))
        return page_of(listed, known, limit=limit, total=await self.count(workspace))

    async def search(
        self, workspace: WorkspaceId, text: str, *, group: GroupId | None, after: str | None, limit: int
    ) -> Page[Member]:
        """Some of those whose name has a part, and who are in a group where one is given, by name."""
        among = None
        if group is not None:
            among = frozenset(await self._redis.smembers(keys.key(workspace, "group_members", group)))
        names = await self._redis.hgetall(keys.key(workspace, "people_names"))
        found = [(name, MemberId(key)) for name, key in find_by_name(names, text, among=among)]
        listed = cut_page(found, after=after, limit=limit)
        known = await self.some(workspace, (member for _, member in listed[:limit]))
        return page_of(listed, known, limit=limit, total=len(found))

    async def set_role(
        self, workspace: WorkspaceId, member: MemberId, role: MemberRole, *, by: MemberId | TokenId | None
    ) -> Ended:
        """Change one, and end what the new role may not have. Raises `NotFound`, `NotPermitted`, `Conflict`."""
        return await self._change(workspace, member, role=role, by=by)

    async def remove(
        self, workspace: WorkspaceId, member: MemberId, *, by: MemberId | TokenId | None, erased: bool = False
    ) -> Ended:
        """Remove one and all that hangs on it. Raises `NotFound`, `NotPermitted`, `Conflict` (LAST_OWNER)."""
        return await self._change(workspace, member, role="", by=by, erased=erased)

    async def _change(
        self,
        workspace: WorkspaceId,
        member: MemberId,
        *,
        role: str,
        by: MemberId | TokenId | None,
        erased: bool = False,
    ) -> Ended:
        return _parse_ended(
            await self._scripts.run_once(
                "change_member", workspace, id=member, role=role, by=by or "", erased="1" if erased else ""
            )
        )

    async def erase_name(self, workspace: WorkspaceId, member: Member) -> None:
        """Put an alias in the place of a name, wherever it was written down as whose act something was."""
        alias, forms = erased_name(member.id), name_forms(member.name, erased_name(member.id))
        start = "0"
        while True:
            start = await self._scripts.run(
                "erase_name", workspace, start=start, count=_KEYS_AT_ONCE, name=member.name, alias=alias, forms=forms
            )
            if start == "0":
                break
        for family in await self._redis.zrange(keys.key(workspace, "families", member.id), 0, -1):
            for sha256 in (await self._redis.hget(keys.key(workspace, "family", family), "tokens") or "").split():
                await self._redis.delete(keys.token(sha256))

    async def suspend(
        self, workspace: WorkspaceId, member: MemberId, *, on: bool, by: MemberId | TokenId | None
    ) -> None:
        """Suspend one, or end that. Raises `NotFound`, `NotPermitted`, `Conflict` (LAST_OWNER)."""
        await self._scripts.run("suspend_member", workspace, id=member, on="1" if on else "", by=by or "")

    async def end_sign_ins(self, workspace: WorkspaceId, member: MemberId) -> None:
        """End all tokens and codes of a member. Raises `NotFound`."""
        await self._scripts.run_once("end_sign_ins", workspace, id=member)


def _parse_ended(answer: Sequence[Any]) -> Ended:
    hashes, tokens, machines, agents = answer
    return Ended(hashes=list(hashes), dependants=Dependants(tokens=tokens, machines=machines, agents=agents))


def _member(row: dict[str, str]) -> Member | None:
    if not row:
        return None
    return Member(
        id=MemberId(row["id"]),
        name=row["name"],
        role=MemberRole(row["role"]),
        generation=int(row["generation"]),
        created_at_ms=int(row["created"]),
        account=AccountId(row["account"]) if "account" in row else None,
        has_identity="identity" in row,
        suspended_at_ms=int(row["suspended"]) if "suspended" in row else None,
    )
