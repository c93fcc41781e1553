"""Single sign-on: what a workspace has agreed with its identity provider."""

from __future__ import annotations

from typing import Self

import strawberry
from strawberry import ID

from broker.domain.people import single_sign_on as domain
from broker.domain.people.access import MemberRole
from broker.domain.plans.plans import Feature
from broker.services.ports import ProviderFailure
from graphql_api.context import Info
from graphql_api.types.fields import resolve
from graphql_api.types.scalars import DateTime


@strawberry.type(description="A workspace's identity provider, which speaks OpenID Connect, and whom it lets in.")
class IdentityProvider:
    """As it is kept."""

    key: ID = strawberry.field(
        description="Another one whenever issuer or client changes: sign-ins by the one before end with it."
    )
    issuer: str = strawberry.field(description="Its name, an https:// URL, as its discovery document says it.")
    client_id: str = strawberry.field(description="What it calls this broker.")
    secret: str | None = strawberry.field(
        description="The name of the workspace's secret that has the client's; null for a public client."
    )
    domains: list[str] = strawberry.field(
        description="Of e-mail addresses: nobody else is let in. Empty: whoever the provider lets in."
    )
    joins_as: MemberRole | None = strawberry.field(
        description="What somebody becomes who is not in the workspace yet; null: they need an invitation."
    )
    required: bool = strawberry.field(
        description="Whether nobody but owners may act here who signed in otherwise: they get `SSO_REQUIRED`."
    )
    hours: int = strawberry.field(description="How long a sign-in is good; then the provider is asked again.")

    @classmethod
    def of(cls, provider: domain.IdentityProvider) -> Self:
        """As the domain knows it."""
        terms = provider.terms
        return cls(
            key=ID(provider.id),
            issuer=terms.issuer,
            client_id=terms.client_id,
            secret=terms.secret,
            domains=list(terms.domains),
            joins_as=terms.joins_as,
            required=terms.required,
            hours=terms.hours,
        )


@strawberry.type(description="Why somebody could not sign in by the identity provider.")
class SingleSignOnFailure:
    """What the broker or the provider said."""

    at: DateTime = strawberry.field(description="When that was.")
    code: str = strawberry.field(description="A stable word for programs, such as `IDENTITY_PROVIDER_FAILED`.")
    message: str = strawberry.field(description="For people who can mend it.")

    @classmethod
    def of(cls, failure: ProviderFailure) -> Self:
        """As it is kept."""
        return cls(at=DateTime(failure.at_ms), code=failure.code, message=failure.message)


@strawberry.type(description="How a workspace's people sign in by its own identity provider.")
class SingleSignOn:
    """What is set up, and what is registered at the provider."""

    provider: IdentityProvider | None = strawberry.field(description="The identity provider; null while there is none.")
    answer_at: str = strawberry.field(description="The redirect URL to register at the provider.")
    sign_in_at: str = strawberry.field(description="Where the workspace's people begin.")
    missing: str | None = strawberry.field(
        description="For people: why the workspace's plan does not have it, and which has; null where it does."
    )

    @resolve("Why somebody could not sign in lately; null where nobody failed.")
    async def last_failure(self, info: Info) -> SingleSignOnFailure | None:
        """The latest."""
        failure = await info.context.services.single_sign_on.last_failure(info.context.principal)
        return None if failure is None else SingleSignOnFailure.of(failure)


def single_sign_on_of(info: Info, provider: domain.IdentityProvider | None) -> SingleSignOn:
    """The workspace's, with a provider that was read or set."""
    services, principal = info.context.services, info.context.principal
    table, plan = services.plans.table, principal.plan
    return SingleSignOn(
        provider=None if provider is None else IdentityProvider.of(provider),
        answer_at=services.single_sign_on.answer_at,
        sign_in_at=services.single_sign_on.sign_in_at(principal.slug),
        missing=None if table.has(plan, Feature.SSO) else table.refusal(plan, Feature.SSO).message,
    )
