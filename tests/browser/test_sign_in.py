"""Coming in, looking in, and leaving."""

from pathlib import Path

from playwright.async_api import Browser, expect

from connect.sdk import AgentRelay
from tests.browser.conftest import sign_in
from tests.browser.site import Site, site
from tests.browser.tab import Person, person


async def test_the_printed_link_signs_in_once_and_shows_the_sessions(browser: Browser, tmp_path: Path) -> None:
    async with site(tmp_path) as here, here.session("payments"):
        link = str(here.broker.ready["dashboard"])
        async with person(browser) as ada:
            page = await ada.tab(link)
            await expect(page.get_by_role("link", name="payments").first).to_be_visible()
            await expect(page.get_by_role("heading", name="Machines")).to_be_visible()
            assert link.partition("#")[2] not in page.url
        async with person(browser) as stranger:
            stranger.expect_error("401")
            page = await stranger.tab(link)
            await expect(page.get_by_role("alert")).to_contain_text("The link did not work")
            await expect(page.get_by_role("button", name="Copy the command")).to_be_visible()


async def test_a_stranger_is_led_to_the_sign_in_page(browser: Browser, running_site: Site) -> None:
    async with person(browser) as stranger:
        stranger.expect_error("401|WebSocket")
        page = await stranger.tab(running_site.url)
        await expect(page.get_by_role("heading", name="Sign in to Relaycast")).to_be_visible()


async def test_signing_out_everywhere_ends_every_other_tab(browser: Browser, running_site: Site) -> None:
    async with person(browser) as desk, person(browser) as phone:
        for each in (desk, phone):
            each.expect_error("401|403")
        name = await sign_in(desk, running_site, name="Grace")
        link = await running_site.ask("POST", f"/v1/members/{name}/link")
        other = await phone.tab(link["url"])
        await expect(other.get_by_role("navigation", name="Main")).to_be_visible()
        page = await desk.tab(f"{running_site.url}/settings")
        await page.get_by_role("button", name="Sign out everywhere").click()
        for left in (page, other):
            await expect(left.get_by_role("heading", name="Sign in to Relaycast")).to_be_visible()


async def test_a_shared_link_shows_one_session_and_changes_nothing(
    browser: Browser, running_site: Site, relay: AgentRelay
) -> None:
    session = await relay.session()
    await relay.spawn("Worker", "demo", "say seen by a guest")
    async with running_site.session("somebody-elses"), person(browser) as guest:
        page = await guest.tab(await running_site.share_link(session.id))
        await expect(page.get_by_text("seen by a guest").first).to_be_visible()
        await expect(page.get_by_role("link", name=session.name).first).to_be_visible()
        await expect(page.get_by_role("link", name="somebody-elses")).to_have_count(0)
        await expect(page.get_by_role("form", name="Write to agents")).to_have_count(0)
        await expect(page.get_by_role("button", name="Act on Worker")).to_have_count(0)


async def test_what_a_page_must_not_do_is_noticed(ada: Person, running_site: Site) -> None:
    page = await ada.tab(running_site.url)
    inline = "const made = document.createElement('script'); made.textContent = '1'; document.head.append(made)"
    await page.evaluate(inline)
    await page.evaluate("new Image().src = 'https://tracker.example/pixel'")
    await page.evaluate("setTimeout(() => { throw new Error('broke') })")
    await page.wait_for_function("document.head.lastChild.tagName === 'SCRIPT'")
    await expect(page.get_by_role("navigation", name="Main")).to_be_visible()
    assert {"inline", "broke"} <= {
        word for word in ("inline", "broke", "tracker") for said in ada.wrong if word in said
    }
    ada.wrong.clear()
