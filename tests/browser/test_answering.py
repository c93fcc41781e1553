"""Approvals are answered wherever they are seen, and not on their own page alone."""

import re

from playwright.async_api import Browser, Locator, Page, expect

from connect.sdk import AgentRelay
from tests.browser.accessibility import violations
from tests.browser.conftest import sign_in
from tests.browser.site import Site
from tests.browser.tab import Person, person
from tests.browser.test_inbox import answer, asks, question, settled

# A headless browser shows no notifications: what the page asks for is kept, and clicked by its title.
_NOTIFIED = """() => {
    window.notified = [];
    const Told = class {
        static permission = "granted";
        static requestPermission = () => Promise.resolve("granted");
        constructor(title) { this.title = title; window.notified.push(this); }
        close() {}
    };
    Object.defineProperty(window, "Notification", { value: Told });
    Object.defineProperty(document, "visibilityState", { get: () => window.isAway ? "hidden" : "visible" });
}"""


def dialog_of(page: Page, agent: str) -> Locator:
    """Where what an agent asks is answered, over whatever page it is."""
    return page.get_by_role("dialog", name=f"Answer {agent}")


async def test_what_a_session_waits_for_stands_in_its_conversation_with_the_answers(
    ada: Person, running_site: Site, relay: AgentRelay
) -> None:
    sent = await asks(relay, "Backend", "alembic upgrade head")
    await asks(relay, "Frontend", "make assets")
    page = await ada.tab(f"{running_site.url}/session/{(await relay.session()).id}?agent=Backend")
    here = page.get_by_role("region", name="Needs you")
    await expect(question(page, "alembic upgrade head")).to_be_visible()
    await expect(here.get_by_role("article")).to_have_count(1)
    await page.get_by_role("button", name=re.compile("Show everybody|Backend")).first.click()
    await expect(here.get_by_role("button", name="Answer Frontend")).to_be_visible()
    assert await violations(page) == []
    await question(page, "alembic upgrade head").get_by_role("button", name="Allow once").click()
    assert await answer(relay, sent) == "I may run: alembic upgrade head"
    # Under the pointer it stands still, and says who answered.
    await expect(settled(page, "alembic upgrade head")).to_contain_text("was allowed by Ada")
    await page.get_by_role("heading", level=1).hover()
    await expect(here.get_by_role("article")).to_contain_text("make assets")


async def test_the_list_of_agents_and_their_panel_answer_in_place(
    ada: Person, running_site: Site, relay: AgentRelay
) -> None:
    one = await asks(relay, "Publisher", "git push --force origin main")
    page = await ada.tab(running_site.url)
    await page.get_by_role("button", name="Answer Publisher").click()
    asked = dialog_of(page, "Publisher")
    await asked.get_by_role("button", name="Allow once…").click()
    second = page.get_by_role("dialog", name="Allow this high-risk request?")
    await expect(second).to_contain_text("git push --force origin main")
    assert await violations(page) == []
    await second.get_by_role("button", name="Allow once").click()
    await expect(asked).to_have_count(0)
    assert await answer(relay, one) == "I may run: git push --force origin main"
    two = await relay.send("Publisher", "ask question: Which registry? ours | theirs")
    await page.goto(f"{running_site.url}/session/{(await relay.session()).id}")
    agents = page.get_by_role("complementary", name="Agents")
    await agents.get_by_role("button", name="Answer Publisher").click()
    await asked.get_by_role("radio", name="ours").check()
    await asked.get_by_role("button", name="Answer", exact=True).click()
    await expect(asked).to_have_count(0)
    assert await answer(relay, two) == "The answer is: ours"


async def test_the_palette_answers_by_keys_alone(ada: Person, running_site: Site, relay: AgentRelay) -> None:
    sent = await asks(relay, "Migrator", "make migrate")
    page = await ada.tab(f"{running_site.url}/usage")
    await expect(page).to_have_title(re.compile(r"^\(1\)"))
    await page.keyboard.press("Control+k")
    await expect(page.get_by_role("dialog").get_by_role("combobox")).to_be_focused()
    await page.keyboard.type("answer migrator")
    found = page.get_by_role("dialog").get_by_role("option")
    await expect(found.first).to_have_text(re.compile("Answer Migrator: .*make migrate"))
    await page.keyboard.press("Enter")
    await expect(dialog_of(page, "Migrator")).to_be_visible()
    allow = dialog_of(page, "Migrator").get_by_role("button", name="Allow once")
    await expect(allow).to_be_visible()
    for _ in range(10):
        await page.keyboard.press("Tab")
        if await allow.evaluate("button => button === document.activeElement"):
            break
    await page.keyboard.press("Enter")
    assert await answer(relay, sent) == "I may run: make migrate"
    await expect(dialog_of(page, "Migrator")).to_have_count(0)


async def test_a_notification_leads_to_its_answers_and_the_dialog_tells_who_was_first(
    browser: Browser, running_site: Site, relay: AgentRelay
) -> None:
    async with person(browser) as away:
        await away.context.add_init_script(f"({_NOTIFIED})()")
        await sign_in(away, running_site)
        page = await away.tab(f"{running_site.url}/inbox")
        await page.get_by_role("button", name="Notify me").click()
        await page.goto(f"{running_site.url}/settings")
        await expect(
            page.get_by_role("navigation", name="Main").get_by_role("link", name="Home", exact=True)
        ).to_be_visible()
        await page.evaluate("window.isAway = true")
        await asks(relay, "Caller", "make call")
        await page.wait_for_function("() => window.notified.some(each => each.title.includes('Caller'))")
        await page.evaluate("window.notified.find(each => each.title.includes('Caller')).onclick()")
        await expect(dialog_of(page, "Caller").get_by_role("button", name="Allow once")).to_be_enabled()
        [waiting] = [each for each in await relay.waiting() if "make call" in each.title]
        await running_site.ask("POST", f"/v1/approvals/{waiting.id}/answer", {"verdict": "deny"})
        await expect(dialog_of(page, "Caller")).to_contain_text("was denied by operator")
        await expect(dialog_of(page, "Caller")).to_have_count(0)
