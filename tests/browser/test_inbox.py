"""Questions of agents and the answers of people."""

import pytest
from playwright.async_api import Browser, Locator, Page, expect

from broker.domain.errors import RelayError
from connect.sdk import AgentRelay
from connect.sdk.types import Sent
from tests.browser.accessibility import violations
from tests.browser.conftest import sign_in
from tests.browser.site import Site, asked
from tests.browser.tab import PHONE, Person, person
from tests.fixtures.processes import until


def question(page: Page, command: str) -> Locator:
    """The card of what an agent wants to run, while it waits."""
    return page.locator("article:not([data-over])").filter(has_text=command)


def settled(page: Page, command: str) -> Locator:
    """The card of what waits no longer, which stands there until the pointer has left."""
    return page.locator("article[data-over]").filter(has_text=command)


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
    dialog = page.get_by_role("dialog")
    tried = dialog.get_by_role("list", name="Tried examples")
    await expect(tried.get_by_role("listitem").filter(has_text="&& rm -rf ~")).to_contain_text("not covered")
    assert await violations(page) == []
    await dialog.get_by_role("button", name="Always allow").click()
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
        confirming = page.get_by_role("dialog").get_by_role("button", name="Allow once")
        if await question(page, "git push").get_by_text("High risk").count():
            await confirming.tap()
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


async def test_what_is_answered_stands_still_under_the_pointer_and_says_who_won(
    ada: Person, browser: Browser, running_site: Site, relay: AgentRelay
) -> None:
    await asks(relay, "One", "make one")
    await asks(relay, "Two", "make two")
    page = await ada.tab(f"{running_site.url}/inbox")
    below = question(page, "make two").get_by_role("button", name="Allow once")
    await below.hover()
    place = await below.bounding_box()
    [first, _] = sorted(await relay.waiting(), key=lambda each: each.title)
    await running_site.ask("POST", f"/v1/approvals/{first.id}/answer", {"verdict": "allow"})
    await expect(settled(page, "make one")).to_contain_text("was allowed by operator")
    moved = await below.bounding_box()
    assert place is not None and moved is not None
    assert moved["y"] == place["y"]
    await page.mouse.move(1, 1)
    await expect(settled(page, "make one")).to_have_count(0)
    await expect(page).to_have_title("(1) Needs you · Relaycast")


async def test_a_hidden_character_is_seen_and_a_high_risk_is_asked_twice(
    ada: Person, running_site: Site, relay: AgentRelay
) -> None:
    sent = await asks(relay, "Trickster", "rm -rf /tmp/\u202egnp.tnemucod\u202c # harmless")
    page = await ada.tab(f"{running_site.url}/inbox")
    card = question(page, "tnemucod")
    await expect(card.get_by_role("heading")).to_contain_text("/tmp/\u2039U+202E\u203agnp.tnemucod\u2039U+202C\u203a")
    await expect(card).to_contain_text("characters that change how it is read: U+202E, U+202C")
    await expect(card.get_by_text("Always allow…")).to_have_count(0)
    await expect(card.get_by_role("button", name="Allow once…")).to_be_enabled()  # what the person may do is known
    await page.keyboard.press("a")
    dialog = page.get_by_role("dialog", name="Allow this high-risk request?")
    await expect(dialog).to_contain_text("\u2039U+202E\u203agnp")
    assert await violations(page) == []
    await page.keyboard.press("Escape")
    await expect(dialog).to_have_count(0)
    assert [each.status for each in await relay.waiting()] == ["pending"]
    await card.get_by_role("button", name="Allow once…").click()
    await dialog.get_by_role("button", name="Allow once").click()
    await page.mouse.move(1, 1)  # what is answered stays where it is under the pointer
    await expect(card).to_have_count(0)
    assert "I may run" in (await answer(relay, sent) or "")


async def test_a_failed_agent_needs_somebody_until_it_is_dismissed(
    ada: Person, running_site: Site, relay: AgentRelay
) -> None:
    with pytest.raises(RelayError):
        await relay.spawn("Nowhere", "demo", cwd="/nope/nowhere")
    page = await ada.tab(f"{running_site.url}/inbox")
    card = question(page, "Nowhere has failed")
    await expect(card).to_contain_text("/nope/nowhere")
    assert await violations(page) == []
    await card.get_by_role("button", name="Dismiss").click()
    await page.mouse.move(1, 1)
    await expect(card).to_have_count(0)
    await page.reload()
    await expect(page.get_by_text("Nothing needs you")).to_be_visible()
