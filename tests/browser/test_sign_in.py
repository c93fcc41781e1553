"""Coming in, looking in, and leaving."""

import asyncio
from pathlib import Path
from uuid import uuid4

from playwright.async_api import Browser, expect

from connect.sdk import AgentRelay
from tests.browser.conftest import sign_in
from tests.browser.site import Site, site
from tests.browser.tab import PATIENCE_S, Person, person


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
            await expect(page.get_by_role("button", name="Copy command")).to_be_visible()


async def test_a_stranger_is_led_to_the_sign_in_page(browser: Browser, running_site: Site) -> None:
    async with person(browser) as stranger:
        stranger.expect_error("401|WebSocket")
        page = await stranger.tab(running_site.url)
        await expect(page.get_by_role("heading", name="Sign in to Relaycast")).to_be_visible()


async def test_a_link_pasted_into_the_page_that_asks_for_it_leads_to_where_one_wanted_to_go(
    browser: Browser, running_site: Site
) -> None:
    async with person(browser) as stranger:
        stranger.expect_error("401|WebSocket")
        page = await stranger.tab(f"{running_site.url}/logs?q=failed:true")
        await expect(page.get_by_role("heading", name="Sign in to Relaycast")).to_be_visible()
        await page.goto(await running_site.sign_in_link(name="A stranger"))
        await page.wait_for_url(f"{running_site.url}/logs?q=failed*true")
        await expect(page.get_by_label("Search the logs")).to_have_value("failed:true")


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
        await expect(page.get_by_role("form", name="Message to agents")).to_have_count(0)
        await expect(page.get_by_role("button", name="Actions for Worker")).to_have_count(0)


async def test_a_share_link_beside_a_sign_in_asks_and_opens_in_its_tab_alone(
    browser: Browser, running_site: Site, relay: AgentRelay, tmp_path: Path
) -> None:
    session = await relay.session()
    await relay.spawn("Worker", "demo", "say seen by a guest")
    link = await running_site.share_link(session.id)
    async with running_site.session("somebody-elses"), person(browser) as ada:
        name = await sign_in(ada, running_site)
        own = await ada.tab(running_site.url)
        page = await ada.tab(link)
        await expect(page.get_by_role("heading", name="Open the shared session as a viewer?")).to_be_visible()
        await expect(page.get_by_text(f"You are signed in as {name} (owner).")).to_be_visible()
        assert "share" not in page.url
        await page.screenshot(path=tmp_path / "asks.png")
        await page.get_by_role("button", name="Open as a viewer in this tab").click()
        await expect(page.get_by_text("seen by a guest").first).to_be_visible()
        await expect(page.get_by_text("You are viewing a shared session")).to_be_visible()
        await expect(page.get_by_role("link", name="somebody-elses")).to_have_count(0)
        await expect(page.get_by_role("form", name="Message to agents")).to_have_count(0)
        await page.reload()
        await expect(page.get_by_text("You are viewing a shared session")).to_be_visible()
        await page.screenshot(path=tmp_path / "guest.png")
        await own.reload()
        await expect(own.get_by_role("link", name="somebody-elses").first).to_be_visible()
        second = await ada.tab(f"{running_site.url}/session/{session.id}")
        await expect(second.get_by_role("form", name="Message to agents")).to_be_visible()
        await page.goto(f"{running_site.url}/settings")
        await page.get_by_role("button", name="Leave the shared session").click()
        await expect(page.get_by_role("link", name="somebody-elses").first).to_be_visible()


async def test_a_share_link_can_be_left_alone(browser: Browser, running_site: Site, relay: AgentRelay) -> None:
    link = await running_site.share_link((await relay.session()).id)
    async with person(browser) as ada:
        await sign_in(ada, running_site)
        page = await ada.tab(link)
        await page.get_by_role("button", name="Cancel").click()
        await expect(page.get_by_role("heading", name="Machines")).to_be_visible()


async def test_a_share_that_ended_leaves_a_sign_in_as_it_was(
    browser: Browser, running_site: Site, relay: AgentRelay
) -> None:
    session = await relay.session()
    shared = await running_site.ask("POST", f"/v1/sessions/{session.id}/share", {})
    async with person(browser) as ada:
        ada.expect_error("401|403|WebSocket")
        name = await sign_in(ada, running_site)
        page = await ada.tab(shared["url"])
        await page.get_by_role("button", name="Open as a viewer in this tab").click()
        await expect(page.get_by_text("You are viewing a shared session")).to_be_visible()
        await running_site.ask("DELETE", f"/v1/tokens/{shared['token_id']}")
        await expect(page.get_by_text(f"You are signed in as {name}")).to_be_visible()
        await page.get_by_role("link", name="Continue").click()
        await expect(page.get_by_role("heading", name="Machines")).to_be_visible()
        again = await ada.tab(shared["url"])
        await again.get_by_role("button", name="Open as a viewer in this tab").click()
        await expect(again.get_by_role("alert")).to_contain_text("has expired or was revoked")


async def test_another_members_link_asks_before_it_switches(
    browser: Browser, running_site: Site, tmp_path: Path
) -> None:
    async with person(browser) as ada:
        name = await sign_in(ada, running_site)
        link = await running_site.sign_in_link(name=f"Mallory {name[4:]}", role="viewer")
        page = await ada.tab(link)
        await expect(page.get_by_role("heading", name="Sign in as somebody else?")).to_be_visible()
        await page.screenshot(path=tmp_path / "switch.png")
        await page.get_by_role("button", name="Cancel").click()
        await expect(page.get_by_role("heading", name="Machines")).to_be_visible()
        again = await ada.tab(link)
        await expect(again.get_by_text(f"You are signed in as {name}")).to_be_visible()
        await again.get_by_role("button", name="Switch account").click()
        await again.wait_for_url(f"{running_site.url}/")
        third = await ada.tab(await running_site.sign_in_link(name=f"Eve {name[4:]}", role="viewer"))
        await expect(third.get_by_text(f"You are signed in as Mallory {name[4:]} (viewer)")).to_be_visible()


async def test_a_link_that_is_not_whole_says_so(browser: Browser, running_site: Site, tmp_path: Path) -> None:
    code = "oc_live_" + "c" * 31
    places = ("/sign-in#100%", "/sign-in#%", "/sign-in#%ff", f"/sign-in#{code}", f"/sign-in#{code}c.", "/sign-in#share")
    shares = ("/session/x#share=", "/session/x#share=100%", "/session/x#share=ot_live_short", "/session/x#share%3Dx")
    async with person(browser) as stranger:
        stranger.expect_error("401")
        for place in (*places, *shares):
            page = await stranger.tab(running_site.url + place)
            await expect(page.get_by_role("alert")).to_contain_text("the link is incomplete")
            assert "#" not in page.url
            await page.screenshot(path=tmp_path / "mangled.png")
            await page.close()


async def test_what_a_page_must_not_do_is_noticed(ada: Person, running_site: Site) -> None:
    page = await ada.tab(running_site.url)
    inline = "const made = document.createElement('script'); made.textContent = '1'; document.head.append(made)"
    await page.evaluate(inline)
    await page.evaluate("new Image().src = 'https://tracker.example/pixel'")
    await page.evaluate("setTimeout(() => { throw new Error('broke') })")
    await expect(page.get_by_role("navigation", name="Main")).to_be_visible()
    async with asyncio.timeout(PATIENCE_S):
        while not all(any(word in said for said in ada.wrong) for word in ("inline", "broke")):
            await page.evaluate("1")  # what the page said before comes before this answer
    ada.wrong.clear()


async def test_who_is_invited_sees_to_what_and_comes_in_under_a_name_of_their_own(
    browser: Browser, running_site: Site, tmp_path: Path
) -> None:
    invited = await running_site.ask("POST", "/v1/invitations", {"role": "viewer", "name": "Vera"})
    link = str(invited["url"])
    workspace = str((await running_site.ask("GET", "/v1/workspace"))["name"])
    async with person(browser) as vera, person(browser) as late:
        page = await vera.tab(link)
        await expect(page.get_by_role("heading", name=f"Join {workspace} on Relaycast")).to_be_visible()
        await expect(page.get_by_text("You will be a viewer: you see sessions and change nothing.")).to_be_visible()
        await expect(page.get_by_text("The link works once, until")).to_be_visible()
        assert link.partition("#")[2] not in page.url
        await page.screenshot(path=tmp_path / "invited.png")
        name = f"Vera {uuid4().hex[:8]}"
        await page.get_by_label("Your name").fill(name)
        await page.get_by_role("button", name=f"Join {workspace}").click()
        await expect(page.get_by_role("navigation", name="Main")).to_be_visible()
        members = {each["name"]: each["role"] for each in (await running_site.ask("GET", "/v1/members"))["members"]}
        assert members[name] == "viewer"
        late.expect_error("404")
        page = await late.tab(link)
        await expect(page.get_by_role("heading", name="This invitation is over")).to_be_visible()
