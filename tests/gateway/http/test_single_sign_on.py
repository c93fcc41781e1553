"""Single sign-on over HTTP: browsers on their way to a certified identity provider and back."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio

from broker.domain.people.access import MemberRole
from broker.domain.plans.plans import Plan
from broker.protocol.close_codes import UNAUTHENTICATED
from broker.services.people.single_sign_on import ANSWER_PATH
from tests.fixtures.browser import Browser, open_browser, signed_in
from tests.fixtures.callers import elsewhere
from tests.fixtures.gateway import Gateway, closing, gateway_for, serving
from tests.fixtures.identity_provider import ADA, CLIENT, CLIENT_SECRET, PUBLIC_CLIENT, CertifiedProvider, follow
from tests.fixtures.identity_provider import identity_provider as certified
from tests.gateway.http.test_api import refusal

GRACE: dict[str, Any] = {"sub": "grace", "name": "Grace H.", "email": "grace@example.org", "email_verified": True}


@dataclass(slots=True, kw_only=True)
class House:
    """A workspace, and a certified provider that knows where its broker is."""

    gateway: Gateway
    provider: CertifiedProvider

    @property
    def slug(self) -> str:
        return self.gateway.workspace

    def terms(self, **other: object) -> dict[str, object]:
        return {"issuer": self.provider.issuer, "client_id": PUBLIC_CLIENT, "joins_as": "member", **other}

    async def set(self, **other: object) -> Any:
        return await self.gateway.ok("PUT", "/v1/single-sign-on", self.terms(**other))

    async def begin(self, browser: Browser, *, then: str | None = None) -> str:
        slug = (await self.gateway.ok("GET", "/v1/whoami"))["workspace"]["slug"]
        body = {"workspace": slug, "then": then}
        url: str = (await browser.ok("POST", "/v1/sign-in/single-sign-on", body))["url"]
        return url

    async def come_back(self, browser: Browser, answer: dict[str, str]) -> httpx.Response:
        """The browser brings what the provider has answered."""
        url = f"{self.gateway.url}{ANSWER_PATH}?{urlencode(answer)}"
        found = await browser.client.get(url, follow_redirects=False)
        assert found.status_code == 303, found.text
        assert found.headers["cache-control"] == "no-store"
        return found

    async def sign_in(self, browser: Browser, *, then: str | None = None, **claims: Any) -> str:
        """The whole way; the page that the browser comes to."""
        await self.provider.sign_in(**(claims or ADA))
        answer = await follow(await self.begin(browser, then=then), browser=browser.client)
        return self.path((await self.come_back(browser, answer)).headers["location"])

    def path(self, location: str) -> str:
        """Below the broker's own address."""
        assert location.startswith(self.gateway.url)
        return location.removeprefix(self.gateway.url)

    async def refused(self, browser: Browser, **claims: Any) -> str:
        """The code with which the sign-in page says why not."""
        page = urlsplit(await self.sign_in(browser, **claims))
        assert page.path == "/sign-in", page
        return parse_qs(page.query)["refused"][0]

    async def failure(self) -> Any:
        return (await self.gateway.ok("GET", "/v1/single-sign-on"))["last_failure"]

    async def acts(self) -> list[str]:
        records = (await self.gateway.ok("GET", "/v1/audit"))["records"]
        return [each["act"] for each in reversed(records)]


@pytest_asyncio.fixture(loop_scope="session", scope="session")
async def opened_url(redis_url: str) -> AsyncIterator[str]:
    """Of a gateway that may call loopback."""
    async with serving(redis_url, allow_outbound=("127.0.0.0/8",)) as url:
        yield url


@pytest_asyncio.fixture(loop_scope="session", scope="session")
async def provider(opened_url: str) -> AsyncIterator[CertifiedProvider]:
    async with certified(answer_at=[opened_url + ANSWER_PATH]) as found:
        yield found


@pytest_asyncio.fixture(loop_scope="session")
async def house(
    opened_url: str, redis_url: str, provider: CertifiedProvider, client: httpx.AsyncClient, gateway: Gateway
) -> AsyncIterator[House]:
    await provider.set(account=ADA, refusal=None)
    async with gateway_for(gateway.workspace, url=opened_url, redis_url=redis_url, client=client) as opened:
        yield House(gateway=opened, provider=provider)


@pytest_asyncio.fixture(loop_scope="session")
async def browser(house: House) -> AsyncIterator[Browser]:
    async with open_browser(house.gateway) as found:
        yield found


async def test_somebody_new_comes_in_and_is_the_same_the_next_time(house: House, browser: Browser) -> None:
    shown = await house.set()
    assert shown["provider"]["issuer"] == house.provider.issuer
    assert shown["answer_at"] == house.gateway.url + ANSWER_PATH

    slug = (await house.gateway.ok("GET", "/v1/whoami"))["workspace"]["slug"]
    assert await house.sign_in(browser) == f"/w/{slug}/"
    first = await browser.ok("GET", "/v1/whoami")
    assert (first["name"], first["role"], first["kind"]) == ("Ada L.", "member", "member")

    async with open_browser(house.gateway) as another:
        assert await house.sign_in(another, then=f"/w/{slug}/hooks?a=1") == f"/w/{slug}/hooks?a=1"
        assert (await another.ok("GET", "/v1/whoami"))["member"] == first["member"]
    members = (await house.gateway.ok("GET", "/v1/members"))["members"]
    assert [each["name"] for each in members] == ["Ada L."]
    acts = await house.acts()
    began = acts.index("single_sign_on.changed")
    assert acts[began:] == ["single_sign_on.changed", "member.added", "member.signed_in", "member.signed_in"]


async def test_a_client_with_a_secret_signs_people_in(house: House, browser: Browser) -> None:
    await house.gateway.ok("POST", "/v1/secrets", {"name": "SSO", "value": CLIENT_SECRET})
    await house.set(client_id=CLIENT, secret="SSO")

    assert (await house.sign_in(browser)).startswith("/w/")

    await house.gateway.ok("POST", "/v1/secrets", {"name": "SSO", "value": "Xq7-of-another", "at_once": True})
    assert await house.refused(browser) == "IDENTITY_PROVIDER_FAILED"
    failure = await house.failure()
    assert failure["code"] == "IDENTITY_PROVIDER_FAILED"
    assert "client_id" in failure["message"]
    assert "Xq7" not in failure["message"]


async def test_somebody_who_is_here_already_links_their_identity(house: House) -> None:
    await house.set(joins_as=None)
    async with signed_in(house.gateway, MemberRole.ADMIN, name="Ada") as ada:
        before = await ada.ok("GET", "/v1/whoami")
        assert (await house.sign_in(ada)).startswith("/w/")
        assert (await ada.ok("GET", "/v1/whoami"))["member"] == before["member"]
    async with open_browser(house.gateway) as fresh:
        assert (await house.sign_in(fresh)).startswith("/w/")
        now = await fresh.ok("GET", "/v1/whoami")
    assert (now["member"], now["name"], now["role"]) == (before["member"], "Ada", "admin")
    assert "member.identity_linked" in await house.acts()


async def test_nobody_becomes_somebody_else_by_linking(house: House, browser: Browser) -> None:
    await house.set()
    assert (await house.sign_in(browser)).startswith("/w/")  # Ada L. is one here
    async with signed_in(house.gateway, MemberRole.ADMIN, name="Boss") as boss:
        assert await house.refused(boss) == "NOT_YOURS"
        assert (await boss.ok("GET", "/v1/whoami"))["name"] == "Boss"
        assert (await house.sign_in(boss, **GRACE)).startswith("/w/")
    async with signed_in(house.gateway, MemberRole.ADMIN, name="Boss 2") as other:
        assert await house.refused(other, **GRACE) == "NOT_YOURS"
    members = (await house.gateway.ok("GET", "/v1/members?search=Boss"))["members"]
    link = await house.gateway.ok("POST", f"/v1/members/{members[0]['id']}/link")
    async with open_browser(house.gateway) as boss:
        await boss.sign_in(link["url"])
        assert await house.refused(boss, **{**GRACE, "sub": "grace 2"}) == "ANOTHER_IDENTITY"


async def test_who_is_not_in_the_workspace_needs_an_invitation_where_nobody_joins(
    house: House, browser: Browser
) -> None:
    await house.set(joins_as=None)

    assert await house.refused(browser) == "NO_MEMBERSHIP"
    assert (await house.gateway.ok("GET", "/v1/members"))["members"] == []
    assert (await house.failure())["code"] == "NO_MEMBERSHIP"


async def test_only_addresses_of_named_domains_come_in_and_only_where_they_are_vouched_for(
    house: House, browser: Browser
) -> None:
    await house.set(domains=["example.com"])

    assert await house.refused(browser, **GRACE) == "DOMAIN_NOT_LET_IN"
    assert await house.refused(browser, **{**ADA, "email_verified": False}) == "DOMAIN_NOT_LET_IN"
    assert (await house.sign_in(browser)).startswith("/w/")


async def test_a_name_that_somebody_has_gets_a_number(house: House, browser: Browser) -> None:
    await house.set(joins_as="viewer")
    await house.gateway.ok("POST", "/v1/members", {"name": "ada l.", "role": "member"})

    assert (await house.sign_in(browser)).startswith("/w/")

    found = await browser.ok("GET", "/v1/whoami")
    assert (found["name"], found["role"]) == ("Ada L. 2", "viewer")


async def test_a_provider_speaks_for_its_own_workspace_alone(house: House, browser: Browser) -> None:
    """Whoever it says that somebody is: the person's other workspaces, and their account, are out of reach."""
    await house.set()
    other = await elsewhere(house.gateway)
    made = await house.gateway.ok("POST", "/v1/members", {"name": "Ada", "role": "owner"})
    async with open_browser(house.gateway) as ada:
        await ada.sign_in(made["url"])
        there = await other.ok("POST", "/v1/members", {"name": "Ada", "role": "owner"})
        await ada.ok("POST", "/v1/sign-in", {"code": there["url"].partition("#")[2], "join": True})
        here = {"Relaycast-Workspace": house.gateway.workspace}
        slug = (await house.gateway.ok("GET", "/v1/whoami"))["workspace"]["slug"]
        begun = await ada.ask("POST", "/v1/sign-in/single-sign-on", {"workspace": slug}, **here)
        answer = await follow(begun.json()["data"]["url"], browser=ada.client)
        await house.come_back(ada, answer)

        assert (await ada.ok("GET", "/v1/whoami"))["workspace"]["id"] == house.gateway.workspace
        inside = await ada.ask("GET", "/v1/whoami", **{"Relaycast-Workspace": other.workspace})
        assert (inside.status_code, inside.json()["error"]["code"]) == (404, "WORKSPACE_NOT_FOUND")
        assert [each["id"] for each in (await ada.ok("GET", "/v1/workspaces"))["workspaces"]] == [
            house.gateway.workspace
        ]
        assert (await ada.ask("GET", "/v1/sign-ins")).status_code == 403
        code = (await other.ok("POST", f"/v1/members/{there['member']['id']}/link"))["url"].partition("#")[2]
        assert (await ada.ask("POST", "/v1/sign-in", {"code": code, "join": True})).status_code == 403
    async with open_browser(house.gateway) as owner:  # by her link she is in both, as before
        again = await house.gateway.ok("POST", f"/v1/members/{made['member']['id']}/link")
        await owner.sign_in(again["url"])
        assert len((await owner.ok("GET", "/v1/workspaces"))["workspaces"]) == 2


async def test_a_sign_in_ends_with_what_vouched_for_it(house: House, browser: Browser) -> None:
    await house.gateway.ok("POST", "/v1/secrets", {"name": "SSO", "value": CLIENT_SECRET})
    await house.set()
    await house.sign_in(browser)
    session = (await browser.ok("POST", "/v1/sessions", {"name": f"s-{uuid4().hex}"}))["id"]
    async with browser.events(session) as events:
        await house.set(hours=1, domains=["example.com"])  # the same client: it goes on
        await browser.ok("GET", "/v1/whoami")
        await house.set(client_id=CLIENT, secret="SSO", joins_as=None)
        assert await closing(events) == UNAUTHENTICATED.code
    assert (await browser.ask("GET", "/v1/whoami")).json()["error"]["code"] == "TOKEN_REVOKED"

    assert await house.refused(browser) == "NO_MEMBERSHIP"  # another client: nobody is anybody there yet
    await house.set()
    async with open_browser(house.gateway) as second:
        await house.sign_in(second)
        token = next(each.value for each in second.client.cookies.jar if (each.value or "").startswith("mt_live_"))
        machine = await house.gateway.exchange("machine", token=token or "", machine_id="m-1")
        await house.gateway.ok("DELETE", "/v1/single-sign-on")
        assert (await second.ask("GET", "/v1/whoami")).status_code == 401
        renewed = {"refresh_token": machine["refresh_token"]}
        assert (await house.gateway.call("POST", "/v1/auth/refresh", renewed, token=None)).status_code == 401


async def test_a_sign_in_ends_after_its_hours_however_much_it_is_used(house: House, browser: Browser) -> None:
    await house.set(hours=2)
    await house.sign_in(browser)
    await browser.ok("GET", "/v1/whoami")

    lives = []
    redis: Any = house.gateway.adapters.redis
    async for key in redis.scan_iter(match=f"*{{{house.gateway.workspace}}}:si:*", count=1000):
        lives.append(await redis.pttl(key))
    assert len(lives) == 1
    assert 2 * 3600 - 60 < lives[0] / 1000 <= 2 * 3600


async def test_where_it_is_required_who_came_otherwise_may_not_act_but_owners(house: House) -> None:
    await house.set()
    async with (
        signed_in(house.gateway, MemberRole.MEMBER, name="Mel") as mel,
        signed_in(house.gateway, MemberRole.OWNER, name="Olga") as olga,
    ):
        session = (await mel.ok("POST", "/v1/sessions", {"name": f"s-{uuid4().hex}"}))["id"]
        async with mel.events(session) as events:
            await house.set(required=True)
            assert await closing(events) == UNAUTHENTICATED.code
        told = (await mel.ask("GET", "/v1/whoami")).json()["error"]
        assert told["code"] == "SSO_REQUIRED"
        assert (await olga.ask("GET", "/v1/whoami")).status_code == 200
        member = next(
            each for each in (await house.gateway.ok("GET", "/v1/members"))["members"] if each["name"] == "Mel"
        )
        assert (await house.sign_in(mel, **GRACE)).startswith("/w/")  # she links, and is in
        assert (await mel.ok("GET", "/v1/whoami"))["member"] == member["id"]
        await house.gateway.ok("POST", f"/v1/members/{member['id']}/suspend")
        assert await house.refused(mel, **GRACE) == "SUSPENDED"
        await house.gateway.ok("POST", f"/v1/members/{member['id']}/reinstate")
        await house.gateway.ok("DELETE", f"/v1/members/{member['id']}")
        async with open_browser(house.gateway) as again:
            assert (await house.sign_in(again, **GRACE)).startswith("/w/")  # somebody new
            assert (await again.ok("GET", "/v1/whoami"))["member"] != member["id"]


@pytest.mark.parametrize("changed", ["state", "no state", "no cookie", "another browser's", "a broken cookie"])
async def test_an_answer_counts_in_the_browser_alone_that_was_sent(
    house: House, browser: Browser, changed: str
) -> None:
    await house.set()
    answer = await follow(await house.begin(browser), browser=browser.client)
    name = next(each.name for each in browser.client.cookies.jar if each.name.endswith(".sso"))
    async with open_browser(house.gateway) as stranger:
        other = browser if changed in {"state", "no state"} else stranger
        if changed == "another browser's":
            await house.begin(other)
        elif changed == "a broken cookie":
            other.client.cookies.set(name, "WzEsMiwzXQ==")
        answer |= {"state": "x"} if changed == "state" else {}
        if changed == "no state":
            del answer["state"]
        page = house.path((await house.come_back(other, answer)).headers["location"])
        assert "refused=SIGN_IN_FAILED" in page
        assert (await other.ask("GET", "/v1/whoami")).status_code == 401


async def test_an_answer_counts_once(house: House, browser: Browser) -> None:
    await house.set()
    url = await house.begin(browser)
    kept = {each.name: each.value for each in browser.client.cookies.jar if each.name.endswith(".sso")}
    answer = await follow(url, browser=browser.client)
    await house.come_back(browser, answer)
    async with open_browser(house.gateway) as thief:
        for name, value in kept.items():
            thief.client.cookies.set(name, value or "")
        page = (await house.come_back(thief, answer)).headers["location"]
        assert "refused=IDENTITY_PROVIDER_FAILED" in page
        assert (await thief.ask("GET", "/v1/whoami")).status_code == 401


async def test_what_came_from_another_provider_is_not_sent_to_the_one_that_was_asked(
    house: House, browser: Browser
) -> None:
    await house.set()
    answer = await follow(await house.begin(browser), browser=browser.client)

    page = (await house.come_back(browser, answer | {"iss": "https://evil.example.com"})).headers["location"]

    assert "refused=IDENTITY_PROVIDER_FAILED" in page


async def test_what_the_provider_refuses_is_said_by_its_code_alone(house: House, browser: Browser) -> None:
    await house.set()
    await house.provider.set(refusal="access_denied")
    answer = await follow(await house.begin(browser), browser=browser.client)
    answer |= {"error": "access_denied<script>", "error_description": "evil words"}

    page = house.path((await house.come_back(browser, answer)).headers["location"])

    assert urlsplit(page).path == "/sign-in"
    assert parse_qs(urlsplit(page).query)["refused"] == ["SIGN_IN_FAILED"]
    assert "script" not in page
    assert (await house.failure())["message"].endswith("access_deniedscript")


async def test_who_may_set_it_up(house: House) -> None:
    async with signed_in(house.gateway, MemberRole.OWNER, name="Olga") as olga:
        assert (await olga.ask("PUT", "/v1/single-sign-on", house.terms())).status_code == 200
        for role, sees in ((MemberRole.ADMIN, 200), (MemberRole.MEMBER, 403), (MemberRole.BILLING, 403)):
            async with signed_in(house.gateway, role, name=f"a {role}") as other:
                assert (await other.ask("GET", "/v1/single-sign-on")).status_code == sees
                assert (await other.ask("PUT", "/v1/single-sign-on", house.terms())).status_code == 403
                assert (await other.ask("DELETE", "/v1/single-sign-on")).status_code == 403
        assert (await olga.ask("DELETE", "/v1/single-sign-on")).status_code == 200
    assert await refusal(house.gateway, "DELETE", "/v1/single-sign-on") == (404, "NO_SINGLE_SIGN_ON")


async def test_what_cannot_be_set_up_changes_nothing(house: House, gateway: Gateway) -> None:
    put = "PUT", "/v1/single-sign-on"
    assert await refusal(house.gateway, *put, house.terms(secret="NONE")) == (404, "SECRET_NOT_FOUND")
    assert await refusal(house.gateway, *put, house.terms(joins_as="owner")) == (400, "INVALID_ARGUMENT")
    nobody = house.terms(issuer="http://127.0.0.1:1")
    assert (await refusal(house.gateway, *put, nobody))[1].startswith("OUTBOUND")
    trailing = house.terms(issuer=house.provider.issuer + "/")
    assert (await refusal(house.gateway, *put, trailing))[1] == "IDENTITY_PROVIDER_FAILED"
    # A broker whose operator has opened nothing calls no address of its own network.
    closed = replace(house.gateway, url=gateway.url)
    assert await refusal(closed, *put, house.terms()) == (403, "OUTBOUND_NOT_ALLOWED")
    assert (await house.gateway.ok("GET", "/v1/single-sign-on"))["provider"] is None


async def test_without_a_key_for_secrets_nobody_sets_it_up(house: House, redis_url: str) -> None:
    async with (
        serving(redis_url, secret_keys=(), allow_outbound=("127.0.0.0/8",)) as url,
        gateway_for(house.gateway.workspace, url=url, redis_url=redis_url, client=house.gateway.client) as keyless,
    ):
        told = await refusal(keyless, "PUT", "/v1/single-sign-on", house.terms())
    assert told == (501, "SECRET_KEY_NOT_CONFIGURED")


async def test_a_plan_without_it_neither_sets_it_up_nor_lets_anybody_in(house: House, browser: Browser) -> None:
    await house.set()
    slug = (await house.gateway.ok("GET", "/v1/whoami"))["workspace"]["slug"]
    await house.gateway.adapters.workspaces.set_plan(house.gateway.workspace, Plan.PRO)

    assert await refusal(house.gateway, "PUT", "/v1/single-sign-on", house.terms()) == (402, "PLAN_LIMIT")
    answer = await browser.ask("POST", "/v1/sign-in/single-sign-on", {"workspace": slug})
    assert answer.json()["error"]["code"] == "PLAN_LIMIT"


async def test_a_workspace_without_it_is_like_none(house: House, browser: Browser) -> None:
    slug = (await house.gateway.ok("GET", "/v1/whoami"))["workspace"]["slug"]
    told = []
    for named in (slug, "no-such-workspace", "{", "installation"):
        answer = await browser.ask("POST", "/v1/sign-in/single-sign-on", {"workspace": named})
        told.append((answer.status_code, answer.json()["error"]))
    assert told[0][0] == 404
    assert told == [told[0]] * 4


@pytest.mark.parametrize(
    "then", ["//evil.example.com", "https://evil.example.com", "/\\evil", "/a b", "/\n", "/" * 501]
)
async def test_nobody_is_sent_elsewhere_behind_it(house: House, browser: Browser, then: str) -> None:
    await house.set()
    slug = (await house.gateway.ok("GET", "/v1/whoami"))["workspace"]["slug"]

    answer = await browser.ask("POST", "/v1/sign-in/single-sign-on", {"workspace": slug, "then": then})

    assert answer.status_code == 400


async def test_another_page_signs_nobody_in(house: House, browser: Browser) -> None:
    await house.set()
    slug = (await house.gateway.ok("GET", "/v1/whoami"))["workspace"]["slug"]

    answer = await browser.ask(
        "POST", "/v1/sign-in/single-sign-on", {"workspace": slug}, origin="https://evil.example.com"
    )

    assert answer.json()["error"]["code"] == "ORIGIN_REFUSED"


async def test_a_provider_that_is_gone_is_said_where_it_can_be_mended(house: House, redis_url: str) -> None:
    async with contextlib.AsyncExitStack() as stack:
        gone = await stack.enter_async_context(certified(answer_at=[house.gateway.url + ANSWER_PATH]))
        await house.set(issuer=gone.issuer)
        async with open_browser(house.gateway) as browser:
            answer = await follow(await house.begin(browser), browser=browser.client)
            await stack.aclose()
            page = (await house.come_back(browser, answer)).headers["location"]
    assert "refused=OUTBOUND_FAILED" in page
    assert (await house.failure())["code"] == "OUTBOUND_FAILED"


@pytest.mark.parametrize("everywhere", [False, True])
async def test_somebody_signs_out_of_it(house: House, browser: Browser, everywhere: bool) -> None:
    await house.set()
    await house.sign_in(browser)
    async with open_browser(house.gateway) as second:
        await house.sign_in(second)
        await browser.ok("POST", "/v1/sign-out", {"everywhere": everywhere})
        assert (await browser.ask("GET", "/v1/whoami")).status_code == 401
        assert (await second.ask("GET", "/v1/whoami")).status_code == (401 if everywhere else 200)


async def test_one_person_signs_in_so_often_and_no_more(house: House, browser: Browser) -> None:
    await house.set()
    await house.sign_in(browser)
    member = (await browser.ok("GET", "/v1/whoami"))["member"]
    counted = f"single sign-on {house.gateway.workspace} {member}"
    for _ in range(60):
        await house.gateway.adapters.sign_in_codes.count_failure(counted, window_s=60)

    assert await house.refused(browser) == "RATE_LIMITED"


async def test_who_is_invited_where_it_is_required_comes_in_by_both(house: House, browser: Browser) -> None:
    await house.set(required=True, joins_as=None)
    invited = await house.gateway.ok("POST", "/v1/invitations", {"role": "admin", "name": "Vera"})
    code = invited["url"].partition("#")[2]

    told = await browser.ask("POST", "/v1/invitations/accept", {"code": code})

    slug = (await house.gateway.ok("GET", "/v1/whoami"))["workspace"]["slug"]
    assert (told.status_code, told.json()["error"]["code"]) == (401, "SSO_REQUIRED")
    assert told.json()["error"]["details"] == {"workspace": slug}
    assert (await house.sign_in(browser)).startswith("/w/")
    who = await browser.ok("GET", "/v1/whoami")
    assert (who["name"], who["role"]) == ("Vera", "admin")
    link = await house.gateway.ok("POST", f"/v1/members/{who['member']}/link")
    async with open_browser(house.gateway) as second:
        by_link = await second.ask("POST", "/v1/sign-in", {"code": link["url"].partition("#")[2]})
        assert by_link.json()["error"]["code"] == "SSO_REQUIRED"
        assert (await house.sign_in(second)).startswith("/w/")
        assert (await second.ok("GET", "/v1/whoami"))["member"] == who["member"]


async def test_a_browser_is_told_who_it_is_signed_in_as_where_that_is_not_enough(
    house: House, browser: Browser
) -> None:
    await house.set(required=True)
    invited = await house.gateway.ok("POST", "/v1/invitations", {"role": "member", "name": "Vera"})
    await browser.ask("POST", "/v1/invitations/accept", {"code": invited["url"].partition("#")[2]})

    caller = (await browser.ok("GET", "/v1/sign-in"))["caller"]

    slug = (await house.gateway.ok("GET", "/v1/whoami"))["workspace"]["slug"]
    assert (caller["name"], caller["refused"], caller["workspace"]["slug"]) == ("Vera", "SSO_REQUIRED", slug)
    await house.sign_in(browser)
    assert "refused" not in (await browser.ok("GET", "/v1/sign-in"))["caller"]
