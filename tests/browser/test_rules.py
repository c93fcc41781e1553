"""The page of the rules that answer permission requests."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from urllib.parse import quote
from uuid import uuid4

import pytest_asyncio
from playwright.async_api import Browser, Locator, Page, expect

from connect.sdk import AgentRelay
from tests.browser.accessibility import violations
from tests.browser.conftest import sign_in
from tests.browser.site import Site, asked
from tests.browser.tab import Person, person

_COUNT_CLICKS = "window.clicks = 0; addEventListener('click', ({isTrusted}) => (window.clicks += +isTrusted), true)"


@pytest_asyncio.fixture(autouse=True, loop_scope="session")
async def _without_rules_afterwards(running_site: Site) -> AsyncIterator[None]:
    yield
    await running_site.ask("PUT", "/v1/rules", {"rules": []})


async def put(where: Site, effect: str, command: str) -> None:
    """Add a rule, as `relaycast rule put` does."""
    await where.ask("POST", "/v1/rules", {"effect": effect, "tool": "shell", "command": command})


def lines(page: Page) -> Locator:
    """The rules, as they are listed."""
    return page.get_by_role("list", name="Rules").get_by_role("listitem")


async def test_a_rule_is_tried_on_what_was_asked_and_made(ada: Person, running_site: Site, relay: AgentRelay) -> None:
    command = f"make {uuid4().hex[:8]}"
    await relay.spawn("Builder", "demo", f"ask permission: {command}")
    await asked(relay)
    page = await ada.tab(f"{running_site.url}/rules")
    await expect(page.get_by_text("No rules yet")).to_be_visible()
    await page.get_by_label("Effect").select_option("Allow")
    await expect(page.get_by_text("This rule allows everything")).to_be_visible()
    await page.get_by_label("Effect").select_option("Deny")
    await page.get_by_label("Tool").fill("shell")
    await page.get_by_role("textbox", name="Command").fill(command)
    await expect(page.get_by_text("This rule allows everything")).to_have_count(0)
    await page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="What this rule would have answered")
    await expect(dialog).to_contain_text(re.compile(r"It matches 1 of \d+ requests? of the last 7 days\."))
    await expect(dialog.get_by_role("list", name="Outcomes")).to_have_text("Denied: 1")
    request = dialog.get_by_role("list", name="Requests that it matches").get_by_role("listitem")
    await expect(request).to_contain_text(f"{command}Builder")
    assert await violations(page) == []
    await page.keyboard.press("Escape")
    await expect(page.get_by_text("No rules yet")).to_be_visible()
    await page.get_by_role("button", name="Add rule").click()
    await expect(lines(page)).to_contain_text(re.compile(rf"Deny.*{command}.*made by Ada \w+ · \d{{4}}-\d\d-\d\d"))
    [made] = (await running_site.ask("GET", "/v1/rules"))["rules"]
    assert (made["effect"], made["tool"], made["command"], made["path"]) == ("deny", "shell", command, None)
    await expect(page.get_by_role("textbox", name="Command")).to_have_value("")
    await page.get_by_role("textbox", name="Command").fill(command)
    await page.keyboard.press("Enter")
    await expect(dialog.get_by_role("list", name="Outcomes")).to_have_text("Overruled: 1")
    await expect(request).to_contain_text(re.compile(rf"by\s*Deny.*{command}"))


async def test_two_people_are_required_by_a_rule_and_the_first_yes_is_shown_to_both(
    ada: Person, browser: Browser, running_site: Site, relay: AgentRelay
) -> None:
    command = f"make {uuid4().hex[:8]}"
    page = await ada.tab(f"{running_site.url}/rules")
    await page.get_by_label("Effect").select_option("Require")
    await page.get_by_role("textbox", name="Command").fill(command)
    await page.get_by_label("How many people").select_option("1")
    await expect(page.get_by_text("Say whom it requires")).to_be_visible()
    await expect(page.get_by_role("button", name="Add rule")).to_be_disabled()
    await page.get_by_label("How many people").select_option("2")
    assert await violations(page) == []
    await page.get_by_role("button", name="Add rule").click()
    await expect(lines(page)).to_contain_text(re.compile(rf"Require.*{command}.*needs\s*2 people"))

    await relay.spawn("Builder", "demo")
    sent = await relay.send("Builder", f"ask permission: {command}")
    await asked(relay)
    async with person(browser) as grace:
        await sign_in(grace, running_site, name="Grace")
        here, there = await ada.tab(f"{running_site.url}/inbox"), await grace.tab(f"{running_site.url}/inbox")
        ours, theirs = (each.locator("article:not([data-over])").filter(has_text=command) for each in (here, there))
        await expect(theirs).to_contain_text("2 people")
        await ours.get_by_role("button", name="Allow once").click()
        await expect(ours).to_contain_text("You have said yes")
        await expect(ours.get_by_role("button", name="Allow once")).to_have_count(0)
        await expect(theirs).to_contain_text(re.compile(r"1 more person.*yes from Ada"))
        assert await violations(there) == []
        await theirs.get_by_role("button", name="Allow once").click()
        for card in (ours, theirs):
            await expect(card).to_have_count(0)
    assert (await relay.wait_for(sent.message_id, timeout_s=20)).deliveries[0].answer == f"I may run: {command}"


async def test_only_those_whom_a_rule_names_are_offered_to_allow_and_others_see_whom_it_waits_for(
    ada: Person, browser: Browser, running_site: Site, relay: AgentRelay
) -> None:
    command, group = f"make {uuid4().hex[:8]}", f"ops {uuid4().hex[:8]}"
    await running_site.ask("POST", "/v1/groups", {"name": group})
    rule = {"effect": "require", "tool": "Bash", "command": command, "group": group}
    await running_site.ask("PUT", "/v1/rules", {"rules": [rule]})
    async with person(browser) as grace:
        name = await sign_in(grace, running_site, name="Grace")
        await running_site.ask("PUT", f"/v1/groups/{quote(group)}/members/{quote(name)}")
        here, there = await ada.tab(f"{running_site.url}/inbox"), await grace.tab(f"{running_site.url}/inbox")
        ours, theirs = (each.locator("article:not([data-over])").filter(has_text=command) for each in (here, there))
        await relay.spawn("Builder", "demo")
        sent = await relay.send("Builder", f"ask permission: {command}")
        await expect(ours).to_contain_text(f"1 person of the group {group}")
        await expect(ours).to_contain_text("It is for others to allow this. You may deny it.")
        await expect(ours.get_by_role("button", name="Deny")).to_be_visible()
        await expect(ours.get_by_role("button", name="Allow")).to_have_count(0)
        await here.keyboard.press("a")
        assert await violations(here) == []
        await theirs.get_by_role("button", name="Allow once").click()
        for card in (ours, theirs):
            await expect(card).to_have_count(0)
    assert (await relay.wait_for(sent.message_id, timeout_s=20)).deliveries[0].answer == f"I may run: {command}"


async def test_a_rule_is_moved_by_keyboard_and_the_focus_goes_with_it(ada: Person, running_site: Site) -> None:
    for command in ("third *", "second *", "first *"):
        await put(running_site, "ask", command)
    page = await ada.tab(f"{running_site.url}/rules")
    await page.get_by_role("button", name="Move rule 3 up").focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("button", name="Move rule 2 up")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("button", name="Move rule 1 up")).to_be_focused()
    await expect(lines(page)).to_contain_text(["third *", "first *", "second *"])
    await page.keyboard.press("Enter")  # it stands at the top already
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("button", name="Move rule 1 down")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("button", name="Move rule 2 down")).to_be_focused()
    await expect(lines(page)).to_contain_text(["first *", "third *", "second *"])
    kept = (await running_site.ask("GET", "/v1/rules"))["rules"]
    assert [each["command"] for each in kept] == ["first *", "third *", "second *"]


async def test_what_was_always_allowed_is_undone_by_three_clicks(
    ada: Person, running_site: Site, relay: AgentRelay
) -> None:
    command = f"pytest tests/{uuid4().hex[:8]}.py"
    await relay.spawn("Tester", "demo", f"ask permission: {command}")
    await asked(relay)
    page = await ada.tab(f"{running_site.url}/inbox")
    card = page.locator("article:not([data-over])").filter(has_text=command)
    await card.get_by_text("Always allow…").click()
    await card.get_by_role("listitem").get_by_role("button").first.click()
    dialog = page.get_by_role("dialog")
    await expect(dialog.get_by_role("link", name="Rules")).to_be_visible()
    await dialog.get_by_role("button", name="Always allow").click()
    await expect(card).to_have_count(0)
    await page.evaluate(_COUNT_CLICKS)
    await page.get_by_role("navigation", name="Main").get_by_role("link", name="Rules").click()
    await page.get_by_role("button", name="Remove rule 1").click()
    removing = page.get_by_role("dialog", name="Remove this rule?")
    await expect(removing).to_contain_text("Agents ask again for what it allowed.")
    assert await violations(page) == []
    await removing.get_by_role("button", name="Remove rule").click()
    await expect(page.get_by_text("No rules yet")).to_be_visible()
    assert await page.evaluate("window.clicks") == 3
    await relay.send("Tester", f"ask permission: {command}")
    [again] = await asked(relay)
    assert command in again.title


async def test_a_viewer_tries_rules_and_is_offered_no_change(browser: Browser, running_site: Site) -> None:
    await put(running_site, "allow", "ls *")
    async with person(browser) as vera:
        page = await vera.tab(await running_site.sign_in_link(name=f"Vera {uuid4().hex[:8]}", role="viewer"))
        await page.get_by_role("navigation", name="Main").get_by_role("link", name="Rules").click()
        await page.get_by_role("button", name="Try rule 1").click()
        dialog = page.get_by_role("dialog", name="What this rule would have answered")
        await expect(dialog).to_contain_text("of the last 7 days.")
        await page.keyboard.press("Escape")
        await expect(page.get_by_role("button", name=re.compile("Move|Remove|Add"))).to_have_count(0)
