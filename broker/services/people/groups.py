"""Groups of people, and who may do what in a private session."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from broker.domain.agents.sessions import Session
from broker.domain.errors import NotFound, NotPermitted
from broker.domain.ids import GroupId, MemberId
from broker.domain.names import looks_like_id
from broker.domain.people.access import Permission, Principal
from broker.domain.people.members import Member
from broker.domain.people.pages import MAX_PEOPLE_PAGE, Page, check_search
from broker.domain.people.privacy import Group, Level, SessionAccess, group_name
from broker.services.acting import drive
from broker.services.permissions import check_within, requires
from broker.services.ports import GroupRecords, MemberRecords


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownAccess:
    """To whom a session is open, in words for people. Names that are nobody's any more are left out."""

    private: bool
    people: tuple[tuple[Member, Level], ...] = ()
    groups: tuple[tuple[Group, Level], ...] = ()


class Groups:
    """Keeps groups and the access of sessions. A group, as a member, is named by id or by name; an id wins."""

    def __init__(self, records: GroupRecords, members: MemberRecords) -> None:
        self._records = records
        self._members = members

    @requires(Permission.READ_WORKSPACE)
    async def page(
        self, principal: Principal, *, search: str | None = None, after: str | None = None, limit: int = MAX_PEOPLE_PAGE
    ) -> Page[Group]:
        """Some, by name; those whose name has a part where one is looked for. Raises `NotPermitted`, `BadRequest`."""
        limit = min(limit, MAX_PEOPLE_PAGE)
        return await self._records.search(principal.workspace, check_search(search), after=after, limit=limit)

    @requires(Permission.ADMINISTER)
    async def members(
        self,
        principal: Principal,
        reference: str,
        *,
        search: str | None = None,
        after: str | None = None,
        limit: int = MAX_PEOPLE_PAGE,
    ) -> Page[Member]:
        """Some of the people in one, by name. Raises `NotPermitted`, `NotFound`, `BadRequest`."""
        group, text = await self._one(principal, reference), check_search(search)
        limit = min(limit, MAX_PEOPLE_PAGE)
        return await self._members.search(principal.workspace, text, group=group.id, after=after, limit=limit)

    @requires(Permission.READ_WORKSPACE)
    async def get(self, principal: Principal, reference: str) -> Group:
        """One. Raises `NotFound` (GROUP_NOT_FOUND), `NotPermitted`."""
        return await self._one(principal, reference)

    @requires(Permission.ADMINISTER)
    async def create(self, principal: Principal, name: str) -> Group:
        """Make one. Raises `NotPermitted`, `BadRequest`, `Conflict` (NAME_TAKEN, TOO_MANY_GROUPS)."""
        group = GroupId(secrets.token_hex(8))
        await self._records.add(principal.workspace, group, name=group_name(name))
        return await self._one(principal, group)

    @requires(Permission.ADMINISTER)
    async def rename(self, principal: Principal, reference: str, name: str) -> Group:
        """Give one another name. Raises `NotPermitted`, `NotFound`, `BadRequest`, `Conflict` (NAME_TAKEN)."""
        group = await self._one(principal, reference)
        await self._records.rename(principal.workspace, group.id, name=group_name(name))
        return await self._one(principal, group.id)

    @requires(Permission.ADMINISTER)
    async def remove(self, principal: Principal, reference: str) -> Group:
        """Remove one; what was open to it is so no longer. Raises `NotPermitted`, `NotFound`."""
        group = await self._one(principal, reference)
        await self._records.remove(principal.workspace, group.id)
        return group

    @requires(Permission.ADMINISTER)
    async def change(self, principal: Principal, reference: str, member: str, *, joins: bool) -> Group:
        """Put a member in, or take them out. Raises `NotPermitted`, `NotFound`."""
        group = await self._one(principal, reference)
        found = await self._member(principal, member)
        await self._records.change(principal.workspace, group.id, found.id, joins=joins)
        return await self._one(principal, group.id)

    @requires(Permission.READ, Permission.READ_WORKSPACE)
    async def access(self, principal: Principal, session: Session) -> ShownAccess:
        """To whom a session is open, for everybody of the workspace who sees it. Raises `NotPermitted`."""
        access = await self._records.access(principal.workspace, session.id)
        if access is None:
            return ShownAccess(private=False)
        people = await self._members.some(principal.workspace, access.people)
        groups = await self._records.some(principal.workspace, access.groups)
        return ShownAccess(
            private=True,
            people=tuple((people[each], level) for each, level in access.people.items() if each in people),
            groups=tuple((groups[each], level) for each, level in access.groups.items() if each in groups),
        )

    @check_within("who administers, or drives a session that is private already")
    async def set_access(
        self,
        principal: Principal,
        session: Session,
        *,
        people: Mapping[str, Level] | None,
        groups: Mapping[str, Level] | None,
    ) -> ShownAccess:
        """Make a session private to people and groups, or, with neither, open it to the workspace.

        Who changes it stays its driver, unless they administer the workspace. Raises `NotPermitted`, `NotFound`,
        `BadRequest`.
        """
        await self._require_may_change(principal, session)
        access = None
        if people is not None or groups is not None:
            named = {(await self._member(principal, each)).id: level for each, level in (people or {}).items()}
            if Permission.ADMINISTER not in principal.permissions and principal.member is not None:
                named[principal.member] = Level.DRIVER
            chosen = {(await self._one(principal, each)).id: level for each, level in (groups or {}).items()}
            access = SessionAccess(people=named, groups=chosen)
        await self._records.set_access(principal.workspace, session.id, access)
        return await self.access(principal, session)

    async def _require_may_change(self, principal: Principal, session: Session) -> None:
        if Permission.ADMINISTER in principal.permissions:
            return
        if principal.member is None or await self._records.access(principal.workspace, session.id) is None:
            raise NotPermitted("who administers the workspace makes a session private; ask an administrator")
        principal.require(Permission.SPAWN)
        drive(principal, session.id)

    async def _one(self, principal: Principal, reference: str) -> Group:
        found = (await self._records.some(principal.workspace, [GroupId(reference)])).get(GroupId(reference))
        if found is None and not looks_like_id(reference):
            found = await self._records.find_by_name(principal.workspace, reference)
        if found is None:
            raise NotFound(f"no group {reference[:80]!r}", code="GROUP_NOT_FOUND")
        return found

    async def _member(self, principal: Principal, reference: str) -> Member:
        found = await self._members.member(principal.workspace, MemberId(reference))
        if found is None and not looks_like_id(reference):
            found = await self._members.find_by_name(principal.workspace, reference)
        if found is None:
            raise NotFound(f"no member {reference[:80]!r}", code="MEMBER_NOT_FOUND")
        return found
