"""What people do to agents: interrupt, release, resume, and write into or over a turn."""

import asyncio

from playwright.async_api import Locator, Page, Route, expect

from connect.sdk import AgentRelay
from connect.sdk.types import Sent
from tests.browser.accessibility import violations
from tests.browser.site import Site
from tests.browser.tab import Person
from tests.fixtures.processes import until


async def watch(who: Person, where: Site, relay: AgentRelay) -> Page:
    """The session's page."""
    return await who.tab(f"{where.url}/session/{(await relay.session()).id}")


def agents(page: Page) -> Locator:
    """Who takes part."""
    return page.get_by_role("complementary", name="Agents")


def conversation(page: Page) -> Locator:
    """What was said and done."""
    return page.get_by_role("region", name="Conversation")


async def choose(page: Page, agent: str, action: str) -> None:
    """Take an action from an agent's menu."""
    await page.get_by_role("button", name=f"Actions for {agent}").click()
    await page.get_by_role("menuitem", name=action).click()


async def write(page: Page, agent: str, text: str) -> None:
    """Send an agent a message with the composer."""
    await page.get_by_role("textbox", name=f"Message to {agent}").fill(text)
    await page.keyboard.press("Enter")


async def sleeping(relay: AgentRelay, agent: str) -> Sent:
    """A new agent in the middle of a long turn."""
    await relay.spawn(agent, "demo")
    sent = await relay.send(agent, "sleep 300")
    await until(relay, lambda event: event.kind == "turn.started" and event.name == agent)
    return sent


async def test_an_interrupted_agent_is_idle_and_its_turn_says_so(
    ada: Person, running_site: Site, relay: AgentRelay
) -> None:
    await sleeping(relay, "Sleeper")
    page = await watch(ada, running_site, relay)
    await expect(agents(page).get_by_text("Working")).to_be_visible()
    await choose(page, "Sleeper", "Interrupt")
    await expect(agents(page).get_by_text("Idle")).to_be_visible()
    turn = conversation(page).get_by_role("listitem").filter(has_text="interrupted")
    await expect(turn.filter(has_text="Sleeper").first).to_be_visible()
    await write(page, "Sleeper", "say awake")
    await expect(conversation(page).get_by_text("awake", exact=True)).to_be_visible()


async def test_a_released_agent_is_resumed_with_what_it_knew(
    ada: Person, running_site: Site, relay: AgentRelay
) -> None:
    await relay.spawn("Elder", "demo", "say one")
    before = await until(relay, lambda event: event.kind == "agent.ready")
    await until(relay, lambda event: event.kind == "turn.ended")
    page = await watch(ada, running_site, relay)
    await choose(page, "Elder", "Release")
    await page.get_by_role("dialog", name="Release Elder?").get_by_role("button", name="Release Elder").click()
    await expect(agents(page).get_by_text("Released", exact=True)).to_be_visible()
    await expect(conversation(page).get_by_text("was released")).to_be_visible()
    await page.keyboard.press("?")  # while it is said in passing
    await expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
    await page.keyboard.press("Escape")
    assert await violations(page) == []
    await choose(page, "Elder", "Resume")
    await expect(agents(page).get_by_text("Idle")).to_be_visible()
    after = await until(relay, lambda event: event.kind == "agent.ready" and event.data["resumed"])
    assert after.data["native_id"] == before.data["native_id"]
    await write(page, "Elder", "say I am back")
    await expect(conversation(page).get_by_text("I am back", exact=True)).to_be_visible()


async def test_an_agent_is_spawned_and_interrupted_by_keyboard_alone(
    ada: Person, running_site: Site, relay: AgentRelay
) -> None:
    page = await watch(ada, running_site, relay)
    await expect(page.get_by_role("button", name="Spawn an agent")).to_be_visible()
    await page.keyboard.press("n")
    dialog = page.get_by_role("dialog", name="Spawn an agent")
    await expect(dialog.get_by_label("Session")).to_be_focused()
    for _ in range(2):
        await page.keyboard.press("Tab")
    await page.keyboard.type("demo")
    await page.keyboard.press("Tab")
    await page.keyboard.type("Sleeper")
    for _ in range(3):
        await page.keyboard.press("Tab")
    await page.keyboard.type("sleep 300")
    await page.keyboard.press("Control+Enter")
    await expect(dialog).to_have_count(0)
    await expect(agents(page).get_by_text("Working")).to_be_visible()
    await page.keyboard.press("Control+k")
    await expect(page.get_by_role("option", name="Interrupt Sleeper")).to_be_visible()
    await page.keyboard.type("interrupt sl")
    await expect(page.get_by_role("option", selected=True)).to_contain_text("Interrupt Sleeper")
    await page.keyboard.press("Enter")
    await expect(agents(page).get_by_text("Idle")).to_be_visible()
    await page.keyboard.press("Control+k")
    await page.keyboard.type("release sl")
    await expect(page.get_by_role("option", selected=True)).to_contain_text("Release Sleeper")
    await page.keyboard.press("Enter")
    asked = page.get_by_role("dialog", name="Release Sleeper?")
    await expect(asked).to_contain_text("Messages that it has not read yet are not delivered.")
    await expect(asked.get_by_text("running turn")).to_have_count(0)
    await page.keyboard.press("Enter")  # what has the focus first ends nothing
    await expect(asked).to_have_count(0)
    await expect(agents(page).get_by_text("Idle")).to_be_visible()
    await write(page, "Sleeper", "sleep 300")
    await choose(page, "Sleeper", "Release")
    await expect(asked).to_contain_text("Its running turn is cut off: sleep 300")
    await asked.get_by_role("button", name="Release Sleeper").click()
    await expect(agents(page).get_by_text("Released", exact=True)).to_be_visible()


async def test_a_message_that_interrupts_ends_the_turn_and_is_answered(
    ada: Person, running_site: Site, relay: AgentRelay
) -> None:
    await sleeping(relay, "Sleeper")
    page = await watch(ada, running_site, relay)
    await page.get_by_label("Deliver").select_option("Interrupt first")
    await write(page, "Sleeper", "say now")
    message = conversation(page).get_by_role("listitem").filter(has_text="interrupts")
    await expect(message).to_contain_text("answered after")
    await expect(conversation(page).get_by_text("now", exact=True)).to_be_visible()
    await expect(conversation(page).get_by_text("interrupted", exact=True)).to_be_visible()
    await expect(page.get_by_label("Deliver")).to_have_value("WAIT")


async def test_a_message_into_a_turn_says_so_and_another_waits_behind_it(
    ada: Person, running_site: Site, relay: AgentRelay
) -> None:
    await sleeping(relay, "Sleeper")
    page = await watch(ada, running_site, relay)
    await page.get_by_label("Deliver").select_option("Into the running turn")
    await write(page, "Sleeper", "say steered")
    await expect(conversation(page).get_by_role("listitem").filter(has_text="steers")).to_be_visible()
    await write(page, "Sleeper", "say waited")
    waiting = conversation(page).get_by_role("listitem").filter(has_text="say waited")
    await expect(waiting).to_contain_text("queued: the agent is busy")
    await choose(page, "Sleeper", "Interrupt")
    await expect(conversation(page).get_by_text("waited", exact=True)).to_be_visible()
    await expect(conversation(page).get_by_text("steered", exact=True)).to_be_visible()


async def test_what_is_written_while_a_message_is_on_its_way_is_neither_dropped_nor_cleared(
    ada: Person, running_site: Site, relay: AgentRelay
) -> None:
    await relay.spawn("Busy", "demo")
    page = await watch(ada, running_site, relay)
    answered = asyncio.Event()

    async def held(route: Route) -> None:
        if "say first" in (route.request.post_data or ""):
            await answered.wait()
        await route.fallback()

    await page.route("**/graphql", held)
    await write(page, "Busy", "say first")
    await write(page, "Busy", "say second")
    box = page.get_by_role("textbox", name="Message to Busy")
    await box.fill("half a thought")
    answered.set()
    for text in ("first", "second"):
        await expect(conversation(page).get_by_text(text, exact=True)).to_be_visible()
    await expect(box).to_have_value("half a thought")
