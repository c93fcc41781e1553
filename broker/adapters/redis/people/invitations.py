"""Open invitations in a hash of their workspace; each link leads there by its hash, and ends by itself."""

from __future__ import annotations

from typing import Any

import orjson

from broker.adapters.redis import keys
from broker.adapters.redis.client import TextRedis
from broker.adapters.redis.scripts import Scripts
from broker.domain.ids import AccountId, GroupId, InvitationId, MemberId, TokenId, WorkspaceId
from broker.domain.people.access import Maker, MemberRole
from broker.domain.people.invitations import (
    MAX_INVITATIONS,
    MAX_INVITATIONS_A_DAY,
    Invitation,
    OpenInvitation,
    Preset,
)
from broker.domain.people.members import MAX_MEMBERS, Member
from broker.domain.plans.plans import Plan


class RedisInvitations:
    """Implements `InvitationRecords`."""

    def __init__(self, redis: TextRedis, scripts: Scripts) -> None:
        self._redis = redis
        self._scripts = scripts

    async def make(
        self,
        workspace: WorkspaceId,
        invitation: InvitationId,
        preset: Preset,
        *,
        sha256: str,
        life_ms: int,
        made_by: Maker,
        by: MemberId | TokenId | None,
        plan: Plan,
    ) -> Invitation:
        """Make one. Raises `Conflict`, `NotPermitted`, `PlanLimitReached`, `RateLimited`, `NotAuthenticated`."""
        text = orjson.dumps(preset).decode()
        return await self._save(
            workspace, invitation, text, sha256=sha256, life_ms=life_ms, made_by=made_by, by=by, plan=plan
        )

    async def send_again(
        self,
        workspace: WorkspaceId,
        invitation: InvitationId,
        *,
        sha256: str,
        life_ms: int,
        made_by: Maker,
        by: MemberId | TokenId | None,
        plan: Plan,
    ) -> Invitation:
        """Give one another link, and time anew. Raises the same, and `NotFound`."""
        return await self._save(
            workspace, invitation, "", sha256=sha256, life_ms=life_ms, made_by=made_by, by=by, plan=plan
        )

    async def _save(
        self,
        workspace: WorkspaceId,
        invitation: InvitationId,
        preset: str,
        *,
        sha256: str,
        life_ms: int,
        made_by: Maker,
        by: MemberId | TokenId | None,
        plan: Plan,
    ) -> Invitation:
        row = await self._scripts.run(
            "save_invitation",
            workspace,
            id=invitation,
            preset=preset,
            hash=sha256,
            life_ms=life_ms,
            by=by or "",
            token=made_by.token or "",
            most=MAX_INVITATIONS,
            most_a_day=MAX_INVITATIONS_A_DAY,
            plan=plan,
            in_plan=self._scripts.plans.limits(plan).members,
        )
        # Last, so that no link is left of what was refused. Without it an invitation can be sent again.
        place = orjson.dumps({"workspace": workspace, "invitation": invitation})
        await self._redis.set(keys.invitation(sha256), place, px=life_ms)
        return _invitation(row)

    async def revoke(self, workspace: WorkspaceId, invitation: InvitationId, *, by: MemberId | TokenId | None) -> None:
        """End one. Raises `NotFound`, `NotPermitted`."""
        await self._scripts.run_once("revoke_invitation", workspace, id=invitation, by=by or "")

    async def open(self, workspace: WorkspaceId) -> list[Invitation]:
        """All that can be accepted, the newest first."""
        rows = await self._scripts.run("list_invitations", workspace, id="")
        return sorted(map(_invitation, rows), key=lambda each: (-each.made_at_ms, each.id))

    async def find(self, sha256: str) -> OpenInvitation | None:
        """What a link leads to; None when it can be accepted no longer."""
        place = await self._redis.get(keys.invitation(sha256))
        if place is None:
            return None
        found = orjson.loads(place)
        workspace = WorkspaceId(found["workspace"])
        for row in await self._scripts.run("list_invitations", workspace, id=found["invitation"]):
            if orjson.loads(row)["hash"] == sha256:
                return OpenInvitation(workspace=workspace, invitation=_invitation(row))
        return None

    async def accept(
        self, opened: OpenInvitation, member: Member, *, sha256: str, account: AccountId | None, plan: Plan
    ) -> None:
        """Use one up: whoever has the link is that member. Raises `NotFound`, `Conflict`, `PlanLimitReached`."""
        await self._scripts.run(
            "accept_invitation",
            opened.workspace,
            id=opened.invitation.id,
            hash=sha256,
            member=member.id,
            name=member.name,
            folded=member.name.casefold(),
            account=account or "",
            most=MAX_MEMBERS,
            plan=plan,
            in_plan=self._scripts.plans.limits(plan).members,
        )
        await self._redis.delete(keys.invitation(sha256))


def _invitation(text: str) -> Invitation:
    row: dict[str, Any] = orjson.loads(text)
    preset = row["preset"]
    return Invitation(
        id=InvitationId(row["id"]),
        preset=Preset(
            role=MemberRole(preset["role"]),
            name=preset.get("name"),
            groups=tuple(GroupId(each) for each in preset["groups"] or ()),
        ),
        made_by=Maker(
            token=TokenId(row["token"]) if row["token"] else None, member=MemberId(row["by"]) if row["by"] else None
        ),
        made_at_ms=int(row["made"]),
        sent_at_ms=int(row["sent"]),
        expires_at_ms=int(row["expires"]),
    )
