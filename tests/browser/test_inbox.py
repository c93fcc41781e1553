"""Questions of agents and the answers of people."""

import pytest
from playwright.async_api import Browser, Locator, Page, expect

from connect.sdk import AgentRelay
from connect.sdk.types import Sent
from tests.browser.accessibility import violations
from tests.browser.conftest import sign_in
from tests.browser.site import Site, asked
from tests.browser.tab import PHONE, Person, person
from tests.fixtures.processes import until


def question(page: Page, command: str) -> Locator:
    """The card of what an agent wants to run."""
    return page.get_by_role("article").filter(has_text=command)


async def asks(relay: AgentRelay, agent: str, command: str) -> Sent:
    """A new agent that has asked to run a command."""
    await relay.spawn(agent, "demo")
    waiting = len(await relay.approvals())
    sent = await relay.send(agent, f"ask permission: {command}")
    await asked(relay, waiting + 1)
    return sent


async def answer(relay: AgentRelay, sent: Sent) -> str | None:
    """What the agent said in the end."""
    return (await relay.wait_for(sent.message_id, timeout_s=20)).deliveries[0].answer


async def test_an_answer_in_one_tab_removes_the_question_from_every_other(
    ada: Person, browser: Browser, running_site: Site, relay: AgentRelay
) -> None:
    sent = await asks(relay, "Builder", "make release")
    async with person(browser) as grace:
        await sign_in(grace, running_site, name="Grace of the other tab")
        here = await ada.tab(f"{running_site.url}/inbox")
        there = await grace.tab(f"{running_site.url}/inbox")
        for page in (here, there):
            await expect(question(page, "make release")).to_be_visible()
        await question(here, "make release").get_by_role("button", name="Allow once").click()
        for page in (here, there):
            await expect(question(page, "make release")).to_have_count(0)
        await expect(there.get_by_role("status").filter(has_text="was allowed by")).to_be_visible()
    assert await answer(relay, sent) == "I may run: make release"


async def test_a_question_is_denied_with_a_note_by_keyboard_alone(
    ada: Person, running_site: Site, relay: AgentRelay
) -> None:
    first = await asks(relay, "First", "make first")
    second = await asks(relay, "Second", "make second")
    page = await ada.tab(running_site.url)
    await expect(page.get_by_role("heading", name="Home")).to_be_visible()
    await page.keyboard.press("g")
    await page.keyboard.press("i")
    await expect(question(page, "make second")).to_be_visible()
    await page.keyboard.press("j")
    await expect(page.locator("article[aria-current]")).to_contain_text("make second")
    await page.keyboard.press("d")
    await expect(page.get_by_role("dialog").get_by_role("textbox")).to_be_focused()
    await page.keyboard.type("not on a Sunday")
    await page.keyboard.press("Control+Enter")
    await expect(question(page, "make second")).to_have_count(0)
    await expect(question(page, "make first")).to_be_visible()
    assert await answer(relay, second) == "I must not run: make second"
    resolved = await until(relay, lambda event: event.kind == "approval.resolved")
    assert (resolved.data["status"], resolved.data["note"]) == ("denied", "not on a Sunday")
    await page.keyboard.press("a")
    await expect(question(page, "make first")).to_have_count(0)
    assert await answer(relay, first) == "I may run: make first"


async def test_an_edit_is_shown_as_it_would_be_before_it_is_allowed(
    ada: Person, running_site: Site, relay: AgentRelay
) -> None:
    sent = await asks(relay, "Editor", "edit src/limits.py: MOST = 10  # of each => MOST = 20  # of each")
    page = await ada.tab(f"{running_site.url}/inbox")
    card = question(page, "Editing src/limits.py")
    diff = card.get_by_role("group", name="Diff of src/limits.py")
    await expect(diff.get_by_text("10", exact=True)).to_be_visible()
    await expect(diff.get_by_text("20", exact=True)).to_be_visible()
    await expect(diff.locator("[data-syntax=comment]")).to_have_count(2)
    assert await violations(page) == []
    await card.get_by_role("button", name="Allow once").click()
    assert (await answer(relay, sent) or "").startswith("I may run: edit src/limits.py")


async def test_what_is_always_allowed_is_not_asked_again(ada: Person, running_site: Site, relay: AgentRelay) -> None:
    await asks(relay, "Tester", "pytest tests/one.py")
    page = await ada.tab(f"{running_site.url}/inbox")
    card = question(page, "pytest tests/one.py")
    await card.get_by_text("Always allow…").click()
    await card.get_by_role("listitem").get_by_role("button").last.click()
    await expect(card).to_have_count(0)
    try:
        assert (await running_site.ask("GET", "/v1/rules"))["rules"]
        sent = await relay.send("Tester", "ask permission: pytest tests/one.py")
        assert await answer(relay, sent) == "I may run: pytest tests/one.py"
    finally:
        await running_site.ask("PUT", "/v1/rules", {"rules": []})


async def test_a_question_is_answered_on_a_phone(browser: Browser, running_site: Site, relay: AgentRelay) -> None:
    sent = await asks(relay, "Roadie", "git push origin main")
    async with person(browser, viewport=PHONE, has_touch=True, is_mobile=True) as walker:
        await sign_in(walker, running_site, name="Walker")
        page = await walker.tab(running_site.url)
        await page.get_by_role("button", name="Menu, 1 need you").tap()
        await page.get_by_role("dialog").get_by_role("link", name="Needs you").tap()
        await question(page, "git push").get_by_role("button", name="Allow once").tap()
        await expect(page.get_by_text("Nothing needs you")).to_be_visible()
    assert await answer(relay, sent) == "I may run: git push origin main"


@pytest.mark.parametrize("role", ["viewer", "member"])
async def test_a_viewer_sees_questions_and_a_member_answers_them(
    browser: Browser, running_site: Site, relay: AgentRelay, role: str
) -> None:
    await asks(relay, "Asker", f"make {role}")
    async with person(browser) as who:
        page = await who.tab(await running_site.sign_in_link(name=f"A {role}", role=role))
        await page.get_by_role("navigation", name="Main").get_by_role("link", name="Needs you").click()
        card = question(page, f"make {role}")
        await expect(card).to_be_visible()
        await expect(card.get_by_role("button", name="Allow once")).to_have_count(int(role == "member"))


async def test_a_question_is_answered_with_choices_and_own_words(
    ada: Person, running_site: Site, relay: AgentRelay
) -> None:
    await relay.spawn("Asker", "demo")
    one = await relay.send("Asker", "ask question: Which database? SQLite | Postgres")
    await asked(relay)
    page = await ada.tab(f"{running_site.url}/inbox")
    card = question(page, "Which database?")
    await expect(card.get_by_role("button", name="Allow once")).to_have_count(0)
    await expect(card.get_by_role("button", name="Answer")).to_be_disabled()
    assert await violations(page) == []
    await card.get_by_role("radio", name="Postgres").check()
    await card.get_by_role("button", name="Answer").click()
    await expect(card).to_have_count(0)
    await expect(page.get_by_role("status").filter(has_text="was answered by")).to_be_visible()
    assert await answer(relay, one) == "The answer is: Postgres"
    two = await relay.send("Asker", "ask question: Which parts? API & UI & CLI")
    parts = question(page, "Which parts?")
    await parts.get_by_role("checkbox", name="CLI").check()
    await parts.get_by_role("checkbox", name="API").check()
    await parts.get_by_role("button", name="Answer").click()
    assert await answer(relay, two) == "The answer is: API, CLI"
    three = await relay.send("Asker", "ask question: Why?")
    why = question(page, "Why?")
    await why.get_by_role("textbox").fill("because of that")
    await why.get_by_role("button", name="Answer").click()
    assert await answer(relay, three) == "The answer is: because of that"


async def test_a_question_is_declined_on_the_page(ada: Person, running_site: Site, relay: AgentRelay) -> None:
    await relay.spawn("Asker", "demo")
    sent = await relay.send("Asker", "ask question: Which database? SQLite | Postgres")
    await asked(relay)
    page = await ada.tab(f"{running_site.url}/inbox")
    await question(page, "Which database?").get_by_role("button", name="Decline…").click()
    dialog = page.get_by_role("dialog")
    await expect(dialog.get_by_role("checkbox")).to_have_count(0)
    await dialog.get_by_role("button", name="Decline").click()
    assert await answer(relay, sent) == "Nobody answers."
