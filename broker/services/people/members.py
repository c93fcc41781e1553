"""The people of a workspace: adding, changing and removing them. There is always an owner."""

from __future__ import annotations

import secrets

from broker.domain.errors import NotFound
from broker.domain.ids import MemberId, WorkspaceId
from broker.domain.names import looks_like_id
from broker.domain.people.access import MemberRole, Permission, Principal
from broker.domain.people.dependants import Dependants
from broker.domain.people.members import MYSELF, Member, member_name
from broker.services.people.accounts import Accounts
from broker.services.permissions import checked_within, requires
from broker.services.ports import MemberRecords, Tokens


class Members:
    """Keeps a workspace's members. Who is asked for by `reference` is named by id or by name."""

    def __init__(self, records: MemberRecords, tokens: Tokens, accounts: Accounts) -> None:
        self._records = records
        self._accounts = accounts
        self._tokens = tokens

    @requires(Permission.ADMINISTER)
    async def add(self, principal: Principal, *, name: str, role: MemberRole) -> Member:
        """Add a person.

        Raises `NotPermitted`, `Conflict` (NAME_TAKEN, TOO_MANY_MEMBERS), `PlanLimitReached`, `BadRequest`.
        """
        member = _new(name, role)
        await self._records.add(principal.workspace, member, by=principal.member, plan=principal.plan)
        return await self._present(principal.workspace, member.id)

    @requires(Permission.ADMINISTER)
    async def members(self, principal: Principal) -> list[Member]:
        """Everybody, in the order they came. Raises `NotPermitted`."""
        return await self._records.members(principal.workspace)

    @checked_within("a member may see itself, else who administers")
    async def get(self, principal: Principal, reference: str) -> Member:
        """One by id or name, an id wins, or `me`; oneself needs no permission. Raises `NotFound`, `NotPermitted`."""
        if principal.member is not None and reference in {principal.member, MYSELF}:
            return await self._present(principal.workspace, principal.member)
        principal.require(Permission.ADMINISTER)
        return await self._present(principal.workspace, reference)

    @requires(Permission.ADMINISTER)
    async def set_role(self, principal: Principal, reference: str, role: MemberRole) -> Member:
        """Give a person another role, from the next request on. One who was an owner keeps no key of the workspace.

        Raises `NotFound`, `NotPermitted`, `Conflict`.
        """
        member = await self._present(principal.workspace, reference)
        ended = await self._records.set_role(principal.workspace, member.id, role, by=principal.member)
        await self._tokens.forget(ended.hashes)
        return await self._present(principal.workspace, member.id)

    @requires(Permission.ADMINISTER)
    async def remove(self, principal: Principal, reference: str) -> Dependants:
        """Remove a person, and end what they have open, the tokens they made and the access of their machines.

        What that was, besides what they had open.

        Raises `NotFound`, `NotPermitted`, `Conflict`.
        """
        member = await self._present(principal.workspace, reference)
        ended = await self._records.remove(principal.workspace, member.id, by=principal.member)
        await self._accounts.left(principal.workspace, member)
        await self._tokens.forget(ended.hashes)
        return ended.dependants

    async def ensure_owner(self, workspace: WorkspaceId, name: str) -> Member:
        """The first owner there is, made when there is nobody yet. For the start of a broker, before any caller."""
        await self._records.add_first(workspace, _new(name, MemberRole.OWNER))
        everybody = await self._records.members(workspace)
        return next(member for member in everybody if member.role is MemberRole.OWNER)

    async def _present(self, workspace: WorkspaceId, reference: str) -> Member:
        found = await self._records.member(workspace, MemberId(reference))
        if found is None and not looks_like_id(reference):
            found = await self._records.named(workspace, reference)
        if found is None:
            raise NotFound(f"no member {reference[:80]!r}", code="MEMBER_NOT_FOUND")
        return found


def _new(name: str, role: MemberRole) -> Member:
    return Member(id=MemberId(secrets.token_hex(8)), name=member_name(name), role=role, generation=1, created_at_ms=0)
