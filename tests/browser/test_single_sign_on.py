"""Single sign-on in a real browser: set up by an owner, gone through by somebody new, required of everybody else."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio
from playwright.async_api import Browser, expect

from tests.browser.conftest import sign_in
from tests.browser.site import Site, site
from tests.browser.tab import person
from tests.fixtures.identity_provider import PUBLIC_CLIENT, CertifiedProvider, identity_provider

GRACE = {"sub": "grace", "name": "Grace H.", "email": "grace@example.com", "email_verified": True}


@pytest_asyncio.fixture(loop_scope="session")
async def opened(tmp_path: Path) -> AsyncIterator[Site]:
    """A broker that may call loopback."""
    async with site(tmp_path, "--allow-outbound", "127.0.0.0/8") as made:
        yield made


@pytest_asyncio.fixture(loop_scope="session")
async def provider(opened: Site) -> AsyncIterator[CertifiedProvider]:
    async with identity_provider(answer_at=[f"{opened.url}/v1/single-sign-on/answer"], account=GRACE) as found:
        yield found


async def test_people_come_in_by_a_provider_that_an_owner_has_set_up(
    browser: Browser, opened: Site, provider: CertifiedProvider
) -> None:
    slug = (await opened.ask("GET", "/v1/whoami"))["workspace"]["slug"]
    async with person(browser) as ada, person(browser) as grace, person(browser) as bob, person(browser) as carl:
        for each in (ada, grace, bob, carl):
            each.expect_error("401|WebSocket")
        await sign_in(ada, opened)
        bobs_name = await sign_in(bob, opened, name="Bob", role="member")
        await sign_in(carl, opened, name="Carl", role="viewer")

        settings = await ada.tab(f"{opened.url}/settings")
        card = settings.get_by_role("region", name="Single sign-on")
        await expect(card.get_by_text(f"{opened.url}/v1/single-sign-on/answer")).to_be_visible()
        await card.get_by_label("Fill in for").select_option("Auth0")
        await expect(card.get_by_role("textbox", name="Issuer")).to_have_value("https://YOUR-TENANT.auth0.com/")
        await card.get_by_role("textbox", name="Issuer").fill(provider.issuer)
        await card.get_by_label("Client ID").fill(PUBLIC_CLIENT)
        await card.get_by_label("E-mail domains").fill("no domain")
        await card.get_by_role("button", name="Save single sign-on").click()
        await expect(card.get_by_role("alert").filter(has_text="is no domain")).to_be_visible()
        await card.get_by_label("E-mail domains").fill("example.com")
        await card.get_by_label("Who is not in this workspace yet").select_option("MEMBER")
        await card.get_by_role("button", name="Save single sign-on").click()
        await expect(card.get_by_text(f"{opened.url}/sign-in?workspace={slug}")).to_be_visible()

        # Somebody who was never here.
        page = await grace.tab(f"{opened.url}/rules")
        await expect(page.get_by_role("heading", name="Sign in to Relaycast")).to_be_visible()
        await page.get_by_label("Workspace").fill(slug)
        await page.get_by_role("button", name="Sign in with single sign-on").click()
        await page.wait_for_url(f"{opened.url}/w/{slug}/rules")
        await expect(page.get_by_text("Grace H.").first).to_be_visible()

        # From now on nobody but owners acts here who came by a link: Bob is told so, and links who he is.
        await card.get_by_label("Require single sign-on").check()
        await card.get_by_role("button", name="Save single sign-on").click()
        await settings.get_by_role("button", name="Save and require it").click()
        await expect(settings.get_by_text("Single sign-on is saved").last).to_be_visible()
        await expect(card).to_be_visible()
        await provider.sign_in(sub="bob", name="Robert", email="bob@example.com", email_verified=True)
        page = await bob.tab(f"{opened.url}/w/{slug}/rules")
        await expect(page.get_by_role("heading", name="This workspace asks for single sign-on")).to_be_visible()
        await expect(page.get_by_text(bobs_name)).to_be_visible()
        await page.get_by_role("button", name="Go on with single sign-on").click()
        await page.wait_for_url(f"{opened.url}/w/{slug}/rules")
        await expect(page.get_by_text(bobs_name).first).to_be_visible()

        # Carl leaves instead.
        page = await carl.tab(f"{opened.url}/w/{slug}/rules")
        await page.get_by_role("button", name="Sign out here").click()
        await expect(page.get_by_role("heading", name="Sign in to Relaycast")).to_be_visible()

        # Whoever is not let in reads why, in the dashboard's own words.
        await provider.sign_in(sub="eve", name="Eve", email="eve@elsewhere.example", email_verified=True)
        async with person(browser) as eve:
            page = await eve.tab(f"{opened.url}/sign-in?workspace={slug}")
            await page.get_by_role("button", name="Sign in with single sign-on").click()
            await expect(page.get_by_role("alert").first).to_contain_text("not of a domain that may sign in here")

        await settings.get_by_role("button", name="Remove single sign-on…").click()
        await settings.get_by_role("dialog").get_by_role("button", name="Remove single sign-on").click()
        await expect(card.get_by_role("textbox", name="Issuer")).to_have_value("")
