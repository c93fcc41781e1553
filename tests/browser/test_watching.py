"""What agents do appears by itself."""

import pytest
from playwright.async_api import Browser, ViewportSize, expect

from connect.sdk import AgentRelay
from tests.browser.accessibility import violations
from tests.browser.conftest import sign_in
from tests.browser.site import Site
from tests.browser.tab import DESK, PHONE, Person, person

_ROOM_FOR_ITS_TEXT = """select => {
    const style = getComputedStyle(select), pen = document.createElement('canvas').getContext('2d');
    pen.font = style.font;
    const within = select.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
    return within - pen.measureText(select.selectedOptions[0].text).width;
}"""
"""In px, its arrow among it."""
_ARROW_PX = 12
_COVERED = """box => {
    const {top, bottom} = box.getBoundingClientRect();
    return [...box.querySelectorAll('time')].filter(time => {
        const {left, right, top: y, bottom: end} = time.getBoundingClientRect();
        if (y < top || end > bottom) return false;
        const at = x => document.elementFromPoint(x, (y + end) / 2);
        return [left + 1, right - 1].some(x => !time.parentElement.contains(at(x)));
    }).map(time => time.textContent);
}"""


async def test_an_agent_is_spawned_from_the_dialog_and_is_watched_at_once(
    ada: Person, running_site: Site, relay: AgentRelay
) -> None:
    session = await relay.session()
    page = await ada.tab(f"{running_site.url}/session/{session.id}")
    await expect(page.get_by_role("heading", name=session.name)).to_be_visible()
    dialog = page.get_by_role("dialog", name="Spawn an agent")
    await page.get_by_role("button", name="Spawn an agent").click()
    await expect(dialog).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(dialog).to_have_count(0)
    await page.keyboard.press("n")
    await dialog.get_by_label("Agent", exact=True).select_option("demo")
    await dialog.get_by_label("Name", exact=True).fill("Greeter")
    await dialog.get_by_label("Task").fill("say good morning")
    await dialog.get_by_role("button", name="Spawn").click()
    await expect(dialog).to_have_count(0)
    conversation = page.get_by_role("region", name="Conversation")
    await expect(conversation.get_by_text("good morning", exact=True)).to_be_visible()
    await expect(page.get_by_role("complementary", name="Agents").get_by_text("Greeter").first).to_be_visible()


async def test_a_game_is_watched_live_and_every_move_says_how_far_it_got(
    ada: Person, running_site: Site, relay: AgentRelay
) -> None:
    session = await relay.session()
    page = await ada.tab(f"{running_site.url}/session/{session.id}")
    await page.evaluate("window.thisPage = true")
    await relay.spawn("Lead", "demo", "Play tic-tac-toe with a demo agent", wait=False)
    conversation = page.get_by_role("region", name="Conversation")
    move = conversation.get_by_role("listitem").filter(has_text="Your move.").filter(has_text="answered after").last
    await expect(move).to_be_visible()
    await expect(conversation.get_by_text("The game is over.").first).to_be_visible(timeout=30_000)
    assert await page.evaluate("window.thisPage"), "the page was loaded anew"
    await expect(move.get_by_text("written to the agent")).to_be_hidden()
    await move.get_by_text("answered after").click()
    await expect(move.get_by_text("written to the agent")).to_be_visible()


async def test_a_message_is_written_and_its_answer_read_without_leaving_the_page(
    ada: Person, running_site: Site, relay: AgentRelay
) -> None:
    await relay.spawn("One", "demo")
    await relay.spawn("Two", "demo")
    page = await ada.tab(f"{running_site.url}/session/{(await relay.session()).id}")
    conversation = page.get_by_role("region", name="Conversation")
    await expect(page.get_by_role("complementary", name="Agents").get_by_text("Two").first).to_be_visible()
    await expect(page.get_by_role("textbox", name="Message to")).to_be_visible()
    await page.keyboard.press("c")
    await page.keyboard.type("@Tw")
    await page.keyboard.press("Tab")
    await page.keyboard.type("say only two")
    await page.keyboard.press("Enter")
    await expect(conversation.get_by_text("only two", exact=True)).to_be_visible()
    await page.get_by_role("textbox", name="Message to").fill("@all say everybody")
    await page.keyboard.press("Enter")
    await expect(conversation.get_by_text("everybody", exact=True)).not_to_have_count(0)
    await expect(conversation.get_by_text("answered by 2 of 2")).to_be_visible()
    # All of them only on purpose: what is written next goes to one.
    await page.get_by_role("textbox", name="Message to Two").fill("not yet said")
    await page.reload()
    await expect(page.get_by_role("textbox", name="Message to")).to_have_value("")
    await page.get_by_role("combobox", name="Recipient").select_option("Two")
    await expect(page.get_by_role("textbox", name="Message to Two")).to_have_value("not yet said")
    await page.get_by_role("combobox", name="Recipient").select_option("All 2 agents")
    await expect(page.get_by_role("button", name="Send to 2 agents")).to_be_enabled()


async def test_a_name_is_chosen_by_arrows_among_those_that_complete_what_is_typed(
    ada: Person, running_site: Site, relay: AgentRelay
) -> None:
    for name in ("One", "Two", "Three"):
        await relay.spawn(name, "demo")
    page = await ada.tab(f"{running_site.url}/session/{(await relay.session()).id}")
    await expect(page.get_by_role("complementary", name="Agents").get_by_text("Three").first).to_be_visible()
    box, names = page.get_by_role("textbox", name="Message to"), page.get_by_role("listbox", name="Names")
    await box.press_sequentially("@t")
    chosen = names.get_by_role("option", name="@Two", selected=True)
    await expect(chosen).to_be_visible()
    assert await box.get_attribute("aria-activedescendant") == await chosen.get_attribute("id")
    assert await violations(page) == []
    await page.keyboard.press("ArrowDown")
    await expect(names.get_by_role("option", name="@Three", selected=True)).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(names).to_have_count(0)
    await expect(box).to_be_focused()
    await box.press_sequentially("h")
    await page.keyboard.press("Enter")
    await expect(box).to_have_value("@Three ")
    await page.keyboard.type("say it was three")
    await page.keyboard.press("Enter")
    conversation = page.get_by_role("region", name="Conversation")
    await expect(conversation.get_by_text("it was three", exact=True)).to_be_visible()


async def test_the_palette_finds_a_session_and_an_action(ada: Person, running_site: Site, relay: AgentRelay) -> None:
    session = await relay.session()
    await relay.spawn("Goner", "demo")
    page = await ada.tab(running_site.url)
    await expect(page.get_by_role("link", name=session.name).first).to_be_visible()
    await page.keyboard.press("Control+k")
    palette = page.get_by_role("dialog", name="Commands")
    await palette.get_by_role("combobox").fill(session.name)
    await palette.get_by_role("option", name=session.name).wait_for()
    await page.keyboard.press("Enter")
    await page.wait_for_url(f"**/session/{session.id}")
    await page.keyboard.press("Control+k")
    await palette.get_by_role("combobox").fill("release goner")
    await palette.get_by_role("option", name="Release Goner").click()
    await page.get_by_role("dialog", name="Release Goner?").get_by_role("button", name="Release Goner").click()
    await expect(page.get_by_text("1 ended")).to_be_visible()


async def test_the_keys_are_listed_on_demand(ada: Person, running_site: Site) -> None:
    page = await ada.tab(running_site.url)
    await expect(page.get_by_role("heading", name="Home")).to_be_visible()
    await page.keyboard.press("?")
    await expect(page.get_by_role("dialog")).to_contain_text("Spawn an agent")
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog")).to_have_count(0)


async def test_whom_a_message_goes_to_is_readable_on_a_phone(
    browser: Browser, running_site: Site, relay: AgentRelay
) -> None:
    for name in ("Lead", "Reviewer-of-refunds"):
        await relay.spawn(name, "demo")
    async with person(browser, viewport=PHONE, has_touch=True, is_mobile=True) as walker:
        await sign_in(walker, running_site)
        page = await walker.tab(f"{running_site.url}/session/{(await relay.session()).id}")
        recipient = page.get_by_role("combobox", name="Recipient")
        for choice in ("Lead", "Reviewer-of-refunds", "All 2 agents"):
            await recipient.select_option(choice)
            assert await recipient.evaluate(_ROOM_FOR_ITS_TEXT) >= _ARROW_PX, choice
            assert await page.get_by_role("combobox", name="Deliver").evaluate(_ROOM_FOR_ITS_TEXT) >= _ARROW_PX, choice
            assert await page.evaluate("document.documentElement.scrollWidth") == PHONE["width"], choice


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
async def test_nothing_covers_the_time_of_an_entry_and_search_ends_where_one_reads(
    browser: Browser, running_site: Site, relay: AgentRelay, size: ViewportSize
) -> None:
    await relay.spawn("Lead", "demo")
    for number in range(12):
        sent = await relay.send("Lead", f"say line {number}")
        await relay.wait_for(sent.message_id, timeout_s=30)
    async with person(browser, viewport=size, has_touch=size is PHONE, is_mobile=size is PHONE) as walker:
        await sign_in(walker, running_site)
        page = await walker.tab(f"{running_site.url}/session/{(await relay.session()).id}")
        entries = page.get_by_role("group", name="Entries")
        await expect(entries.get_by_text("line 11", exact=True).last).to_be_in_viewport()
        await expect(entries.locator("ol").first).to_have_css("opacity", "1")  # all that is around it has its room
        # Wherever the scrolling stands, something is right below its upper edge.
        for _ in range(8):
            assert await entries.evaluate(_COVERED) == []
            await entries.evaluate("box => box.scrollBy(0, -13)")
        find = page.get_by_role("button", name="Search the conversation", exact=True)
        await find.click()
        await expect(page.get_by_role("searchbox", name="Search messages and output")).to_be_focused()
        await expect(find).to_have_attribute("aria-expanded", "true")
        assert await violations(page) == []
        await page.keyboard.press("Escape")
        await expect(entries).to_be_focused()
        await expect(find).to_have_attribute("aria-expanded", "false")
