"""The people of a workspace in Redis hashes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from broker.adapters.redis import keys
from broker.adapters.redis.client import TextRedis
from broker.adapters.redis.scripts import Scripts
from broker.domain.ids import AccountId, MemberId, WorkspaceId
from broker.domain.people.access import MemberRole
from broker.domain.people.dependants import Dependants
from broker.domain.people.members import MAX_MEMBERS, Member
from broker.domain.plans.plans import Plan
from broker.services.ports import Ended


class RedisMembers:
    """Implements `MemberRecords`."""

    def __init__(self, redis: TextRedis, scripts: Scripts) -> None:
        self._redis = redis
        self._scripts = scripts

    async def add(self, workspace: WorkspaceId, member: Member, *, by: MemberId | None, plan: Plan) -> None:
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
        )

    async def member(self, workspace: WorkspaceId, member: MemberId) -> Member | None:
        """One by id."""
        if not keys.is_id(member):
            return None
        return _member(await self._redis.hgetall(keys.key(workspace, "person", member)))

    async def named(self, workspace: WorkspaceId, name: str) -> Member | None:
        """One by name, whatever its case."""
        found = await self._redis.hget(keys.key(workspace, "people_names"), name.casefold())
        return await self.member(workspace, MemberId(found)) if found else None

    async def members(self, workspace: WorkspaceId) -> list[Member]:
        """All, in the order they were added."""
        ids = await self._redis.zrange(keys.key(workspace, "people"), 0, -1)
        pipe = self._redis.pipeline(transaction=False)
        for member in ids:
            pipe.hgetall(keys.key(workspace, "person", member))
        rows = await pipe.execute() if ids else []
        return [found for row in rows if (found := _member(row))]

    async def set_role(
        self, workspace: WorkspaceId, member: MemberId, role: MemberRole, *, by: MemberId | None
    ) -> Ended:
        """Change one, and end what the new role may not have. Raises `NotFound`, `NotPermitted`, `Conflict`."""
        return _ended(await self._scripts.run_once("change_member", workspace, id=member, role=role, by=by or ""))

    async def remove(self, workspace: WorkspaceId, member: MemberId, *, by: MemberId | None) -> Ended:
        """Remove one and all that hangs on it. Raises `NotFound`, `NotPermitted`, `Conflict` (LAST_OWNER)."""
        return _ended(await self._scripts.run_once("change_member", workspace, id=member, role="", by=by or ""))

    async def end_sign_ins(self, workspace: WorkspaceId, member: MemberId) -> None:
        """End all tokens and codes of a member. Raises `NotFound`."""
        await self._scripts.run_once("end_sign_ins", workspace, id=member)


def _ended(answer: Sequence[Any]) -> Ended:
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
    )
