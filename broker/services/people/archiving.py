"""People, groups and access of a workspace, into an archive and out of one into another workspace.

Those who are imported have no account yet: they come in by a link, as others who were added. Nobody gets more than the
importer may give.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from broker.domain.errors import Conflict, NotPermitted, PlanLimitReached
from broker.domain.ids import GroupId, MemberId, ServiceAccountId, SessionId, WorkspaceId
from broker.domain.people.access import MemberRole, Permission, Principal
from broker.domain.people.archived import ArchivedAccount, ArchivedGroup, ArchivedPeople, ArchivedPerson, Came, Outcome
from broker.domain.people.members import Member, member_name
from broker.domain.people.pages import Page
from broker.domain.people.privacy import Group, Level, SessionAccess, group_name
from broker.services.permissions import requires
from broker.services.ports import GroupRecords, MemberRecords, ServiceAccount, ServiceAccounts

_PAGE = 500
_Id = TypeVar("_Id", MemberId, GroupId)
_Item = TypeVar("_Item")


@dataclass(frozen=True, slots=True, kw_only=True)
class Brought:
    """Whom an archive has brought: by ids of the archive, what they are here."""

    people: dict[MemberId, MemberId] = field(default_factory=dict)
    groups: dict[GroupId, GroupId] = field(default_factory=dict)
    outcomes: list[Outcome] = field(default_factory=list)

    def open(self, access: SessionAccess, *, session: str) -> SessionAccess:
        """To whom a private session is open here; what that lacks is among the outcomes."""
        why = _without([*access.people, *access.groups], {*self.people, *self.groups})
        came = Came.CHANGED if why else Came.MADE
        self.outcomes.append(Outcome(what="access of the session", name=session, came=came, why=why))
        return SessionAccess(
            people=_translate(access.people, self.people), groups=_translate(access.groups, self.groups)
        )


class PeopleArchiving:
    """What `Transfer` does about people."""

    def __init__(self, members: MemberRecords, groups: GroupRecords, accounts: ServiceAccounts) -> None:
        self._members = members
        self._groups = groups
        self._accounts = accounts

    async def collect(self, workspace: WorkspaceId, access: Mapping[SessionId, SessionAccess]) -> ArchivedPeople:
        """All of a workspace, with the access of its private sessions."""
        people = [
            ArchivedPerson(id=each.id, name=each.name, role=each.role, suspended=each.suspended_at_ms is not None)
            for each in await self._everybody(workspace)
        ]
        groups = [
            ArchivedGroup(id=each.id, name=each.name, people=sorted(await self._groups.people(workspace, each.id)))
            for each in await self._every_group(workspace)
        ]
        accounts = [ArchivedAccount(id=each.id, name=each.name) for each in await self._accounts.accounts(workspace)]
        return ArchivedPeople(people=people, groups=groups, access=access, service_accounts=accounts)

    async def _everybody(self, workspace: WorkspaceId) -> list[Member]:
        return await _all(lambda after: self._members.page(workspace, after=after, limit=_PAGE))

    async def _every_group(self, workspace: WorkspaceId) -> list[Group]:
        return await _all(lambda after: self._groups.search(workspace, "", after=after, limit=_PAGE))

    @requires(Permission.ADMINISTER)
    async def restore(self, principal: Principal, archived: ArchivedPeople) -> Brought:
        """Make people, groups and service accounts; what became of them. It may be done again.

        Who has the name of somebody who is here is taken for them. Raises `NotPermitted`.
        """
        brought = Brought()
        for person in archived.people:
            member, outcome = await self._person(principal, person)
            brought.outcomes.append(outcome)
            if member is not None:
                brought.people[person.id] = member
        for group in archived.groups:
            made, outcome = await self._group(principal.workspace, group, brought.people)
            brought.outcomes.append(outcome)
            if made is not None:
                brought.groups[group.id] = made
        brought.outcomes.extend([await self._account(principal, each.name) for each in archived.service_accounts])
        return brought

    async def _person(self, principal: Principal, person: ArchivedPerson) -> tuple[MemberId | None, Outcome]:
        name = member_name(person.name)
        member = Member(
            id=MemberId(secrets.token_hex(8)),
            name=name,
            role=person.role,
            generation=1,
            created_at_ms=0,
            suspended_at_ms=1 if person.suspended else None,
        )
        why = ""
        known = await self._members.find_by_name(principal.workspace, name)
        while known is None:
            try:
                await self._members.add(principal.workspace, member, by=principal.actor, plan=principal.plan)
            except NotPermitted:
                if member.role is not MemberRole.OWNER:
                    raise
                member = replace(member, role=MemberRole.ADMIN)
                why = "is an admin here: only an owner makes owners"
            except PlanLimitReached as error:
                return None, _tell(person, Came.LEFT_OUT, error.message)
            except Conflict as error:
                if error.code != "NAME_TAKEN":
                    return None, _tell(person, Came.LEFT_OUT, error.message)
                known = await self._members.find_by_name(principal.workspace, name)
            else:
                return member.id, _tell(person, Came.CHANGED if why else Came.MADE, why)
        if known.role is not person.role:
            why = f"was here before, and stays {known.role}"
        return known.id, _tell(person, Came.WAS_HERE, why)

    async def _group(
        self, workspace: WorkspaceId, group: ArchivedGroup, people: Mapping[MemberId, MemberId]
    ) -> tuple[GroupId | None, Outcome]:
        name, made = group_name(group.name), GroupId(secrets.token_hex(8))
        known = await self._groups.find_by_name(workspace, name)
        if known is None:
            try:
                await self._groups.add(workspace, made, name=name)
            except Conflict as error:
                known = await self._groups.find_by_name(workspace, name)
                if known is None:
                    return None, Outcome(what="group", name=name, came=Came.LEFT_OUT, why=error.message)
        id_ = made if known is None else known.id
        for person in group.people:
            if person in people:
                await self._groups.change(workspace, id_, people[person], joins=True)
        why = _without(group.people, people)
        came = Came.CHANGED if why else Came.MADE if known is None else Came.WAS_HERE
        return id_, Outcome(what="group", name=name, came=came, why=why)

    async def _account(self, principal: Principal, name: str) -> Outcome:
        account = ServiceAccount(
            id=ServiceAccountId(secrets.token_hex(8)),
            name=name,
            created_at_ms=int(time.time() * 1000),
            made_by=principal.maker,
        )
        came, why = Came.MADE, ""
        try:
            await self._accounts.add(principal.workspace, account)
        except Conflict as error:
            came = Came.WAS_HERE if error.code == "NAME_TAKEN" else Came.LEFT_OUT
            why = "" if came is Came.WAS_HERE else error.message
        return Outcome(what="service account", name=name, came=came, why=why)


async def _all(page_behind: Callable[[str | None], Awaitable[Page[_Item]]]) -> list[_Item]:
    found: list[_Item] = []
    after: str | None = None
    while True:
        page = await page_behind(after)
        found += page.found
        after = page.next
        if after is None:
            return found


def _translate(levels: Mapping[_Id, Level], known: Mapping[_Id, _Id]) -> dict[_Id, Level]:
    return {known[each]: level for each, level in levels.items() if each in known}


def _without(wanted: Sequence[str], known: Collection[str]) -> str:
    missing = sum(each not in known for each in wanted)
    return f"without {missing} that {'is' if missing == 1 else 'are'} not here" if missing else ""


def _tell(person: ArchivedPerson, came: Came, why: str) -> Outcome:
    return Outcome(what="person", name=member_name(person.name), came=came, why=why)
