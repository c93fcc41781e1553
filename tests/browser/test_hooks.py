"""The page of hooks: a text that is checked, tried and applied, and what became of the runs."""

from __future__ import annotations

import os
import re
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Locator, Page, expect

from connect.sdk import AgentRelay
from tests.browser.accessibility import violations
from tests.browser.conftest import sign_in
from tests.browser.site import Site, site
from tests.browser.tab import PHONE, Person, person

WRONG = "hooks:\n  demo:\n    on_trun_complete: {id: tell-lead, relay: Lead}\n"
GOOD = """\
hooks:
  "agent:Worker":
    on_turn_complete:
      - {id: tell-lead, relay: Lead}
      - {id: sound, command: "echo 'it is done' ${agent}"}
      - {id: later, relay: Lead, enabled: false}
"""
COMMENTED = """\
# Ours.
hooks:
  "*":
    on_turn_complete:
      - id: tell
        relay: Lead   # whom to ask
    on_approval_needed:
      - id: guard
        command: [./guard, --strict]
"""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def hooked(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    """A broker of its own: a workspace has one text of hooks."""
    async with site(tmp_path_factory.mktemp("hooked")) as made:
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def team(hooked: Site) -> AsyncIterator[AgentRelay]:
    """A session where Worker has had one turn."""
    async with hooked.session("team") as relay:
        await relay.spawn("Lead", "demo")
        await relay.spawn("Worker", "demo")
        await take_a_turn(relay)
        yield relay


@pytest_asyncio.fixture(loop_scope="session")
async def grace(browser: Browser, hooked: Site) -> AsyncIterator[Person]:
    """Signed in as an owner there."""
    async with person(browser) as made:
        await sign_in(made, hooked, name="Grace")
        yield made


async def take_a_turn(relay: AgentRelay) -> None:
    sent = await relay.send("Worker", "say hello")
    await relay.wait_for(sent.message_id, timeout_s=30)


def hook(page: Page, name: str) -> Locator:
    """A hook's line in the list."""
    return page.get_by_role("row").filter(has_text=name)


async def clean(page: Page, picture: str) -> None:
    """Axe finds nothing; a picture for whoever wants to look."""
    assert await violations(page) == []
    if folder := os.environ.get("RELAYCAST_PICTURES"):
        await page.screenshot(path=f"{folder}/{picture}.png", full_page=True)


async def test_a_text_is_checked_tried_and_applied_and_its_runs_are_shown(
    browser: Browser, grace: Person, hooked: Site, team: AgentRelay
) -> None:
    page = await grace.tab(f"{hooked.url}/hooks?tab=edit")
    text = page.get_by_role("textbox", name="Hooks as YAML")
    await text.fill(WRONG)
    problem = page.get_by_role("button", name="Line 3, column 5")
    await expect(problem).to_contain_text("on_turn_complete")
    await expect(page.get_by_role("button", name="Apply")).to_be_disabled()
    await problem.click()
    assert await text.evaluate("area => area.selectionStart") == WRONG.index("on_trun_complete")
    await clean(page, "problem")

    await text.fill(GOOD)
    await expect(page.get_by_text("No problems")).to_be_visible()
    await page.get_by_role("button", name="Try").click()
    await expect(page.get_by_text("tell-lead would have run once in the last 7 days")).to_be_visible()
    sound = page.get_by_role("listitem").filter(has_text="sound would have run once")
    await sound.get_by_text("These").click()
    await expect(sound.get_by_text("echo 'it is done' Worker")).to_be_visible()
    assert (await hooked.ask("GET", "/v1/hooks"))["version"] == 0
    await clean(page, "dry-run")

    await page.get_by_role("button", name="Apply").click()
    await expect(page.get_by_text("Version 1 by Grace")).to_be_visible()
    await page.get_by_role("tab", name="Hooks", exact=True).click()
    await expect(hook(page, "tell-lead")).to_contain_text("On")
    await expect(hook(page, "later")).to_contain_text("Off")
    await take_a_turn(team)
    await expect(hook(page, "tell-lead")).to_contain_text("Completed")
    await expect(hook(page, "sound")).to_contain_text("Not allowed")
    await expect(hook(page, "sound").locator("code", has_text="relay-connect hooks review")).to_be_visible()
    await clean(page, "hooks")

    await page.get_by_role("button", name="Test sound").click()
    dialog = page.get_by_role("dialog", name="Test sound")
    await dialog.get_by_label("Machine").select_option("desk")
    await dialog.get_by_role("button", name="Run now").click()
    await expect(dialog.get_by_label("What is ordered")).to_have_text("echo 'it is done' Worker")
    await clean(page, "test")
    await page.keyboard.press("Escape")

    await hook(page, "sound").get_by_role("link", name="Not allowed").click()
    runs = page.get_by_role("list", name="History").get_by_role("listitem")
    await expect(runs).to_have_count(2)
    await runs.first.get_by_text("sound").first.click()
    await expect(runs.first.locator("code", has_text="relay-connect hooks review")).to_be_visible()
    await clean(page, "history")

    async with person(browser, viewport=PHONE, has_touch=True, is_mobile=True, color_scheme="dark") as walker:
        await sign_in(walker, hooked)
        for tab in ("hooks", "edit", "history"):
            small = await walker.tab(f"{hooked.url}/hooks?tab={tab}")
            await expect(small.get_by_text("sound").first).to_be_attached()
            assert await small.evaluate("document.documentElement.scrollWidth") == PHONE["width"], tab
            await clean(small, f"phone-{tab}")


async def test_the_form_and_the_text_are_two_ways_to_change_the_same_hooks(grace: Person, hooked: Site) -> None:
    await hooked.ask("PUT", "/v1/hooks", {"text": COMMENTED})
    page = await grace.tab(f"{hooked.url}/hooks?tab=edit")
    text, form = page.get_by_role("textbox", name="Hooks as YAML"), page.get_by_role("region", name="Hooks as a form")
    await form.get_by_label("Agent or #channel").fill("#ops")
    await expect(text).to_have_value(COMMENTED.replace("Lead", '"#ops"'))
    await text.fill(COMMENTED.replace("Lead", "Boss"))
    await expect(form.get_by_label("Agent or #channel")).to_have_value("Boss")

    await form.get_by_label("Hook to change").select_option(label="guard · * · on_approval_needed")
    await expect(form.get_by_text("the form does not show command")).to_be_visible()
    await form.get_by_label("Decides: its answer counts").check()
    await form.get_by_label("May allow, for people").check()
    await expect(text).to_have_value(re.compile(r"decides: true\s+may_allow: true"))
    await form.get_by_text("Conditions and limits").click()
    await form.get_by_label("Tools").press_sequentially("Bash\nWrite")
    await expect(text).to_have_value(re.compile(r"tool:\s+- Bash\s+- Write"))
    await expect(form.get_by_label("Tools")).to_have_value("Bash\nWrite")
    await form.get_by_label("For · ").fill("codex")
    await form.get_by_label("For · ").press("Enter")
    await expect(form.get_by_label("Hook to change")).to_have_value(re.compile("codex"))
    await form.get_by_role("button", name="Add a hook").click()
    await form.get_by_label("Does").select_option("command")
    await expect(page.get_by_role("button", name="Apply")).to_be_disabled()
    await form.get_by_label("Command", exact=True).fill("say done")
    await expect(page.get_by_text("No problems")).to_be_visible()
    await clean(page, "form")

    await page.get_by_role("button", name="Apply").click()
    await expect(page.get_by_role("button", name="Discard changes")).to_have_count(0)
    applied = await hooked.ask("GET", "/v1/hooks")
    assert all(said in applied["text"] for said in ("# Ours.", "# whom to ask"))
    guard = next(each for each in applied["hooks"] if each["id"] == "guard")
    assert (guard["for"], guard["decides"], guard["may_allow"]) == ("codex", True, True)
    assert guard["when"] == {"tool": ["Bash", "Write"]}
    await page.get_by_role("tab", name="Hooks", exact=True).click()
    await expect(hook(page, "guard")).to_contain_text("may allow")
    await expect(hook(page, "guard").get_by_text("decides", exact=True)).to_be_visible()

    await page.get_by_role("tab", name="Edit").click()
    await text.fill("hooks: [")
    await expect(form.get_by_text("The form appears once the YAML can be read")).to_be_visible()


async def test_who_was_slower_is_told_and_replaces_knowingly(grace: Person, hooked: Site) -> None:
    version = (await hooked.ask("PUT", "/v1/hooks", {"text": GOOD}))["version"]
    page = await grace.tab(f"{hooked.url}/hooks?tab=edit")
    await expect(page.get_by_text(f"Version {version} by")).to_be_visible()
    mine = GOOD.replace("relay: Lead", "relay: Boss")
    await page.get_by_role("textbox", name="Hooks as YAML").fill(mine)
    await hooked.ask("PUT", "/v1/hooks", {"text": GOOD + "# theirs\n", "version": version})
    grace.expect_error("409")
    await page.get_by_role("button", name="Apply").click()
    await expect(page.get_by_role("alert")).to_contain_text("somebody has changed the hooks")
    await clean(page, "conflict")
    await page.get_by_role("button", name="Replace that version").click()
    await page.get_by_role("button", name="Apply").click()
    await expect(page.get_by_text(f"Version {version + 2} by Grace")).to_be_visible()
    assert (await hooked.ask("GET", "/v1/hooks"))["text"] == mine

    await page.get_by_role("button", name="Pause all").click()
    await page.get_by_role("tab", name="Hooks", exact=True).click()
    await expect(hook(page, "tell-lead")).to_contain_text("Paused")
    await page.get_by_role("button", name="Resume all").click()
    await expect(hook(page, "tell-lead")).to_contain_text("On")


async def test_who_may_only_look_is_offered_nothing_else(browser: Browser, hooked: Site) -> None:
    await hooked.ask("PUT", "/v1/hooks", {"text": GOOD})
    link = await hooked.sign_in_link(name=f"Vera {uuid4().hex[:8]}", role="viewer")
    async with person(browser) as vera:
        page = await vera.tab(link)
        await page.get_by_role("navigation", name="Main").get_by_role("link", name="Hooks").click()
        await expect(hook(page, "tell-lead")).to_be_visible()
        await expect(page.get_by_role("tab", name="History")).to_be_visible()
        await expect(page.get_by_role("tab", name="Edit")).to_have_count(0)
        await expect(page.get_by_role("button", name="Pause all")).to_have_count(0)
        await expect(page.get_by_role("button", name="Test tell-lead")).to_have_count(0)
