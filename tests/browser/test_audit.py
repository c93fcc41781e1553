"""The page of the audit trail."""

from uuid import uuid4

from playwright.async_api import Browser, expect

from tests.browser.site import Site
from tests.browser.tab import Person, person


async def test_an_owner_sees_who_did_what_and_each_record_has_an_address(ada: Person, running_site: Site) -> None:
    asked = {"name": f"Grace {uuid4().hex[:8]}", "role": "viewer"}
    member = (await running_site.ask("POST", "/v1/members", asked))["member"]["id"]
    page = await ada.tab(f"{running_site.url}/audit?act=member.added")
    record = page.get_by_role("row").filter(has_text=member)
    await expect(record).to_contain_text("viewer")
    address = record.get_by_role("link", name="Link to record")
    number = await address.inner_text()
    await address.click()
    await expect(page).to_have_url(f"{running_site.url}/audit?upTo={number}")
    await expect(page.get_by_role("row").filter(has_text=member)).to_be_visible()
    shown = page.get_by_role("table").locator("[aria-current=page]")
    await expect(shown).to_have_text(number)
    await page.get_by_label("What").select_option("Secrets")
    await expect(page.get_by_text("No records match")).to_be_visible()


async def test_who_may_not_see_it_is_told_who_does(browser: Browser, running_site: Site) -> None:
    link = await running_site.sign_in_link(name=f"Vera {uuid4().hex[:8]}", role="viewer")
    async with person(browser) as vera:
        page = await vera.tab(link)
        await expect(page).to_have_url(f"{running_site.url}/")
        navigation = page.get_by_role("navigation", name="Main")
        await expect(navigation.get_by_role("link", name="Usage")).to_be_visible()
        await expect(navigation.get_by_role("link", name="Audit")).to_have_count(0)
        await page.goto(f"{running_site.url}/audit")
        await expect(page.get_by_text("You have no access to the audit trail")).to_be_visible()
