"""What agents changed in files: turn by turn, file by file, one under another and side by side."""

import asyncio
import re

import pytest
from playwright.async_api import Browser, Locator, Page, Route, expect

from connect.sdk import AgentRelay
from tests.browser.accessibility import violations
from tests.browser.conftest import sign_in
from tests.browser.site import Site
from tests.browser.tab import Person, person

_POOL = """src/pool.py:
class Pool:
    \"\"\"Keeps connections
    from class to class.\"\"\"
    size = 10
=>
class Pool:
    \"\"\"Keeps connections
    from class to class.\"\"\"
    size = 20"""


async def edits(relay: AgentRelay, agent: str, *told: str) -> None:
    """Have an agent tell of edits, each in a turn of its own."""
    for each in told:
        sent = await relay.send(agent, f"edit {each}")
        await relay.wait_for(sent.message_id, timeout_s=30)


async def changes(who: Person, where: Site, relay: AgentRelay, **more: str) -> Page:
    """The view of a session's changes."""
    session = await relay.session()
    rest = "".join(f"&{name}={value}" for name, value in more.items())
    return await who.tab(f"{where.url}/logs?session={session.id}&view=changes{rest}")


def groups(page: Page) -> Locator:
    """What stands together under one heading, from top to bottom."""
    return page.locator("section").filter(has=page.get_by_role("heading", level=2))


def edit(page: Page, said: str) -> Locator:
    """The card of the edit that is called so."""
    return page.get_by_role("article", name=said, exact=True)


async def test_edits_stand_under_the_turn_and_the_agent_that_made_them_the_newest_first(
    ada: Person, running_site: Site, relay: AgentRelay
) -> None:
    for name in ("Backend", "Frontend"):
        await relay.spawn(name, "demo")
    await edits(relay, "Backend", "src/app.py: port = 80 => port = 8080", "src/app.py: debug = 1 => debug = 0")
    await edits(relay, "Frontend", "web/new.css: => a { color: red }")
    page = await changes(ada, running_site, relay)
    await expect(groups(page)).to_have_count(3)
    for place, (agent, text) in enumerate([("Frontend", "color: red"), ("Backend", "debug = 0"), ("Backend", "8080")]):
        group = groups(page).nth(place)
        await expect(group.get_by_role("heading")).to_contain_text(agent)
        await expect(group.get_by_role("heading")).to_contain_text("1 file")
        await expect(group.get_by_role("article")).to_contain_text(text)
    added = edit(page, "web/new.css, added by Frontend")
    await expect(added).to_contain_text("+1")
    changed = groups(page).nth(2).get_by_role("group", name="Diff of src/app.py")
    await expect(changed.get_by_text("port = 80", exact=True)).to_be_visible()
    await expect(changed.get_by_text("port = 8080", exact=True)).to_be_visible()


async def test_edits_of_one_turn_stand_together(ada: Person, running_site: Site, relay: AgentRelay) -> None:
    await relay.spawn("Backend", "demo")
    await edits(relay, "Backend", "a.py: => a\n\nedit b.py: => b")
    page = await changes(ada, running_site, relay)
    await expect(groups(page)).to_have_count(1)
    await expect(groups(page).get_by_role("heading")).to_contain_text("2 files")
    await expect(groups(page).get_by_role("article")).to_have_count(2)


async def test_the_tree_of_files_leads_to_a_files_first_edit(
    ada: Person, running_site: Site, relay: AgentRelay
) -> None:
    await relay.spawn("Backend", "demo")
    long = "\n".join(f"line {number}" for number in range(60))
    await edits(relay, "Backend", "src/deep/old.py: => old", f"README.md: => {long}", f"src/deep/new.py: => {long}")
    page = await changes(ada, running_site, relay)
    tree = page.get_by_role("navigation", name="Changed files")
    await expect(tree.get_by_role("group").filter(has_text="src/deep")).to_be_visible()
    card = edit(page, "src/deep/old.py, added by Backend")
    await expect(card).not_to_be_in_viewport()
    await tree.get_by_role("button", name="old.py").focus()
    await page.keyboard.press("Enter")
    await expect(card).to_be_in_viewport()
    await expect(card).to_be_focused()


async def test_sides_and_files_are_kept_in_the_address(ada: Person, running_site: Site, relay: AgentRelay) -> None:
    for name in ("Backend", "Tester"):
        await relay.spawn(name, "demo")
    await edits(relay, "Backend", "b.py: one => two", "a.py: three => four")
    await edits(relay, "Tester", "b.py: two => five")
    page = await changes(ada, running_site, relay)
    await page.get_by_role("group", name="Group").get_by_role("button", name="By file").click()
    await page.wait_for_url(re.compile("by=session"))
    await page.get_by_role("group", name="Diffs").get_by_role("button", name="Split").click()
    await page.wait_for_url(re.compile("diff=split"))

    other = await ada.tab(page.url)
    await expect(groups(other)).to_have_count(2)
    await expect(groups(other).nth(0).get_by_role("heading")).to_have_text("a.py1 edit")
    second = groups(other).nth(1)
    await expect(second.get_by_role("heading")).to_have_text("b.py2 edits")
    await expect(second.get_by_role("article").nth(0)).to_have_accessible_name("b.py, changed by Backend")
    await expect(second.get_by_role("article").nth(1)).to_have_accessible_name("b.py, changed by Tester")
    before, after = (second.get_by_text(text, exact=True).first for text in ("one", "two"))
    assert await _top(before) == await _top(after), "side by side"

    await other.get_by_role("button", name="Unified").click()
    await expect(other).not_to_have_url(re.compile("diff="))
    assert await _top(before) < await _top(after), "one under another"
    await other.go_back()
    await expect(other.get_by_role("button", name="Split")).to_have_attribute("aria-pressed", "true")


async def test_an_edit_leads_to_its_line_in_the_log(ada: Person, running_site: Site, relay: AgentRelay) -> None:
    await relay.spawn("Backend", "demo")
    await edits(relay, "Backend", "a.py: one => two")
    page = await changes(ada, running_site, relay)
    await page.get_by_role("link", name="The log line that changed a.py").click()
    await page.wait_for_url(re.compile("line="))
    await expect(page.get_by_text("edit a.py: one => two").first).to_be_visible()


async def test_older_changes_are_loaded_on_demand(ada: Person, running_site: Site, relay: AgentRelay) -> None:
    await relay.spawn("Backend", "demo")
    told = [await relay.send("Backend", f"edit file-{number}.txt: => {number}") for number in range(60)]
    await relay.wait_for(told[-1].message_id, timeout_s=60)
    page = await changes(ada, running_site, relay)
    await expect(edit(page, "file-59.txt, added by Backend")).to_be_visible()
    oldest = edit(page, "file-0.txt, added by Backend")
    older = page.get_by_role("button", name="Load older changes")
    await expect(oldest).to_have_count(0)
    await older.click()
    await expect(oldest).to_have_count(1)
    await expect(older).to_have_count(0)


async def test_a_session_without_edits_says_so(ada: Person, running_site: Site, relay: AgentRelay) -> None:
    await relay.spawn("Backend", "demo")
    page = await changes(ada, running_site, relay)
    await expect(page.get_by_text("No file changes")).to_be_visible()


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_code_has_colours_that_can_be_read_on_every_ground(
    browser: Browser, running_site: Site, relay: AgentRelay, theme: str
) -> None:
    await relay.spawn("Backend", "demo")
    await edits(relay, "Backend", _POOL, "src/pool.py: size = 20 => size = 30", "LICENSE: class => free")
    async with person(browser, color_scheme=theme) as visitor:
        await sign_in(visitor, running_site)
        page = await changes(visitor, running_site, relay)
        card = edit(page, "src/pool.py, changed by Backend").last
        keywords = card.locator("[data-syntax=keyword]")
        await expect(keywords.filter(has_text=re.compile("^class$"))).to_have_count(1)
        await expect(card.locator("[data-syntax=comment]").filter(has_text="class to class")).to_have_count(1)
        plain, coloured = [await _colour(each) for each in (card.get_by_text("size").first, keywords.first)]
        assert plain != coloured
        await expect(edit(page, "LICENSE, changed by Backend").locator("[data-syntax]")).to_have_count(0)
        for sides in ("Split", "Unified"):
            await page.get_by_role("button", name=sides).click()
            await expect(card.get_by_text("10", exact=True)).to_be_visible()
            assert await violations(page) == []


async def test_a_diff_can_be_read_before_its_colours_come_and_does_not_move_then(
    ada: Person, running_site: Site, relay: AgentRelay
) -> None:
    await relay.spawn("Backend", "demo")
    await edits(relay, "Backend", _POOL)
    held = asyncio.Event()

    async def hold(route: Route) -> None:
        await held.wait()
        await route.continue_()

    await ada.context.route("**/worker-*.js", hold)
    page = await changes(ada, running_site, relay)
    diff = page.get_by_role("group", name="Diff of src/pool.py")
    await expect(diff.get_by_text("class Pool:")).to_be_visible()
    before = await diff.bounding_box()
    await expect(diff.locator("[data-syntax]")).to_have_count(0)
    held.set()
    await expect(diff.locator("[data-syntax]")).not_to_have_count(0)
    assert await diff.bounding_box() == before


async def test_changes_are_of_one_session(ada: Person, running_site: Site) -> None:
    page = await ada.tab(f"{running_site.url}/logs?view=changes")
    await expect(page.get_by_role("heading", name="Choose a session")).to_be_visible()


async def _colour(place: Locator) -> str:
    return str(await place.evaluate("(element) => getComputedStyle(element).color"))


async def _top(place: Locator) -> float:
    box = await place.bounding_box()
    assert box is not None
    return box["y"]
