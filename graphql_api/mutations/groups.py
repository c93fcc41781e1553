"""Groups of people, and to whom sessions are open."""

from __future__ import annotations

from typing import Annotated

import strawberry
from strawberry import ID

from broker.domain.errors import BadRequest
from broker.domain.people.privacy import Level
from graphql_api.context import Info
from graphql_api.mutations.fields import GIVEN, Repeatable, mutation, once
from graphql_api.mutations.sessions import SESSION
from graphql_api.node_ids import key_of
from graphql_api.refusals import Refused
from graphql_api.types.groups import Group
from graphql_api.types.sessions import Session, session_named

_GROUP = "The group's key."


@strawberry.input(description="A group to be made.")
class CreateGroupInput(Repeatable):
    """A group to be made."""

    name: str = strawberry.field(description="Its name.")


@strawberry.input(description="Another name for a group.")
class RenameGroupInput(Repeatable):
    """Another name."""

    group: ID = strawberry.field(description=_GROUP)
    name: str = strawberry.field(description="Its name.")


@strawberry.input(description="Somebody to be put into a group, or taken out.")
class ChangeGroupInput(Repeatable):
    """A member and where they are to be."""

    group: ID = strawberry.field(description=_GROUP)
    member: ID = strawberry.field(description="The person: an id or key.")
    joins: bool = strawberry.field(default=True, description="False takes them out.")


@strawberry.type(description="The group is as it was wanted.")
class GroupChanged:
    """The group."""

    group: Group = strawberry.field(description="The group as it is now.")


GroupChangeResult = Annotated[
    GroupChanged | Refused, strawberry.union("GroupChangeResult", description="The group, or why it is as it was.")
]


@strawberry.input(description="A group to be removed.")
class RemoveGroupInput(Repeatable):
    """A group to be removed."""

    group: ID = strawberry.field(description=_GROUP)


@strawberry.type(description="The group is gone; sessions that were open to it are so no longer.")
class GroupRemoved:
    """The group is gone."""

    key: ID = strawberry.field(description="The key it had.")


RemoveGroupResult = Annotated[
    GroupRemoved | Refused, strawberry.union("RemoveGroupResult", description="That it is gone, or why not.")
]


@strawberry.input(description="Somebody who gets access to a session, or some.")
class AccessEntryInput:
    """A person or a group."""

    key: ID = strawberry.field(description="The key of a person or a group.")
    level: Level = strawberry.field(description="What they may do there, as far as their role allows it.")


@strawberry.input(description="To whom a session is to be open.")
class SetSessionAccessInput(Repeatable):
    """A session and who gets in."""

    session: ID = strawberry.field(description=SESSION)
    private: bool = strawberry.field(description="False opens it to the workspace.")
    people: list[AccessEntryInput] = strawberry.field(default_factory=list, description="The people it is open to.")
    groups: list[AccessEntryInput] = strawberry.field(default_factory=list, description="The groups it is open to.")


@strawberry.type(description="The session is open to those, and to administrators.")
class SessionAccessSet:
    """The session."""

    session: Session = strawberry.field(description="The session as it is now.")


SetSessionAccessResult = Annotated[
    SessionAccessSet | Refused,
    strawberry.union("SetSessionAccessResult", description="The session, or why it is as it was."),
]


@strawberry.type
class GroupMutations:
    """Mutations of groups and of access to sessions."""

    @mutation("Make a group. For who administers.")
    async def create_group(self, info: Info, input: Annotated[CreateGroupInput, GIVEN]) -> GroupChangeResult:
        """A repeat answers with the same group."""
        groups, principal = info.context.services.groups, info.context.principal

        async def create() -> str:
            return (await groups.create(principal, input.name)).id

        return GroupChanged(group=Group.of(await groups.get(principal, (await once(info, input, create)).text)))

    @mutation("Give a group another name. For who administers.")
    async def rename_group(self, info: Info, input: Annotated[RenameGroupInput, GIVEN]) -> GroupChangeResult:
        """Twice is once."""
        services = info.context.services
        return GroupChanged(
            group=Group.of(await services.groups.rename(info.context.principal, input.group, input.name))
        )

    @mutation("Put a person into a group, or take them out, with immediate effect. For who administers.")
    async def change_group(self, info: Info, input: Annotated[ChangeGroupInput, GIVEN]) -> GroupChangeResult:
        """Twice is once."""
        changed = await info.context.services.groups.change(
            info.context.principal, input.group, key_of("Member", input.member), joins=input.joins
        )
        return GroupChanged(group=Group.of(changed))

    @mutation("Remove a group. For who administers.")
    async def remove_group(self, info: Info, input: Annotated[RemoveGroupInput, GIVEN]) -> RemoveGroupResult:
        """For good."""

        async def remove() -> str:
            return (await info.context.services.groups.remove(info.context.principal, input.group)).id

        return GroupRemoved(key=ID((await once(info, input, remove)).text))

    @mutation("Say to whom a session is open. For who administers, and for drivers of a private one.")
    async def set_session_access(
        self, info: Info, input: Annotated[SetSessionAccessInput, GIVEN]
    ) -> SetSessionAccessResult:
        """Twice is once."""
        if not input.private and (input.people or input.groups):
            raise BadRequest("people and groups go with private: true; an open session is open to everybody")
        services, principal = info.context.services, info.context.principal
        session = await session_named(info, input.session)
        people = {key_of("Member", each.key): each.level for each in input.people} if input.private else None
        groups = {str(each.key): each.level for each in input.groups} if input.private else None
        await services.groups.set_access(principal, session, people=people, groups=groups)
        return SessionAccessSet(session=Session.of(session, services))
