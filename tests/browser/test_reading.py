"""What agents write is read as it was meant: long texts, code, pictures, plans, reasoning, and what answers what."""

from __future__ import annotations

import re

from playwright.async_api import Locator, Page, expect

from connect.sdk import AgentRelay
from tests.browser.site import Site
from tests.browser.tab import Person

_DOT = (
    "iVBORw0KGgoAAAANSUhEUgAAAAUAAAAFCAYAAACNbyblAAAAHElEQVQI12P4//8/w38GIAXDIBKE0DHxgljNBAAO9TXL0Y4OHwAAAABJRU5Erk"
    "Jggg=="
)
_CODE = "def area(radius):\n    return 3 * radius"
_LONG = "\n".join(
    [f"```python\n{_CODE}\n```\n\n![red dot](data:image/png;base64,{_DOT})\n", *(f"- item {n}" for n in range(300))]
)


async def _conversation(ada: Person, where: Site, relay: AgentRelay) -> tuple[Page, Locator]:
    page = await ada.tab(f"{where.url}/session/{(await relay.session()).id}")
    return page, page.get_by_role("region", name="Conversation")


def _turn(conversation: Locator, agent: str) -> Locator:
    """The last thing that an agent did."""
    heading = conversation.page.get_by_role("heading", name=re.compile(f"^{agent}"))
    return conversation.get_by_role("listitem").filter(has=heading).last


async def test_long_text_is_folded_and_code_in_it_is_coloured_and_copied(
    ada: Person, running_site: Site, relay: AgentRelay
) -> None:
    await ada.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page, conversation = await _conversation(ada, running_site, relay)
    await relay.spawn("Writer", "demo", f"say {_LONG}", wait=False)
    turn = _turn(conversation, "Writer")
    unfold = turn.get_by_role("button", name="Show all 307 lines")
    await expect(unfold).to_be_visible()
    await expect(turn.get_by_text("item 299")).to_have_count(0)
    # What is far from being seen is not read.
    await turn.get_by_role("button", name="Copy code").scroll_into_view_if_needed()
    await expect(turn.locator("[data-syntax=keyword]").first).to_have_text("def")
    await expect(turn.get_by_role("img", name="red dot")).to_be_visible()
    await turn.get_by_role("button", name="Copy code").click()
    assert await page.evaluate("navigator.clipboard.readText()") == _CODE
    await unfold.click()
    await expect(turn.get_by_text("item 299")).to_have_count(1)
    await turn.get_by_role("button", name="Copy text").click()
    assert await page.evaluate("navigator.clipboard.readText()") == _LONG
    await turn.get_by_role("button", name="Show less").click()
    await expect(turn.get_by_text("item 299")).to_have_count(0)


async def test_a_plan_changes_in_place_and_reasoning_opens_while_it_goes_on(
    ada: Person, running_site: Site, relay: AgentRelay
) -> None:
    _, conversation = await _conversation(ada, running_site, relay)
    await relay.spawn("Planner", "demo", "think I look first.\n\nplan: -look | write\n\nsleep 600", wait=False)
    plan = conversation.get_by_role("region", name="Plan")
    await expect(plan).to_contain_text("0 of 2 done")
    thinks = conversation.get_by_text("Thinking…")
    await thinks.click()
    await expect(conversation.get_by_text("I look first.", exact=True)).to_be_visible()
    await relay.interrupt("Planner")
    await expect(conversation.get_by_text("Thought", exact=True)).to_be_visible()
    await relay.send("Planner", "plan: -look | write\n\nplan: *look | -write\n\nsay begun")
    await expect(conversation.get_by_text("begun", exact=True)).to_be_visible()
    await expect(plan).to_have_count(2)
    await expect(plan.last).to_contain_text("1 of 2 done")
    await expect(plan.last.get_by_role("listitem")).to_have_text(["✓Done:look", "▸In progress:write"])


async def test_notices_are_grouped_and_an_answer_names_its_question(
    ada: Person, running_site: Site, relay: AgentRelay
) -> None:
    page, conversation = await _conversation(ada, running_site, relay)
    for name in ("One", "Two", "Three"):
        await relay.spawn(name, "demo")
    group = page.get_by_role("button", name="6 notices")
    await expect(conversation.locator(group)).to_be_visible()
    notices = conversation.get_by_role("listitem").filter(has=group).get_by_role("listitem")
    await expect(notices).to_have_count(1)
    await group.click()
    await expect(notices).to_have_count(6)
    await relay.send("One", "sleep 1")
    await expect(conversation.get_by_role("img", name="Working").first).to_be_visible()
    await relay.send("One", "say second answer")
    await relay.send("One", "say third answer")
    answer = conversation.get_by_role("listitem").filter(has=page.get_by_text("second answer", exact=True))
    await answer.get_by_role("button", name="Answer to").click()
    marked = conversation.locator("[aria-current=location]")
    await expect(marked).to_contain_text("say second answer")
    await expect(marked).to_be_in_viewport()
