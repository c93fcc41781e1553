"""The people of a workspace: adding, changing and removing them. There is always an owner."""

from __future__ import annotations

import secrets

from broker.domain.errors import NotFound, NotPermitted
from broker.domain.ids import MemberId, WorkspaceId
from broker.domain.names import looks_like_id
from broker.domain.people.access import MemberRole, Permission, Principal
from broker.domain.people.dependants import Dependants
from broker.domain.people.members import MYSELF, Member, member_name
from broker.domain.people.pages import MAX_PEOPLE_PAGE, Page, check_search
from broker.services.people.accounts import Accounts
from broker.services.permissions import check_within, requires
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
        await self._records.add(principal.workspace, member, by=principal.actor, plan=principal.plan)
        return await self._present(principal.workspace, member.id)

    @requires(Permission.ADMINISTER)
    async def page(
        self, principal: Principal, *, search: str | None = None, after: str | None = None, limit: int = MAX_PEOPLE_PAGE
    ) -> Page[Member]:
        """Some, in the order they came; by name where a part of one is looked for. Raises `NotPermitted`."""
        text, limit = check_search(search), min(limit, MAX_PEOPLE_PAGE)
        if text:
            return await self._records.search(principal.workspace, text, group=None, after=after, limit=limit)
        return await self._records.page(principal.workspace, after=after, limit=limit)

    @requires(Permission.ADMINISTER)
    async def first_owner(self, principal: Principal) -> Member | None:
        """The owner who came first. Raises `NotPermitted`."""
        return await self._records.first_owner(principal.workspace)

    @check_within("a member may see itself, else who administers")
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
        ended = await self._records.set_role(principal.workspace, member.id, role, by=principal.actor)
        await self._tokens.forget(ended.hashes)
        return await self._present(principal.workspace, member.id)

    @requires(Permission.ADMINISTER)
    async def remove(self, principal: Principal, reference: str) -> Dependants:
        """Remove a person, and end what they have open, the tokens they made and the access of their machines.

        What that was, besides what they had open.

        Raises `NotFound`, `NotPermitted`, `Conflict`.
        """
        return await self._remove(principal, await self._present(principal.workspace, reference), erased=False)

    async def _remove(self, principal: Principal, member: Member, *, erased: bool) -> Dependants:
        ended = await self._records.remove(principal.workspace, member.id, by=principal.actor, erased=erased)
        await self._accounts.note_left(principal.workspace, member)
        await self._tokens.forget(ended.hashes)
        return ended.dependants

    @requires(Permission.ADMINISTER)
    async def erase(self, principal: Principal, reference: str) -> Dependants:
        """Remove a person, and their name from all that is kept of what they did; they are signed out everywhere.

        They can do nothing from the first step on, and it may be asked for again where it was not finished. The audit
        trail and what stands in the place of the name have an id that says nothing. Lines of sessions' logs stay.
        Raises `NotFound`, `NotPermitted`, `Conflict` (LAST_OWNER).
        """
        member = await self._suspend(principal, reference, on=True)
        await self._records.erase_name(principal.workspace, member)
        await self._accounts.end_of(member)
        return await self._remove(principal, member, erased=True)

    @requires(Permission.ADMINISTER)
    async def suspend(self, principal: Principal, reference: str) -> Member:
        """Let a person neither sign in nor act, nor anything that hangs on them, until they are reinstated.

        Nothing of theirs is lost. Raises `NotFound`, `NotPermitted`, `Conflict` (LAST_OWNER).
        """
        return await self._suspend(principal, reference, on=True)

    @requires(Permission.ADMINISTER)
    async def reinstate(self, principal: Principal, reference: str) -> Member:
        """Let a suspended person act again, with all they had. Raises `NotFound`, `NotPermitted`."""
        return await self._suspend(principal, reference, on=False)

    async def _suspend(self, principal: Principal, reference: str, *, on: bool) -> Member:
        member = await self._present(principal.workspace, reference)
        await self._records.suspend(principal.workspace, member.id, on=on, by=principal.actor)
        return await self._present(principal.workspace, member.id)

    @requires(Permission.ADMINISTER)
    async def end_sign_ins(self, principal: Principal, reference: str) -> Member:
        """End a person's sign-ins, also those that they use in other workspaces, and links that they have not used.

        An owner's are ended by owners. Raises `NotFound`, `NotPermitted`.
        """
        member = await self._present(principal.workspace, reference)
        if member.role is MemberRole.OWNER and not principal.owns:
            raise NotPermitted("only an owner ends the sign-ins of an owner")
        await self._records.end_sign_ins(principal.workspace, member.id)
        await self._accounts.end_of(member)
        return await self._present(principal.workspace, member.id)

    async def ensure_owner(self, workspace: WorkspaceId, name: str) -> Member:
        """The first owner there is, made when there is nobody yet. For the start of a broker, before any caller."""
        await self._records.add_first(workspace, _new(name, MemberRole.OWNER))
        first = await self._records.first_owner(workspace)
        assert first is not None
        return first

    async def _present(self, workspace: WorkspaceId, reference: str) -> Member:
        found = await self._records.member(workspace, MemberId(reference))
        if found is None and not looks_like_id(reference):
            found = await self._records.find_by_name(workspace, reference)
        if found is None:
            raise NotFound(f"no member {reference[:80]!r}", code="MEMBER_NOT_FOUND")
        return found


def _new(name: str, role: MemberRole) -> Member:
    return Member(id=MemberId(secrets.token_hex(8)), name=member_name(name), role=role, generation=1, created_at_ms=0)
