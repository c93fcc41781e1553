"""Home, the list of all agents: who needs a person is first, is seen at once, and is helped from there."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Locator, Page, expect

from broker.domain.ids import ProxyId
from connect.sdk import AgentRelay
from tests.browser.accessibility import violations
from tests.browser.conftest import sign_in
from tests.browser.site import Site, asked, site
from tests.browser.tab import PHONE, Person, person
from tests.fixtures.processes import machine, until


@dataclass(kw_only=True)
class Fleet:
    """Two machines with an agent that failed, one that asks, one that works and one that is idle."""

    site: Site
    relay: AgentRelay
    work: Path
    """The folder of the one that failed."""
    failed: str
    """Where in the log it did so last."""
    keys: dict[str, ProxyId] = field(default_factory=dict)
    """Of the machines by their names."""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def fleet(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Fleet]:
    folder = tmp_path_factory.mktemp("fleet")
    async with (
        site(folder) as made,
        machine(folder, made.url, made.key_file, name="spare"),
        made.session("api") as relay,
    ):
        (work := folder / "work").mkdir()
        await relay.spawn("Victim", "demo", on="desk", cwd=str(work))
        for name, where, task in (
            ("Asker", "desk", "ask permission: git push"),
            ("Worker", "spare", "sleep 600"),
            ("Idler", "spare", "say nothing to do\n"),
        ):
            await relay.spawn(name, "demo", task, on=where)
        await asked(relay)
        failed = await fail(relay, "Victim", folder=work)
        keys = {proxy.name: proxy.id for proxy in await relay.proxies()}
        yield Fleet(site=made, relay=relay, work=work, failed=failed, keys=keys)


@pytest_asyncio.fixture(loop_scope="session")
async def lead(browser: Browser, fleet: Fleet) -> AsyncIterator[Person]:
    """Who looks after the agents."""
    async with person(browser) as made:
        await sign_in(made, fleet.site)
        yield made


async def fail(relay: AgentRelay, name: str, *, folder: Path, after: str = "0") -> str:
    """Let an agent crash while the folder that it works in is away, so that it does not come back by itself.

    Returns where in the log it failed. `after`: where it did so before.
    """
    await until(relay, lambda event: event.kind == "agent.ready" and event.name == name, after=after)
    folder.rmdir()
    await relay.send(name, "exit 3")
    failed = await until(relay, lambda event: event.kind == "agent.failed" and event.name == name, after=after)
    folder.mkdir()
    return failed.cursor


async def counted_clicks(page: Page) -> Callable[[], Awaitable[int]]:
    """Begin to count the clicks in a page; what is returned tells how many there were."""
    await page.evaluate("() => { window.clicks = 0; addEventListener('click', () => window.clicks++, true) }")

    async def count() -> int:
        return int(await page.evaluate("window.clicks"))

    return count


def listed(page: Page) -> Locator:
    """The names of the agents, as they are listed."""
    return page.get_by_role("table", name="Agents").locator("[data-name]")


def row(page: Page, agent: str) -> Locator:
    """An agent's line."""
    return page.get_by_role("row").filter(has=page.locator("[data-name]", has_text=agent))


async def test_who_needs_a_person_is_first_with_why_and_since_when(lead: Person, fleet: Fleet) -> None:
    page = await lead.tab(fleet.site.url)
    await expect(listed(page)).to_have_text(["Victim", "Asker", "Idler", "Worker"])
    await expect(row(page, "Victim")).to_contain_text("Failed: ")
    await expect(row(page, "Victim").get_by_role("button", name="Restart Victim")).to_be_visible()
    await expect(row(page, "Asker")).to_contain_text("Waiting for you")
    await expect(row(page, "Asker")).to_contain_text("Asks: ")
    await expect(row(page, "Worker")).to_contain_text("sleep 600")
    await expect(row(page, "Worker")).to_contain_text("spare")
    for name in ("Victim", "Asker", "Idler", "Worker"):
        await expect(row(page, name).locator("time")).to_contain_text("for ")


async def test_a_failed_agent_is_found_and_restarted_with_one_click(lead: Person, fleet: Fleet) -> None:
    page = await lead.tab(fleet.site.url)
    clicks = await counted_clicks(page)
    await row(page, "Victim").get_by_role("button", name="Restart Victim").click()
    await expect(page.get_by_text("Victim is running")).to_be_visible()
    await expect(row(page, "Victim")).to_contain_text("Idle")
    assert await clicks() == 1
    fleet.failed = await fail(fleet.relay, "Victim", folder=fleet.work, after=fleet.failed)
    await expect(row(page, "Victim")).to_contain_text("Failed: ")


async def test_a_restart_that_fails_is_told_with_why_and_no_success_ahead_of_it(lead: Person, fleet: Fleet) -> None:
    page = await lead.tab(fleet.site.url)
    fleet.work.rmdir()
    await row(page, "Victim").get_by_role("button", name="Restart Victim").click()
    try:
        told = page.get_by_role("region", name="Notifications")
        await expect(told).to_contain_text("Victim did not start")
        await expect(told).to_contain_text("its folder is not there: ")
        await expect(page.get_by_text("Victim is running")).to_have_count(0)
    finally:
        fleet.work.mkdir()


async def test_the_turn_of_an_agent_that_died_is_over(lead: Person, fleet: Fleet) -> None:
    page = await lead.tab(fleet.site.url)
    await row(page, "Victim").get_by_role("link", name="Open Victim").click()
    turns = page.get_by_role("region", name="Conversation").get_by_role("listitem")
    await expect(turns.filter(has_text="failed").first).to_be_visible()
    await expect(page.get_by_role("img", name="working")).to_have_count(0)
    agents = page.get_by_role("complementary", name="Agents")
    await expect(agents.get_by_role("button").filter(has_text="Failed: ").first).to_be_visible()


async def test_all_of_one_machine_is_stopped_with_two_clicks(lead: Person, fleet: Fleet) -> None:
    page = await lead.tab(fleet.site.url)
    clicks = await counted_clicks(page)
    await page.get_by_role("button", name="Stop all: machine spare").click()
    await page.get_by_role("dialog").get_by_role("button", name="Stop machine spare").click()
    await expect(row(page, "Worker")).to_contain_text("Paused")
    await expect(row(page, "Idler")).to_contain_text("Paused")
    assert await clicks() == 2
    await page.get_by_role("button", name="Resume machine spare").click()
    await expect(row(page, "Idler")).to_contain_text("Idle")


async def test_agents_are_offline_as_soon_as_their_machine_is(lead: Person, fleet: Fleet) -> None:
    folder, where = fleet.site.folder, fleet.site
    page = await lead.tab(f"{where.url}/?q=machine:doomed")
    async with machine(folder, where.url, where.key_file, name="doomed") as doomed:
        await fleet.relay.spawn("Sleeper", "demo", "sleep 600", on="doomed")
        await expect(row(page, "Sleeper")).to_contain_text("Working")
        await doomed.kill()
        await expect(row(page, "Sleeper")).to_contain_text("Machine offline")
        # What the broker calls it changes only after the grace period, so this was worked out from its machine.
        (agent,) = [each for each in await fleet.relay.agents() if each.name == "Sleeper"]
        assert agent.state == "working"
        await expect(page.get_by_text("offline for")).to_be_visible()
        await row(page, "Sleeper").get_by_role("link", name="Open Sleeper").click()
        conversation = page.get_by_role("region", name="Conversation")
        await expect(conversation.get_by_text("waits: the machine is offline", exact=True)).to_be_visible()
        await expect(conversation.get_by_role("img", name="working")).to_have_count(0)
        await page.go_back()
        await page.get_by_role("link", name="doomed", exact=True).first.click()
        await expect(page.get_by_text("Messages for its agents wait until it is back.")).to_be_visible()
        await page.go_back()
        await fleet.relay.release("Sleeper")
        await expect(page.get_by_text("No agent matches")).to_be_visible()


async def test_a_failed_agent_is_dismissed_and_a_click_lands_where_the_pointer_was(lead: Person, fleet: Fleet) -> None:
    relay = fleet.relay
    await relay.spawn("Broken", "demo", on="desk", cwd=str(fleet.work))
    page = await lead.tab(fleet.site.url)
    await row(page, "Asker").hover()
    before = await listed(page).all_text_contents()
    await fail(relay, "Broken", folder=fleet.work)
    await expect(row(page, "Broken")).to_contain_text("Failed")
    assert await listed(page).all_text_contents() == before
    await page.get_by_role("heading", name="Home").hover()
    await expect(listed(page)).to_have_text(["Victim", "Broken", "Asker", "Idler", "Worker"])
    await row(page, "Broken").get_by_role("button", name="Dismiss Broken").click()
    await expect(row(page, "Broken")).to_have_count(0)
    await page.reload()
    await expect(listed(page)).to_have_text(["Victim", "Asker", "Idler", "Worker"])


async def test_the_list_is_narrowed_by_keys_alone_and_its_address_shows_the_same_to_others(
    lead: Person, fleet: Fleet
) -> None:
    page = await lead.tab(fleet.site.url)
    await expect(listed(page)).to_have_count(4)
    await page.keyboard.press("/")
    await page.keyboard.type("machine:spare")
    await expect(listed(page)).to_have_text(["Idler", "Worker"])
    await page.get_by_role("combobox", name="Group").select_option("machine")
    other = await lead.tab(page.url)
    await expect(other.get_by_role("heading", name="spare")).to_be_visible()
    await expect(listed(other)).to_have_text(["Idler", "Worker"])
    await listed(other).first.focus()
    await other.keyboard.press("ArrowDown")
    await expect(listed(other).nth(1)).to_be_focused()
    await other.keyboard.press("Enter")
    await other.wait_for_url("**/session/*?agent=Worker")


async def test_a_view_is_saved_for_everybody_and_deleted(lead: Person, fleet: Fleet, browser: Browser) -> None:
    page = await lead.tab(f"{fleet.site.url}/?show=needs")
    await page.get_by_role("button", name="Saved views").click()
    dialog = page.get_by_role("dialog", name="Saved views")
    await dialog.get_by_label("Name of the view").fill("What burns")
    await dialog.get_by_role("button", name="Save").click()
    await expect(dialog.get_by_text("What burns")).to_be_visible()
    async with person(browser) as colleague:
        await sign_in(colleague, fleet.site, name="Bo")
        theirs = await colleague.tab(fleet.site.url)
        await theirs.get_by_role("button", name="Saved views").click()
        await theirs.get_by_role("dialog").get_by_role("button", name="What burns").first.click()
        await theirs.wait_for_url("**/?show=needs")
        await expect(listed(theirs)).to_have_text(["Victim", "Asker"])
    await dialog.get_by_role("button", name="Delete What burns").click()
    await expect(dialog.get_by_text("No views are saved yet.")).to_be_visible()


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_axe_finds_nothing_where_agents_failed_and_ask(browser: Browser, fleet: Fleet, theme: str) -> None:
    async with person(browser, color_scheme=theme) as visitor:
        await sign_in(visitor, fleet.site)
        page = await visitor.tab(f"{fleet.site.url}/?group=session")
        await expect(row(page, "Victim")).to_contain_text("Failed")
        found = await violations(page)
        await page.goto(f"{fleet.site.url}/machine/{fleet.keys['spare']}")
        await expect(page.get_by_text("Agents at once")).to_be_visible()
        await expect(page.get_by_role("table")).to_contain_text("Idler")
        assert found + await violations(page) == []


async def test_a_machine_tells_how_busy_it_is_and_which_policy_holds(lead: Person, fleet: Fleet) -> None:
    page = await lead.tab(f"{fleet.site.url}/machine/{fleet.keys['spare']}")
    load, policy = [
        page.locator("section", has=page.get_by_role("heading", name=name))
        for name in ("Load", "What it lets agents do")
    ]
    await expect(load).to_contain_text(re.compile(r"\d+\.\d\d / \d+\.\d\d / \d+\.\d\d on \d+ processors?"))
    await expect(load).to_contain_text(re.compile(r"Memory[\d.,]+ .?i?B of [\d.,]+ .iB used \(\d+ %\)"))
    await expect(load).to_contain_text(re.compile(r"As of .+ ago"))
    await expect(policy).to_contain_text("Hashnever changed")
    await expect(policy).to_contain_text(re.compile(r"In force since20\d\d-"))


async def test_a_phone_shows_and_restarts_them_without_scrolling_sideways(browser: Browser, fleet: Fleet) -> None:
    async with person(browser, viewport=PHONE, has_touch=True, is_mobile=True) as walker:
        await sign_in(walker, fleet.site)
        page = await walker.tab(fleet.site.url)
        await expect(row(page, "Victim").get_by_role("button", name="Restart Victim")).to_be_visible()
        assert await page.evaluate("document.querySelector('main').scrollWidth") == PHONE["width"]
        # Whoever aims at one machine does not stop another.
        stops = page.get_by_role("region", name="Machines").get_by_role("button", name="Stop all")
        first, second = [await each.bounding_box() for each in (await stops.all())[:2]]
        assert first is not None
        assert second is not None
        assert second["y"] - first["y"] - first["height"] >= 8
        assert await violations(page) == []


async def test_on_a_phone_the_agents_begin_in_the_upper_third_and_are_arranged_on_demand(
    browser: Browser, fleet: Fleet
) -> None:
    async with person(browser, viewport=PHONE, has_touch=True, is_mobile=True) as walker:
        await sign_in(walker, fleet.site)
        page = await walker.tab(fleet.site.url)
        box = await page.get_by_role("region", name="Agents").bounding_box()
        assert box is not None
        assert box["y"] < PHONE["height"] / 3
        order = page.get_by_role("combobox", name="Order")
        await expect(order).to_be_hidden()
        await page.get_by_role("button", name="Group and sort").tap()
        await order.select_option("name")
        await expect(listed(page)).to_have_text(["Asker", "Idler", "Victim", "Worker"])
        await page.reload()
        await expect(order).to_be_visible()


async def test_a_session_is_renamed_archived_and_deleted(lead: Person, fleet: Fleet) -> None:
    key = (await fleet.site.ask("POST", "/v1/sessions", {"name": "draft"}))["id"]
    page = await lead.tab(f"{fleet.site.url}/session/{key}")
    menu = page.get_by_role("navigation", name="Main")
    await settings(page, "Rename…")
    await page.get_by_label("New name").fill("final")
    await page.get_by_role("button", name="Rename", exact=True).click()
    await expect(page.get_by_role("heading", name="final")).to_be_visible()
    await settings(page, "Archive")
    await expect(menu.get_by_text("1 archived")).to_be_visible()
    await expect(menu.get_by_role("link", name="final")).to_be_hidden()
    await settings(page, "Delete…")
    delete = page.get_by_role("button", name="Delete for good")
    await expect(delete).to_be_disabled()
    await page.get_by_label("Type final to delete it").fill("final")
    await delete.click()
    await page.wait_for_url(f"{fleet.site.url}/")
    await expect(menu.get_by_text("1 archived")).to_have_count(0)


async def settings(page: Page, choice: str) -> None:
    """Choose from a session's settings."""
    await page.get_by_role("button", name="Session settings").click()
    await page.get_by_role("menuitem", name=choice).click()
