"""Single sign-on is set up, changed and removed."""

from __future__ import annotations

from typing import Annotated

import strawberry

from broker.domain.people.access import MemberRole
from broker.domain.people.single_sign_on import SIGN_IN_HOURS, ProviderTerms
from graphql_api.context import Info
from graphql_api.mutations.fields import GIVEN, Repeatable, mutation, once
from graphql_api.refusals import Refused
from graphql_api.types.single_sign_on import SingleSignOn, single_sign_on_of


@strawberry.input(description="What is agreed with an identity provider.")
class SetSingleSignOnInput(Repeatable):
    """All of it: what is left out is as it says here."""

    issuer: str = strawberry.field(
        description="The provider's name, an https:// URL, as its discovery document says it."
    )
    client_id: str = strawberry.field(description="What the provider calls this broker.")
    secret: str | None = strawberry.field(
        default=None, description="The name of the workspace's secret that has the client's; null for a public client."
    )
    domains: list[str] = strawberry.field(
        default_factory=list,
        description="Of e-mail addresses: nobody else is let in. Empty: whoever the provider lets in.",
    )
    joins_as: MemberRole | None = strawberry.field(
        default=None,
        description="What somebody becomes who is not in the workspace yet, MEMBER or VIEWER; null: they need an"
        " invitation.",
    )
    required: bool = strawberry.field(
        default=False, description="Whether nobody but owners may act here who signed in otherwise."
    )
    hours: int = strawberry.field(default=SIGN_IN_HOURS, description="How long a sign-in is good.")


@strawberry.type(
    description="People sign in by this identity provider. Those of another issuer or client are signed out."
)
class SingleSignOnSet:
    """As it is kept."""

    single_sign_on: SingleSignOn = strawberry.field(description="With what was set.")


SetSingleSignOnResult = Annotated[
    SingleSignOnSet | Refused,
    strawberry.union("SetSingleSignOnResult", description="Single sign-on, or why it was not set."),
]


@strawberry.input(description="Single sign-on is to be gone.")
class RemoveSingleSignOnInput(Repeatable):
    """A workspace has one."""


@strawberry.type(description="There is no single sign-on any more, and every sign-in by it has ended.")
class SingleSignOnRemoved:
    """What is left."""

    single_sign_on: SingleSignOn = strawberry.field(description="As it stands: without a provider.")


RemoveSingleSignOnResult = Annotated[
    SingleSignOnRemoved | Refused,
    strawberry.union("RemoveSingleSignOnResult", description="That it is gone, or why not."),
]


@strawberry.type
class SingleSignOnMutations:
    """Mutations of single sign-on."""

    @mutation("Set single sign-on up, or change it; the identity provider is asked first. For owners.")
    async def set_single_sign_on(
        self, info: Info, input: Annotated[SetSingleSignOnInput, GIVEN]
    ) -> SetSingleSignOnResult:
        """The same again changes nothing."""
        terms = ProviderTerms(
            issuer=input.issuer,
            client_id=input.client_id,
            secret=input.secret,
            domains=tuple(input.domains),
            joins_as=input.joins_as,
            required=input.required,
            hours=input.hours,
        )
        made = await info.context.services.single_sign_on.set(info.context.principal, terms)
        return SingleSignOnSet(single_sign_on=single_sign_on_of(info, made))

    @mutation("End single sign-on, and every sign-in by it. For owners.")
    async def remove_single_sign_on(
        self, info: Info, input: Annotated[RemoveSingleSignOnInput, GIVEN]
    ) -> RemoveSingleSignOnResult:
        """Once for each retry id."""
        service, principal = info.context.services.single_sign_on, info.context.principal

        async def remove() -> str:
            await service.remove(principal)
            return "removed"

        await once(info, input, remove)
        return SingleSignOnRemoved(single_sign_on=single_sign_on_of(info, await service.get(principal)))
