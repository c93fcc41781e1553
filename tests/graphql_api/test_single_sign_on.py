"""Single sign-on in GraphQL: set up, shown, changed and removed, against a certified identity provider."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest_asyncio

from broker.domain.plans.plans import Plan
from broker.services.people.single_sign_on import ANSWER_PATH
from tests.fixtures.gateway import Gateway, gateway_for, serving
from tests.fixtures.graphql import GraphQL
from tests.fixtures.identity_provider import PUBLIC_CLIENT, CertifiedProvider, identity_provider
from tests.graphql_api.test_mutations import mutate

SHOWN = "provider { key issuer clientId secret domains joinsAs required hours } answerAt signInAt missing"
QUERY = f"{{ workspace {{ hasSingleSignOn singleSignOn {{ {SHOWN} lastFailure {{ at code message }} }} }} }}"
SET = f"... on SingleSignOnSet {{ singleSignOn {{ {SHOWN} }} }}"
REMOVED = f"... on SingleSignOnRemoved {{ singleSignOn {{ {SHOWN} }} }}"


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def opened_url(redis_url: str) -> AsyncIterator[str]:
    """Of a gateway that may call loopback."""
    async with serving(redis_url, allow_outbound=("127.0.0.0/8",)) as url:
        yield url


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def provider(opened_url: str) -> AsyncIterator[CertifiedProvider]:
    async with identity_provider(answer_at=[opened_url + ANSWER_PATH]) as found:
        yield found


@pytest_asyncio.fixture(loop_scope="session")
async def opened(
    opened_url: str, redis_url: str, client: httpx.AsyncClient, gateway: Gateway
) -> AsyncIterator[Gateway]:
    async with gateway_for(gateway.workspace, url=opened_url, redis_url=redis_url, client=client) as made:
        yield made


async def test_it_is_set_up_shown_and_removed(opened: Gateway, provider: CertifiedProvider) -> None:
    graphql = GraphQL(opened)
    empty = (await graphql.ok(QUERY))["workspace"]
    assert (empty["hasSingleSignOn"], empty["singleSignOn"]["provider"]) == (False, None)
    assert empty["singleSignOn"]["answerAt"] == opened.url + ANSWER_PATH
    slug = (await graphql.ok("{ workspace { slug } }"))["workspace"]["slug"]
    assert empty["singleSignOn"]["signInAt"] == f"{opened.url}/sign-in?workspace={slug}"

    given: dict[str, Any] = {"issuer": provider.issuer, "clientId": PUBLIC_CLIENT, "joinsAs": "VIEWER"}
    made = (await mutate(graphql, "setSingleSignOn", SET, **given, domains=["@Example.COM"], required=True, hours=8))[
        "singleSignOn"
    ]
    terms = {**given, "secret": None, "domains": ["example.com"], "required": True, "hours": 8}
    assert made["provider"] == {**terms, "key": made["provider"]["key"]}
    found = (await graphql.ok(QUERY))["workspace"]
    assert found["hasSingleSignOn"] is True
    assert found["singleSignOn"] == {**made, "lastFailure": None}

    for _ in range(2):
        removed = await mutate(graphql, "removeSingleSignOn", REMOVED, clientMutationId="out")
        assert removed["singleSignOn"]["provider"] is None
    refused = await mutate(graphql, "removeSingleSignOn", "")
    assert (refused["__typename"], refused["code"]) == ("NotFoundRefusal", "NO_SINGLE_SIGN_ON")


async def test_what_cannot_be_used_is_a_refusal_and_is_not_kept(opened: Gateway, provider: CertifiedProvider) -> None:
    graphql = GraphQL(opened)
    for given, kind, code in (
        ({"issuer": provider.issuer, "hours": 0}, "InvalidInput", "INVALID_ARGUMENT"),
        ({"issuer": provider.issuer, "secret": "missing"}, "NotFoundRefusal", "SECRET_NOT_FOUND"),
        ({"issuer": provider.issuer + "/other"}, "ConflictRefusal", "IDENTITY_PROVIDER_FAILED"),
        ({"issuer": "http://127.0.0.1:9"}, "ConflictRefusal", "OUTBOUND_FAILED"),
        ({"issuer": "http://10.0.0.1"}, "ConflictRefusal", "OUTBOUND_NOT_ALLOWED"),
    ):
        refused = await mutate(graphql, "setSingleSignOn", SET, clientId=PUBLIC_CLIENT, **given)
        assert (refused["__typename"], refused["code"]) == (kind, code), refused
        assert refused["message"]
    assert (await graphql.ok(QUERY))["workspace"]["singleSignOn"]["provider"] is None


async def test_administrators_see_it_and_owners_alone_change_it(opened: Gateway, provider: CertifiedProvider) -> None:
    graphql = GraphQL(opened)
    given = {"issuer": provider.issuer, "clientId": PUBLIC_CLIENT}
    account = await opened.ok("POST", "/v1/service-accounts", {"name": "admins' program"})
    minted = await opened.ok("POST", f"/v1/service-accounts/{account['id']}/tokens", {"scopes": ["administer"]})
    admin = minted["token"]
    assert (await graphql.ok(QUERY, token=admin))["workspace"]["singleSignOn"]["provider"] is None
    for field, wanted in (("setSingleSignOn", given), ("removeSingleSignOn", {})):
        refused = await mutate(graphql, field, "", by=admin, **wanted)
        assert (refused["__typename"], refused["code"]) == ("NotPermitted", "NOT_PERMITTED")


async def test_a_plan_without_it_says_which_has_it(opened: Gateway, provider: CertifiedProvider) -> None:
    graphql = GraphQL(opened)
    await opened.adapters.workspaces.set_plan(opened.workspace, Plan.PRO)
    missing = (await graphql.ok(QUERY))["workspace"]["singleSignOn"]["missing"]
    assert missing.startswith("the plan pro has no single sign-on: change to the plan team")
    given = {"issuer": provider.issuer, "clientId": PUBLIC_CLIENT}
    refused = await mutate(graphql, "setSingleSignOn", "... on QuotaExceeded { what planWithMore }", **given)
    assert (refused["__typename"], refused["what"], refused["planWithMore"]) == ("QuotaExceeded", "sso", "team")
    assert refused["message"] == missing
