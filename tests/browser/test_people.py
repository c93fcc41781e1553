"""People, groups and access on the dashboard; and what somebody sees whose access changes while they look."""

from __future__ import annotations

import re
from pathlib import Path
from uuid import uuid4

import pytest
from playwright.async_api import Browser, expect

from connect.sdk import AgentRelay
from tests.browser.conftest import sign_in
from tests.browser.site import Site
from tests.browser.tab import PHONE, Person, person


@pytest.fixture
def mark() -> str:
    """In every name of a test: the broker is shared."""
    return uuid4().hex[:8]


async def added(where: Site, name: str, role: str) -> tuple[str, str]:
    """A person's id and the link that signs them in."""
    made = await where.ask("POST", "/v1/members", {"name": name, "role": role})
    return str(made["member"]["id"]), str(made["url"])


async def test_people_are_invited_given_roles_signed_out_and_removed(
    ada: Person, running_site: Site, mark: str, tmp_path: Path
) -> None:
    page = await ada.tab(f"{running_site.url}/people")
    await page.get_by_role("button", name="Invite somebody").click()
    asked = page.get_by_role("dialog")
    await asked.get_by_label("Name").fill(f"Vera {mark}")
    await asked.get_by_label("Role").select_option("Viewer")
    await page.get_by_role("button", name="Make the link").click()
    await expect(page.get_by_role("link", name="/sign-in#iv_live_")).to_be_visible()
    await page.get_by_role("button", name="Done").click()
    invited = page.get_by_role("listitem").filter(has_text=f"Vera {mark}")
    await expect(invited).to_contain_text("as Viewer")
    await invited.get_by_role("button", name="Revoke").click()
    await expect(invited).to_have_count(0)

    await added(running_site, f"Grace {mark}", "member")
    await page.get_by_role("searchbox", name="Search by name").fill(mark)
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("1 person", exact=True)).to_be_visible()
    await page.screenshot(path=tmp_path / "people.png")
    await page.get_by_label(f"Role of Grace {mark}").select_option("Billing")
    await expect(page.get_by_text(f"Grace {mark} has the role Billing now")).to_be_visible()
    await page.get_by_role("button", name=f"Manage Grace {mark}").click()
    await page.get_by_role("button", name="Sign out everywhere").click()
    await expect(page.get_by_text(f"Grace {mark} is signed out everywhere")).to_be_visible()
    await page.get_by_role("button", name=f"Manage Grace {mark}").click()
    await page.get_by_role("button", name="Suspend", exact=True).click()
    row = page.get_by_role("row").filter(has_text=f"Grace {mark}")
    await expect(row.get_by_text("suspended", exact=True)).to_be_visible()
    await page.get_by_role("button", name=f"Manage Grace {mark}").click()
    await expect(page.get_by_role("button", name="Make a sign-in link")).to_have_count(0)
    await page.screenshot(path=tmp_path / "suspended.png")
    await page.get_by_role("button", name="Reinstate", exact=True).click()
    await expect(row.get_by_text("suspended", exact=True)).to_have_count(0)
    await page.get_by_role("button", name=f"Manage Grace {mark}").click()
    await page.get_by_role("button", name="Remove…").click()
    await page.get_by_label("Erase their name, too").check()
    await page.screenshot(path=tmp_path / "erase.png")
    await page.get_by_role("button", name="Remove", exact=True).click()
    await expect(page.get_by_text("Nobody has that in their name")).to_be_visible()


async def test_a_group_is_made_filled_and_given_access_to_a_session(
    ada: Person, running_site: Site, relay: AgentRelay, mark: str, tmp_path: Path
) -> None:
    await added(running_site, f"Grace {mark}", "member")
    page = await ada.tab(f"{running_site.url}/groups")
    await page.get_by_role("button", name="New group").click()
    await page.get_by_role("dialog").get_by_label("Name").fill(f"Crew {mark}")
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("Nobody is in this group")).to_be_visible()
    await page.get_by_label("Add somebody").fill(mark)
    await page.get_by_role("button", name=f"Grace {mark}").click()
    await expect(page.get_by_role("button", name=f"Take Grace {mark} out")).to_be_visible()
    await page.screenshot(path=tmp_path / "group.png")

    session = await relay.session()
    page = await ada.tab(f"{running_site.url}/session/{session.id}")
    await page.get_by_role("button", name="Session settings").click()
    await page.get_by_role("menuitem", name="Access…").click()
    await page.get_by_label("Private").check()
    await page.get_by_label("Add a person or a group").fill(f"crew {mark}")
    await expect(page.get_by_role("button", name=f"Crew {mark} group")).to_be_visible()
    await page.keyboard.press("Enter")
    await page.get_by_label(f"Level of Crew {mark}").select_option("DRIVER")
    await page.screenshot(path=tmp_path / "access.png")
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_text(f"The access to {session.name} was changed")).to_be_visible()
    access = await running_site.ask("GET", f"/v1/sessions/{session.id}/access")
    assert [(each["name"], each["level"]) for each in access["groups"]] == [(f"Crew {mark}", "driver")]


async def test_who_pays_is_offered_usage_and_settings_alone_and_is_told_their_role(
    browser: Browser, running_site: Site, mark: str, tmp_path: Path
) -> None:
    _, link = await added(running_site, f"Petra {mark}", "billing")
    async with person(browser) as petra:
        page = await petra.tab(link)
        await expect(page.get_by_text("Your role sees usage, plan and budgets, and no sessions.")).to_be_visible()
        menu = page.get_by_role("navigation", name="Main")
        assert await menu.get_by_role("link").all_inner_texts() == ["Usage", "Settings"]
        await page.get_by_role("button", name=f"Your account: Petra {mark} Billing").click()
        await expect(page.get_by_text("Sees and changes plan, invoices and budgets")).to_be_visible()
        await menu.get_by_role("link", name="Usage").click()
        await expect(page.get_by_role("heading", name="Usage")).to_be_visible()
        await page.screenshot(path=tmp_path / "billing.png")


async def test_one_is_removed_while_looking_and_one_is_made_a_viewer_while_typing(
    browser: Browser, running_site: Site, relay: AgentRelay, mark: str
) -> None:
    session = await relay.session()
    await relay.spawn("Worker", "demo", "say begun")
    at = f"{running_site.url}/session/{session.id}"
    async with person(browser) as looks, person(browser) as types:
        for each in (looks, types):
            each.expect_error("401|403|WebSocket")
        looker = await sign_in(looks, running_site, name="Lou")
        typist = await sign_in(types, running_site, name="Tia")
        watched, written = await looks.tab(at), await types.tab(at)
        for page in (watched, written):
            await expect(page.get_by_text("begun").first).to_be_visible()
        form = written.get_by_role("form", name="Message to agents")
        await form.get_by_role("textbox").first.fill("half a sen")

        await running_site.ask("DELETE", f"/v1/members/{looker}")
        await expect(watched.get_by_role("heading", name="Sign in to Relaycast")).to_be_visible()
        await expect(watched.get_by_text("begun")).to_have_count(0)

        await running_site.ask("PATCH", f"/v1/members/{typist}", {"role": "viewer"})
        await expect(form).to_have_count(0)
        await expect(written.get_by_role("button", name=f"Your account: {typist} Viewer")).to_be_visible()
        await relay.send("Worker", f"say still here {mark}")
        await expect(written.get_by_text(f"still here {mark}").first).to_be_visible()


async def test_tokens_are_made_shown_once_rotated_and_revoked(
    ada: Person, running_site: Site, mark: str, tmp_path: Path
) -> None:
    page = await ada.tab(f"{running_site.url}/access-tokens")
    mine = page.get_by_role("region", name="Your tokens").first
    await mine.get_by_role("button", name="New token").click()
    asked = page.get_by_role("dialog")
    await asked.get_by_label("Name", exact=True).fill(f"script {mark}")
    await page.get_by_role("button", name="Make the token").click()
    await expect(asked.get_by_text("Choose at least one thing")).to_be_visible()
    await asked.get_by_role("checkbox", name=re.compile("^Send ")).check()
    await page.screenshot(path=tmp_path / "new-token.png")
    await page.get_by_role("button", name="Make the token").click()
    secret = await page.locator("code").filter(has_text="pt_live_").inner_text()
    assert (await running_site.ask("GET", "/v1/whoami", token=secret))["scopes"] == ["send"]
    await page.get_by_role("button", name="Done").click()
    row = page.get_by_role("row").filter(has_text=f"script {mark}")
    await expect(row).to_contain_text("Send")
    assert secret not in await page.content()

    await page.get_by_label("Name of a new account").fill(f"ci {mark}")
    await page.get_by_role("button", name="Create").click()
    account = page.get_by_role("region", name=f"ci {mark}", exact=True)
    await expect(account).to_contain_text("It has no token")
    await account.get_by_role("button", name="New token").click()
    await asked.get_by_role("checkbox", name=re.compile("^Read ")).check()
    await page.get_by_role("button", name="Make the token").click()
    await expect(page.locator("code").filter(has_text="sa_live_")).to_be_visible()
    await page.get_by_role("button", name="Done").click()
    await page.get_by_role("button", name=f"Rotate ci {mark}").click()
    await asked.get_by_label("The old token works on for").select_option("1 hour")
    await page.get_by_role("button", name="Make the token").click()
    await page.get_by_role("button", name="Done").click()
    await expect(account.get_by_text("replaced", exact=True)).to_be_visible()
    await expect(account.get_by_text("soon", exact=True)).to_be_visible()
    await page.screenshot(path=tmp_path / "tokens.png", full_page=True)
    await row.get_by_role("button", name=f"Revoke script {mark}").click()
    await page.get_by_role("button", name="Revoke it").click()
    await expect(row).to_have_count(0)
    await account.get_by_role("button", name="Remove…").click()
    await page.get_by_role("button", name="Remove", exact=True).click()
    await expect(account).to_have_count(0)


async def test_who_only_reads_makes_tokens_that_read_and_sees_no_accounts(
    running_site: Site, browser: Browser, mark: str
) -> None:
    _, link = await added(running_site, f"Vera {mark}", "viewer")
    async with person(browser) as vera:
        page = await vera.tab(link)
        await page.get_by_role("navigation", name="Main").get_by_role("link", name="Access tokens").click()
        await expect(page.get_by_text("No tokens yet")).to_be_visible()
        await expect(page.get_by_text("Service accounts")).to_have_count(0)
        await page.get_by_role("button", name="New token").click()
        await expect(page.get_by_role("dialog").get_by_role("checkbox", name=re.compile("^Read "))).to_be_visible()
        await expect(page.get_by_role("dialog").get_by_role("checkbox", name=re.compile("^Send "))).to_have_count(0)


async def test_the_sign_of_the_search_stands_in_its_middle_on_a_phone_too(browser: Browser, running_site: Site) -> None:
    async with person(browser, viewport=PHONE, has_touch=True, is_mobile=True) as walker:
        await sign_in(walker, running_site)
        page = await walker.tab(f"{running_site.url}/people")
        search = page.get_by_role("search")
        sign, box = await search.locator("svg").bounding_box(), await search.get_by_role("searchbox").bounding_box()
        assert sign is not None
        assert box is not None
        assert abs((sign["y"] + sign["height"] / 2) - (box["y"] + box["height"] / 2)) <= 1
