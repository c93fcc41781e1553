"""Making and removing sessions, and who is in their channels."""

from __future__ import annotations

from typing import Annotated

import strawberry
from strawberry import ID

from graphql_api.context import Info
from graphql_api.mutations.fields import GIVEN, Repeatable, mutation, once, short
from graphql_api.refusals import Refused
from graphql_api.types.sessions import Session, session_named

SESSION = "The session: its id, key or name."


@strawberry.input(description="A session to be made.")
class CreateSessionInput(Repeatable):
    """A session to be made."""

    name: str = strawberry.field(description="Letters, digits, `_`, `.` and `-`, 64 at most.")


@strawberry.type(description="The session is there, made now or before.")
class SessionCreated:
    """The session is there."""

    session: Session = strawberry.field(description="The session.")


CreateSessionResult = Annotated[
    SessionCreated | Refused, strawberry.union("CreateSessionResult", description="The session, or why not.")
]


@strawberry.input(description="A session to be removed with its whole log.")
class DeleteSessionInput(Repeatable):
    """A session to be removed."""

    session: ID = strawberry.field(description=SESSION)


@strawberry.type(description="The session is gone, and its log with it.")
class SessionDeleted:
    """The session is gone."""

    key: ID = strawberry.field(description="The key it had.")


DeleteSessionResult = Annotated[
    SessionDeleted | Refused, strawberry.union("DeleteSessionResult", description="That it is gone, or why not.")
]


@strawberry.input(description="Another name for a session.")
class RenameSessionInput(Repeatable):
    """Another name."""

    session: ID = strawberry.field(description=SESSION)
    name: str = strawberry.field(description="Letters, digits, `_`, `.` and `-`, 64 at most.")


@strawberry.input(description="A session to be put away, or taken back.")
class ArchiveSessionInput(Repeatable):
    """A session and where it is to be."""

    session: ID = strawberry.field(description=SESSION)
    archived: bool = strawberry.field(default=True, description="False takes it back.")


@strawberry.type(description="The session is as it was wanted.")
class SessionChanged:
    """The session."""

    session: Session = strawberry.field(description="The session as it is now.")


SessionChangeResult = Annotated[
    SessionChanged | Refused,
    strawberry.union("SessionChangeResult", description="The session, or why it is as it was."),
]


@strawberry.input(description="An agent and a channel of its session.")
class ChannelInput(Repeatable):
    """An agent and a channel."""

    session: ID = strawberry.field(description=SESSION)
    channel: str = strawberry.field(description="The channel, such as `#review`.")
    agent: str = strawberry.field(description="The agent's name.")


@strawberry.type(description="Who is in a channel has changed, or was so already.")
class ChannelChanged:
    """A membership."""

    channel: str = strawberry.field(description="The channel.")
    agent: str = strawberry.field(description="The agent's name.")
    member: bool = strawberry.field(description="Whether it now gets what is sent there.")


ChannelResult = Annotated[
    ChannelChanged | Refused, strawberry.union("ChannelResult", description="The membership, or why it is as it was.")
]


@strawberry.type
class SessionMutations:
    """Mutations of sessions."""

    @mutation("Make a session, or find the one with that name.")
    async def create_session(self, info: Info, input: Annotated[CreateSessionInput, GIVEN]) -> CreateSessionResult:
        """The name is the id: a repeat finds what the first one made."""
        services = info.context.services
        made = await services.sessions.create(info.context.principal, short("name", input.name))
        return SessionCreated(session=Session.of(made, services))

    @mutation("Give a session another name. Its key, its address and its log stay.")
    async def rename_session(self, info: Info, input: Annotated[RenameSessionInput, GIVEN]) -> SessionChangeResult:
        """Twice is once."""
        services, found = info.context.services, await session_named(info, input.session)
        renamed = await services.sessions.rename(info.context.principal, found, short("name", input.name))
        return SessionChanged(session=Session.of(renamed, services))

    @mutation(
        "Put a session whose agents have ended away, or take it back. It is taken back when an agent starts there."
    )
    async def archive_session(self, info: Info, input: Annotated[ArchiveSessionInput, GIVEN]) -> SessionChangeResult:
        """Twice is once."""
        services, found = info.context.services, await session_named(info, input.session)
        changed = await services.sessions.archive(info.context.principal, found, archived=input.archived)
        return SessionChanged(session=Session.of(changed, services))

    @mutation("Remove a session whose agents have ended, with its whole log.")
    async def delete_session(self, info: Info, input: Annotated[DeleteSessionInput, GIVEN]) -> DeleteSessionResult:
        """For good."""

        async def delete() -> str:
            found = await session_named(info, input.session)
            await info.context.services.retention.delete_session(info.context.principal, found)
            return found.id

        return SessionDeleted(key=ID((await once(info, input, delete)).text))

    @mutation("Let an agent get what is sent to a channel.")
    async def join_channel(self, info: Info, input: Annotated[ChannelInput, GIVEN]) -> ChannelResult:
        """Twice is once."""
        session = await session_named(info, input.session)
        router, principal = info.context.services.router, info.context.principal
        await router.join(principal, session, channel=input.channel, agent=input.agent)
        return ChannelChanged(channel=input.channel, agent=input.agent, member=True)

    @mutation("Let an agent no longer get what is sent to a channel.")
    async def leave_channel(self, info: Info, input: Annotated[ChannelInput, GIVEN]) -> ChannelResult:
        """Twice is once."""
        session = await session_named(info, input.session)
        router, principal = info.context.services.router, info.context.principal
        await router.leave(principal, session, channel=input.channel, agent=input.agent)
        return ChannelChanged(channel=input.channel, agent=input.agent, member=False)
