"""What a lead does all day, with the clicks and keys it takes: `python -m tests.browser.tasks`.

A click or a tap counts one, and so does a key; what is typed into a field is counted apart, by its characters.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from playwright.async_api import Locator, Page, expect

from connect.sdk import AgentRelay
from tests.browser.chromium import chromium
from tests.browser.conftest import sign_in
from tests.browser.scene import crew
from tests.browser.site import Site, asked, site
from tests.browser.tab import Person, person

_COUNT = """
addEventListener("click", (event) => event.isTrusted && event.detail > 0 && window.counted("clicks"), true);
addEventListener("keydown", (event) => {
    if (["Shift", "Control"].includes(event.key)) return;
    window.counted(event.target.matches("input, textarea") && event.key.length === 1 ? "typed" : "keys");
}, true);
"""


@dataclass(kw_only=True)
class Desk:
    """Where a person sits: a page that opens on Home, and what they have done with it."""

    site: Site
    relay: AgentRelay
    page: Page
    done: Counter[str] = field(default_factory=Counter)


Doing = Callable[[Desk], Awaitable[None]]


async def restart_the_failed(desk: Desk) -> None:
    """find the failed agent and restart it"""
    await desk.page.get_by_role("button", name="Restart Docs").click()
    await expect(desk.page.get_by_text("Docs is running")).to_be_visible()


async def answer_three(desk: Desk) -> None:
    """answer three different questions"""
    page = desk.page
    await page.keyboard.press("g")
    await page.keyboard.press("i")
    await expect(card(page, "alembic upgrade head").get_by_role("button", name="Allow once")).to_be_enabled()
    await page.keyboard.press("a")  # of some risk: the first is chosen
    await expect(card(page, "alembic upgrade head")).to_have_count(0)
    await card(page, "git push --force").get_by_role("button", name="Allow once…").click()
    await page.get_by_role("dialog").get_by_role("button", name="Allow once").click()
    await card(page, "Which registry?").get_by_role("radio", name="ours").check()
    await card(page, "Which registry?").get_by_role("button", name="Answer").click()
    await page.mouse.move(1, 1)
    await expect(card(page, "Which registry?")).to_have_count(0)


async def see_why_one_waits(desk: Desk) -> None:
    """see why an agent waits, and for how long"""
    row = desk.page.get_by_role("row").filter(has_text="Frontend")
    await expect(row).to_contain_text("Waiting for you")
    await expect(row).to_contain_text("Asks: Editing src/limits.py")
    await expect(row.locator("time")).to_contain_text("for ")
    await desk.page.get_by_role("button", name="Answer Frontend").click()
    await expect(desk.page.get_by_role("dialog").get_by_role("group", name="Diff of src/limits.py")).to_be_visible()


async def send_the_link_of_a_command(desk: Desk) -> None:
    """find a command of before and copy its link"""
    page = desk.page
    await page.keyboard.press("g")
    await page.keyboard.press("l")
    await expect(page.get_by_label("Search the logs")).to_be_visible()
    await page.keyboard.press("/")
    await page.keyboard.type('kind:approval "alembic upgrade"')
    await page.keyboard.press("Enter")
    found = page.get_by_role("link", name="Link to this line").first
    await expect(page.get_by_text("alembic upgrade head").first).to_be_visible()
    await found.click()
    await page.wait_for_url("**line=**")


async def stop_a_machine(desk: Desk) -> None:
    """stop everything on one machine"""
    await desk.page.get_by_role("button", name="Stop all: machine build-1").click()
    await desk.page.get_by_role("dialog").get_by_role("button", name="Stop machine build-1").click()
    await expect(desk.page.get_by_role("button", name="Resume machine build-1")).to_be_visible()


async def undo_an_always(desk: Desk) -> None:
    """undo an “always allow”"""
    page = desk.page
    await page.keyboard.press("g")
    await page.keyboard.press("r")
    await page.get_by_role("button", name="Remove rule 2").click()
    await page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    await expect(page.get_by_role("button", name="Remove rule 2")).to_have_count(0)


def card(page: Page, what: str) -> Locator:
    """What an agent asks, while it waits."""
    return page.locator("article:not([data-over])").filter(has_text=what)


TASKS: dict[Doing, str] = {
    see_why_one_waits: "6 clicks (the agent, and five times Earlier)",
    restart_the_failed: "4 clicks, if one had noticed (session, ended, menu, Resume)",
    answer_three: "3 clicks, and no second step",
    send_the_link_of_a_command: "not counted",
    stop_a_machine: "2 clicks",
    undo_an_always: "not possible on the page",
}
"""In the order in which they are done, with what each took before, where that was written down."""


@asynccontextmanager
async def sit_down(who: Person, where: Site, relay: AgentRelay) -> AsyncIterator[Desk]:
    """A page on Home whose clicks and keys are counted."""
    page = await who.context.new_page()
    desk = Desk(site=where, relay=relay, page=page)
    await page.expose_function("counted", lambda what: desk.done.update([what]))
    await page.add_init_script(_COUNT)
    await page.goto(where.url)
    await expect(page.get_by_role("table", name="Agents")).to_be_visible()
    yield desk
    await page.close()


async def do(task: Doing, who: Person, where: Site, relay: AgentRelay) -> tuple[Counter[str], float]:
    """A task as a person does it: what it took, and the seconds, of which those of the person are none."""
    async with sit_down(who, where, relay) as desk:
        began = time.perf_counter()
        await task(desk)
        return desk.done, time.perf_counter() - began


async def main() -> None:
    """Do every task once, and print what it took."""
    # A short path: the store's socket lies below it.
    with tempfile.TemporaryDirectory(prefix="rc-tasks-") as below:
        async with (
            site(Path(below)) as where,
            where.session("tasks") as relay,
            crew(where, relay),
            chromium() as browser,
            person(browser) as who,
        ):
            await relay.spawn("Publisher", "demo", "ask question: Which registry? ours | theirs", on="desk")
            await asked(relay, 4)
            await where.searchable((await relay.session()).id, "alembic", lines=1)
            await sign_in(who, where)
            print("| task | clicks | keys | typed | s | before |\n|---|--:|--:|--:|--:|---|")
            for task, before in TASKS.items():
                done, took_s = await do(task, who, where, relay)
                took = f"{done['clicks']} | {done['keys']} | {done['typed']} | {took_s:.1f}"
                print(f"| {task.__doc__} | {took} | {before} |")


if __name__ == "__main__":
    asyncio.run(main())
