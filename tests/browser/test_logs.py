"""Finding lines."""

from playwright.async_api import expect

from connect.sdk import AgentRelay
from tests.browser.site import Site
from tests.browser.tab import Person


async def test_a_line_is_searched_and_its_permalink_shows_it_among_its_neighbours(
    ada: Person, running_site: Site, relay: AgentRelay
) -> None:
    await relay.spawn("Teller", "demo")
    for text in ("the line before", "a needle in the hay", "the line after"):
        sent = await relay.send("Teller", f"say {text}")
        await relay.wait_for(sent.message_id, timeout_s=20)
    session = await relay.session()
    await running_site.searchable(session.id, "needle", lines=2)
    page = await ada.tab(f"{running_site.url}/logs?session={session.id}")
    await page.get_by_label("Search the logs").fill("needle")
    await page.keyboard.press("Enter")
    found = page.get_by_role("region", name="Lines found")
    await expect(found.get_by_text("needle", exact=True).first).to_be_visible()
    assert "q=needle" in page.url
    link = found.get_by_role("link", name="Link to this line").first
    address = await link.get_attribute("href")
    other = await ada.tab(f"{running_site.url}{address}")
    await expect(other.get_by_text("a needle in the hay").first).to_be_visible()
    await expect(other.get_by_text("the line before").first).to_be_visible()
