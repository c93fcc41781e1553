"""The people of a workspace: adding, changing, removing, inviting them; and showing a session to others."""

from __future__ import annotations

from typing import Annotated

import strawberry
from strawberry import ID

from broker.domain.errors import Conflict
from broker.domain.ids import MemberId
from broker.domain.people.access import MAX_SHARE_S, SHARE_S, MemberRole
from broker.domain.people.members import Member as KnownMember
from broker.services.people.web_links import share_url, sign_in_url
from graphql_api.context import Info
from graphql_api.mutations.fields import GIVEN, Repeatable, mutation, once
from graphql_api.mutations.sessions import SESSION
from graphql_api.node_ids import key_of
from graphql_api.refusals import Refused
from graphql_api.types.members import Member
from graphql_api.types.scalars import DateTime
from graphql_api.types.sessions import session_named
from graphql_api.types.tokens import Token, TokenDependants

_MEMBER = "The person: an id or key."


@strawberry.input(description="A person to be added.")
class AddMemberInput(Repeatable):
    """A person to be added."""

    name: str = strawberry.field(description="The person's name, 60 characters at most.")
    role: MemberRole = strawberry.field(default=MemberRole.MEMBER, description="What the person may do.")


@strawberry.type(description="The person can sign in.")
class MemberInvited:
    """An invitation."""

    member: Member = strawberry.field(description="The person.")
    sign_in_url: str = strawberry.field(description="Signs whoever opens it in as this person, once. It is a secret.")
    expires_at: DateTime = strawberry.field(description="When that link ends.")


AddMemberResult = Annotated[
    MemberInvited | Refused,
    strawberry.union(
        "AddMemberResult",
        description="The person, or why it was not added. A repeat answers with the same person and a fresh link.",
    ),
]


@strawberry.input(description="A person to be let in again.")
class InviteMemberInput(Repeatable):
    """A person to be let in."""

    member: ID = strawberry.field(description=_MEMBER)


InviteMemberResult = Annotated[
    MemberInvited | Refused, strawberry.union("InviteMemberResult", description="A fresh link, or why there is none.")
]


@strawberry.input(description="A person's new role.")
class SetMemberRoleInput(Repeatable):
    """A person's new role."""

    member: ID = strawberry.field(description=_MEMBER)
    role: MemberRole = strawberry.field(description="What the person may do from the next request on.")


@strawberry.type(description="The person has that role.")
class MemberChanged:
    """The person."""

    member: Member = strawberry.field(description="The person as it is now.")


SetMemberRoleResult = Annotated[
    MemberChanged | Refused, strawberry.union("SetMemberRoleResult", description="The person, or why it is as it was.")
]


@strawberry.input(description="A person to be signed out.")
class EndMemberSignInsInput(Repeatable):
    """A person to be signed out."""

    member: ID = strawberry.field(description=_MEMBER)


EndMemberSignInsResult = Annotated[
    MemberChanged | Refused, strawberry.union("EndMemberSignInsResult", description="The person, or why not.")
]


@strawberry.input(description="A person to be suspended.")
class SuspendMemberInput(Repeatable):
    """A person to be suspended."""

    member: ID = strawberry.field(description=_MEMBER)


SuspendMemberResult = Annotated[
    MemberChanged | Refused, strawberry.union("SuspendMemberResult", description="The person, or why not.")
]


@strawberry.input(description="A suspended person to be let act again.")
class ReinstateMemberInput(Repeatable):
    """A person to be reinstated."""

    member: ID = strawberry.field(description=_MEMBER)


ReinstateMemberResult = Annotated[
    MemberChanged | Refused, strawberry.union("ReinstateMemberResult", description="The person, or why not.")
]


@strawberry.input(description="A person to be removed.")
class RemoveMemberInput(Repeatable):
    """A person to be removed."""

    member: ID = strawberry.field(description=_MEMBER)
    erase: bool = strawberry.field(
        default=False,
        description="Erase the name, too: what the person did is kept under an id that says nothing. Lines of sessions'"
        " logs stay.",
    )


@strawberry.type(description="The person is out, and all that was open is closed.")
class MemberRemoved:
    """The person is out."""

    key: ID = strawberry.field(description="The key it had.")
    ended: TokenDependants | None = strawberry.field(description="What has ended with the person; null in a repeat.")


RemoveMemberResult = Annotated[
    MemberRemoved | Refused, strawberry.union("RemoveMemberResult", description="That it is out, or why not.")
]


@strawberry.input(description="A session to be shown to whoever has the link.")
class ShareSessionInput(Repeatable):
    """A session to be shown."""

    session: ID = strawberry.field(description=SESSION)
    expires_in_seconds: int = strawberry.field(
        default=SHARE_S, description=f"How long the link is good, {MAX_SHARE_S} at most."
    )


@strawberry.type(description="The link shows the session, read-only. It is in this answer and nowhere else.")
class SessionShared:
    """A link."""

    url: str = strawberry.field(description="The link. It is a secret.")
    token: Token = strawberry.field(description="What ends the link when it is revoked.")


ShareSessionResult = Annotated[
    SessionShared | Refused,
    strawberry.union(
        "ShareSessionResult",
        description="The link, or why there is none. A repeat is refused with ALREADY_DONE: it is not shown twice.",
    ),
]


@strawberry.type
class MemberMutations:
    """Mutations of people, and of what is shown to others."""

    @mutation("Add a person, with a link to sign in. For who administers.")
    async def add_member(self, info: Info, input: Annotated[AddMemberInput, GIVEN]) -> AddMemberResult:
        """A repeat answers with the same person and a fresh link."""
        members, principal = info.context.services.members, info.context.principal

        async def add() -> str:
            return (await members.add(principal, name=input.name, role=input.role)).id

        added = await once(info, input, add)
        return await _show_invited(info, await members.get(principal, added.text))

    @mutation("Make a fresh link for a person to sign in; for oneself too.")
    async def invite_member(self, info: Info, input: Annotated[InviteMemberInput, GIVEN]) -> InviteMemberResult:
        """Each link is good once, for ten minutes."""
        member = await info.context.services.members.get(info.context.principal, _key(input.member))
        return await _show_invited(info, member)

    @mutation("Give a person another role, from the next request on. For who administers.")
    async def set_member_role(self, info: Info, input: Annotated[SetMemberRoleInput, GIVEN]) -> SetMemberRoleResult:
        """Twice is once."""
        members, principal = info.context.services.members, info.context.principal
        return MemberChanged(member=Member.of(await members.set_role(principal, _key(input.member), input.role)))

    @mutation("Sign a person out everywhere; a link lets them in again. For who administers.")
    async def end_member_sign_ins(
        self, info: Info, input: Annotated[EndMemberSignInsInput, GIVEN]
    ) -> EndMemberSignInsResult:
        """Twice is once."""
        members, principal = info.context.services.members, info.context.principal
        return MemberChanged(member=Member.of(await members.end_sign_ins(principal, _key(input.member))))

    @mutation("Let a person neither sign in nor act, until they are reinstated. For who administers.")
    async def suspend_member(self, info: Info, input: Annotated[SuspendMemberInput, GIVEN]) -> SuspendMemberResult:
        """Nothing of theirs is lost. Twice is once."""
        members, principal = info.context.services.members, info.context.principal
        return MemberChanged(member=Member.of(await members.suspend(principal, _key(input.member))))

    @mutation("Let a suspended person act again, with all they had. For who administers.")
    async def reinstate_member(
        self, info: Info, input: Annotated[ReinstateMemberInput, GIVEN]
    ) -> ReinstateMemberResult:
        """Twice is once."""
        members, principal = info.context.services.members, info.context.principal
        return MemberChanged(member=Member.of(await members.reinstate(principal, _key(input.member))))

    @mutation("Remove a person and end all that is open. For who administers.")
    async def remove_member(self, info: Info, input: Annotated[RemoveMemberInput, GIVEN]) -> RemoveMemberResult:
        """For good."""
        member = _key(input.member)

        ended: list[TokenDependants] = []

        async def remove() -> str:
            members, principal = info.context.services.members, info.context.principal
            gone = await (members.erase if input.erase else members.remove)(principal, member)
            ended.append(TokenDependants.of(gone))
            return member

        removed = await once(info, input, remove)
        return MemberRemoved(key=ID(removed.text), ended=None if removed.repeated else ended[0])

    @mutation("Make a link that shows one session to whoever has it, for a while. For who administers.")
    async def share_session(self, info: Info, input: Annotated[ShareSessionInput, GIVEN]) -> ShareSessionResult:
        """The link is shown this once."""
        services, principal = info.context.services, info.context.principal
        made: list[SessionShared] = []

        async def share() -> str:
            session = await session_named(info, input.session)
            record, secret = await services.access.share(principal, session, seconds=input.expires_in_seconds)
            url = share_url(services.public_url, session, secret)
            made.append(SessionShared(url=url, token=Token.of(record)))
            return record.id

        shared = await once(info, input, share)
        if shared.repeated:
            raise Conflict(
                f"this request made its link before, with token {shared.text}: revoke that and make another if the"
                " link was lost",
                code="ALREADY_DONE",
            )
        return made[0]


async def _show_invited(info: Info, member: KnownMember) -> MemberInvited:
    services = info.context.services
    code = await services.sign_in.invite(info.context.principal, member)
    return MemberInvited(
        member=Member.of(member),
        sign_in_url=sign_in_url(services.public_url, code),
        expires_at=DateTime(code.expires_at_ms),
    )


def _key(reference: str) -> MemberId:
    return MemberId(key_of("Member", reference))
