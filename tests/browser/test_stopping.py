"""Stop all: from a session, the list of machines and the settings, with who, why and the way on."""

from playwright.async_api import Page, expect

from connect.sdk import AgentRelay
from tests.browser.site import Site
from tests.browser.tab import Person
from tests.browser.test_acting import agents, conversation, sleeping, watch, write


async def stop(page: Page, place: str, *, note: str = "") -> None:
    """Say yes to the question."""
    dialog = page.get_by_role("dialog", name=f"Stop {place}")
    await expect(dialog).to_contain_text("agent")
    await dialog.get_by_label("Reason").fill(note)
    await dialog.get_by_role("button", name=f"Stop {place}").click()
    await expect(dialog).to_have_count(0)


async def test_a_session_is_stopped_says_who_and_why_and_goes_on(
    ada: Person, running_site: Site, relay: AgentRelay
) -> None:
    await sleeping(relay, "Sleeper")
    await relay.spawn("Idler", "demo")
    name = (await relay.session()).name
    page = await watch(ada, running_site, relay)
    await page.get_by_role("button", name=f"Stop all: session {name}").click()
    await expect(page.get_by_role("dialog")).to_contain_text("2 agents: Sleeper and Idler.")
    await stop(page, f"session {name}", note="it loops")
    banner = page.get_by_role("status").filter(has_text=f"stopped session {name}")
    await expect(banner).to_contain_text("Ada")
    await expect(banner).to_contain_text("it loops. 2 agents paused; no turn begins and messages wait.")
    await expect(agents(page).get_by_text("Paused")).to_have_count(2)
    await expect(conversation(page).get_by_text(f"stopped session {name}: it loops")).to_be_visible()
    await expect(page.get_by_role("button", name=f"Stop all: session {name}")).to_have_count(0)
    await page.get_by_role("button", name="Idler").first.click()
    await write(page, "Idler", "say at last")
    waiting = conversation(page).get_by_role("listitem").filter(has_text="say at last")
    await expect(waiting).to_contain_text("queued: stopped")
    await banner.get_by_role("button", name="Resume").click()
    await expect(banner).to_have_count(0)
    await expect(conversation(page).get_by_text("at last", exact=True)).to_be_visible()


async def test_a_machine_and_the_workspace_are_stopped_and_resumed_where_they_are_listed(
    ada: Person, running_site: Site, relay: AgentRelay
) -> None:
    await relay.spawn("Idler", "demo")
    (machine,) = [proxy.name for proxy in await relay.proxies() if proxy.online]
    page = await ada.tab(f"{running_site.url}/")
    await page.get_by_role("button", name=f"Stop all: machine {machine}").click()
    await stop(page, f"machine {machine}")
    await page.get_by_role("button", name=f"Resume machine {machine}").click()
    await expect(page.get_by_role("button", name=f"Stop all: machine {machine}")).to_be_visible()

    await page.get_by_role("link", name="Settings").click()
    await page.get_by_role("button", name="Stop all: the workspace").click()
    await stop(page, "the workspace", note="enough for today")
    banner = page.get_by_role("status").filter(has_text="stopped the workspace")
    await expect(banner).to_contain_text("enough for today")
    await page.get_by_role("link", name="Home", exact=True).click()
    await expect(banner).to_be_visible()
    await banner.get_by_role("button", name="Resume the workspace").click()
    await expect(banner).to_have_count(0)
    assert await relay.stops() == []
