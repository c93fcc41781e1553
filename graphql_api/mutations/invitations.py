"""Inviting people by link."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated

import strawberry
from strawberry import ID

from broker.domain.errors import Conflict
from broker.domain.ids import InvitationId
from broker.domain.people.access import MemberRole
from broker.domain.people.invitations import INVITATION_DAYS, MAX_INVITATION_DAYS, InvitationLink
from broker.services.people.web_links import invitation_url
from graphql_api.context import Info
from graphql_api.mutations.fields import GIVEN, Repeatable, mutation, once
from graphql_api.refusals import Refused
from graphql_api.types.invitations import Invitation

_INVITATION = "The invitation's key."
_DAYS = f"For how many days the link is good, {MAX_INVITATION_DAYS} at most."


@strawberry.input(description="Somebody to be invited.")
class CreateInvitationInput(Repeatable):
    """Somebody to be invited."""

    role: MemberRole = strawberry.field(default=MemberRole.MEMBER, description="What they will be.")
    name: str | None = strawberry.field(default=None, description="Whom it is meant for; they may choose another name.")
    groups: list[str] = strawberry.field(
        default_factory=list, description="The groups they will be in: keys or names, 20 at most."
    )
    days: int = strawberry.field(default=INVITATION_DAYS, description=_DAYS)


@strawberry.input(description="An invitation whose link is lost or over.")
class ResendInvitationInput(Repeatable):
    """An invitation."""

    invitation: ID = strawberry.field(description=_INVITATION)
    days: int = strawberry.field(default=INVITATION_DAYS, description=_DAYS)


@strawberry.type(description="The link lets one person in, once. It is in this answer and nowhere else.")
class InvitationSent:
    """A link."""

    invitation: Invitation = strawberry.field(description="The invitation.")
    url: str = strawberry.field(description="The link. It is a secret.")


CreateInvitationResult = Annotated[
    InvitationSent | Refused,
    strawberry.union(
        "CreateInvitationResult",
        description="The link, or why there is none. A repeat is refused with ALREADY_DONE: it is not shown twice.",
    ),
]
ResendInvitationResult = Annotated[
    InvitationSent | Refused,
    strawberry.union("ResendInvitationResult", description="A fresh link, or why there is none."),
]


@strawberry.input(description="An invitation to be ended.")
class RevokeInvitationInput(Repeatable):
    """An invitation."""

    invitation: ID = strawberry.field(description=_INVITATION)


@strawberry.type(description="The invitation's link leads nowhere.")
class InvitationRevoked:
    """The invitation is gone."""

    key: ID = strawberry.field(description="The key it had.")


RevokeInvitationResult = Annotated[
    InvitationRevoked | Refused, strawberry.union("RevokeInvitationResult", description="That it is gone, or why not.")
]


@strawberry.type
class InvitationMutations:
    """Mutations of invitations."""

    @mutation("Make a link that lets one person in, once. For who administers.")
    async def create_invitation(
        self, info: Info, input: Annotated[CreateInvitationInput, GIVEN]
    ) -> CreateInvitationResult:
        """The link is shown this once."""
        made: list[InvitationLink] = []

        async def invite() -> str:
            link = await info.context.services.invitations.invite(
                info.context.principal, role=input.role, name=input.name, groups=input.groups, days=input.days
            )
            made.append(link)
            return link.invitation.id

        return await _sent_once(info, input, invite, made)

    @mutation("Make a fresh link for an invitation; the one before leads nowhere. For who administers.")
    async def resend_invitation(
        self, info: Info, input: Annotated[ResendInvitationInput, GIVEN]
    ) -> ResendInvitationResult:
        """The link is shown this once."""
        made: list[InvitationLink] = []

        async def send() -> str:
            link = await info.context.services.invitations.send_again(
                info.context.principal, InvitationId(input.invitation), days=input.days
            )
            made.append(link)
            return link.invitation.id

        return await _sent_once(info, input, send, made)

    @mutation("End an invitation at once. For who administers.")
    async def revoke_invitation(
        self, info: Info, input: Annotated[RevokeInvitationInput, GIVEN]
    ) -> RevokeInvitationResult:
        """For good."""

        async def revoke() -> str:
            await info.context.services.invitations.revoke(info.context.principal, InvitationId(input.invitation))
            return input.invitation

        return InvitationRevoked(key=ID((await once(info, input, revoke)).text))


async def _sent_once(
    info: Info, given: Repeatable, act: Callable[[], Awaitable[str]], made: list[InvitationLink]
) -> InvitationSent:
    services = info.context.services
    done = await once(info, given, act)
    if done.repeated:
        raise Conflict(
            f"this request made its link before, for the invitation {done.text}: resend that if the link was lost",
            code="ALREADY_DONE",
        )
    link = made[0]
    (shown,) = await services.invitations.show(info.context.principal.workspace, [link.invitation])
    return InvitationSent(invitation=Invitation.of(shown), url=invitation_url(services.public_url, link.secret))
