"""Runs of workflows on the dashboard: the list, a run as it goes on, what it waits for, and what a person does."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import Any

import httpx
from playwright.async_api import Browser, Page, expect

from tests.browser.accessibility import violations
from tests.browser.conftest import sign_in
from tests.browser.site import Site
from tests.browser.tab import PHONE, Person, person
from tests.fixtures.person import person_at
from tests.fixtures.processes import START_S, environment

FILE = """\
version: "1.0"
name: %(name)s
swarm: {pattern: dag}
agents: [{name: Announcer, cli: demo, preset: worker}]
workflows:
  - name: release
    steps:
      - {name: build, type: deterministic, command: "echo built %(name)s; test -e %(name)s.ok"}
      - {name: ship, type: approval, message: "May %(name)s be shipped?", dependsOn: [build]}
      - {name: announce, agent: Announcer, task: say it is shipped, dependsOn: [ship]}
"""


SPOKEN = """\
version: "1.0"
name: speech
swarm: {pattern: pipeline}
agents: [{name: Announcer, cli: demo, preset: worker}]
workflows:
  - name: speech
    steps:
      - {name: speak, agent: Announcer, task: "say {{ what }}"}
      - {name: again, agent: Announcer, task: "say it again", dependsOn: [speak]}
"""


async def started(site: Site, name: str) -> str:
    """A run of it; its id."""
    run = await site.ask("POST", "/v1/workflows/runs", {"text": FILE % {"name": name}, "on": "desk"})
    return str(run["id"])


async def allowed(site: Site, name: str) -> None:
    """At the machine, its owner allows what was refused."""
    argv = [sys.executable, "-m", "connect.cli", "--state-dir", str(site.folder / "desk"), "workflow", "allow", name]
    surroundings = environment(site.folder)
    async with person_at(argv, env=surroundings, cwd=site.folder, seconds=START_S) as owner:
        await owner.sees("Allow exactly this?")
        owner.types("y\r")
        await owner.sees("may run here")


def node(page: Page, step: str, state: str) -> Any:
    """A step in the graph."""
    return page.get_by_role("group", name=f"{step}, {state}", exact=True)


async def press(page: Page, button: str) -> None:
    """By keyboard, once it can be: a key waits for nothing."""
    found = page.get_by_role("button", name=button, exact=True)
    await expect(found).to_be_enabled()
    await found.press("Enter")


async def clean(page: Page) -> None:
    assert await violations(page) == []


async def test_a_run_is_followed_from_a_missing_consent_to_its_end(
    browser: Browser, ada: Person, running_site: Site
) -> None:
    run = await started(running_site, "release-a")
    page = await ada.tab(f"{running_site.url}/workflows")
    await page.get_by_role("link", name="release-a · release").click()
    await expect(node(page, "build", "Needs you")).to_be_visible()
    await expect(node(page, "announce", "Pending")).to_be_visible()
    await expect(page.locator("code", has_text="relay-connect workflow allow release-a").first).to_be_visible()
    await clean(page)

    await allowed(running_site, "release-a")
    await page.get_by_role("button", name="Retry").click()
    await expect(page.get_by_text("built release-a")).to_be_visible()
    await expect(node(page, "build", "Failed")).to_be_visible()
    assert await page.get_by_role("group", name="Attempts").get_by_role("button").count() == 2
    await clean(page)

    await page.get_by_role("button", name="Skip", exact=True).click()
    dialog = page.get_by_role("dialog", name="Skip build")
    await dialog.get_by_label("Output").fill("built by hand")
    await clean(page)
    await dialog.get_by_role("button", name="Skip").click()
    await expect(node(page, "build", "Completed")).to_be_visible()

    await node(page, "ship", "Running").click()
    await expect(page.get_by_text("May release-a be shipped?")).to_be_visible()
    await clean(page)
    await page.get_by_role("button", name="Approve").click()
    await expect(node(page, "announce", "Completed")).to_be_visible(timeout=30_000)
    await expect(page.get_by_role("main").get_by_text("3 of 3 steps")).to_be_visible()

    await page.get_by_role("button", name="announce").last.click()
    await expect(page.get_by_text("it is shipped").first).to_be_visible()
    await page.get_by_role("link", name="Conversation of Announcer").click()
    await expect(page.get_by_role("region", name="Conversation").get_by_text("it is shipped").first).to_be_visible()
    async with person(browser, viewport=PHONE, has_touch=True, is_mobile=True, color_scheme="dark") as walker:
        await sign_in(walker, running_site)
        small = await walker.tab(f"{running_site.url}/workflows/{run}?step=build")
        await expect(small.get_by_role("heading", name="build")).to_be_visible()
        assert await small.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
        await clean(small)
        if folder := os.environ.get("RELAYCAST_PICTURES"):
            await small.screenshot(path=f"{folder}/phone.png", full_page=True)


async def test_a_run_is_cancelled_and_resumed_by_keyboard(ada: Person, running_site: Site) -> None:
    run = await started(running_site, "release-b")
    page = await ada.tab(f"{running_site.url}/workflows/{run}")
    await expect(node(page, "build", "Needs you")).to_be_visible()
    await page.get_by_role("button", name="Cancel run").focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("Cancelled").first).to_be_visible()
    await page.get_by_role("button", name="Resume").focus()
    await page.keyboard.press("Enter")
    await expect(node(page, "build", "Needs you")).to_be_visible()
    await node(page, "ship", "Pending").focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="ship")).to_be_visible()
    assert "step=ship" in page.url
    await page.keyboard.press("Escape")
    await page.keyboard.press("g")
    await page.keyboard.press("w")
    await page.get_by_label("Show", exact=True).select_option("Completed early")
    await expect(page.get_by_text("No run is like this")).to_be_visible()
    await page.get_by_label("Show", exact=True).select_option("All runs")
    await page.get_by_label("Show the runs of a file").select_option("release-b")
    await expect(page.get_by_role("link", name="release-b · release")).to_be_visible()
    await expect(page.get_by_role("main").get_by_role("link", name="release-a")).to_have_count(0)
    await clean(page)


async def test_a_file_is_checked_planned_run_corrected_and_compared_by_keyboard(
    browser: Browser, ada: Person, running_site: Site
) -> None:
    page = await ada.tab(f"{running_site.url}/workflows/files")
    text = page.get_by_role("textbox", name="Workflow file")
    await text.fill(SPOKEN.replace("agent: Announcer", "agent: Anouncer", 1))
    await page.get_by_role("button", name="Line 8, column 30").press("Enter")
    await expect(text).to_be_focused()
    await expect(page.get_by_role("button", name="Run", exact=True)).to_be_disabled()
    await clean(page)

    await text.fill(SPOKEN)
    await expect(page.get_by_role("heading", name="Plan of speech")).to_be_visible()
    await page.get_by_label("what", exact=True).fill("one")
    await clean(page)
    await press(page, "Run")
    await expect(node(page, "again", "Completed")).to_be_visible(timeout=30_000)

    await page.get_by_role("link", name="Open file").press("Enter")
    await expect(text).to_have_value(SPOKEN)
    await text.fill(SPOKEN.replace("say it again", "say it louder"))
    await press(page, "Go on from that run…")
    await expect(page.get_by_text("speak: kept")).to_be_visible()
    await expect(page.get_by_text("again: again, changed")).to_be_visible()
    await clean(page)
    await press(page, "Go on")
    await expect(node(page, "again", "Completed")).to_be_visible(timeout=30_000)

    await page.get_by_role("link", name="Compare with the run before").press("Enter")
    row = page.get_by_role("row", name="again Completed")
    await expect(row.get_by_text("different")).to_be_visible()
    await expect(page.get_by_label("Difference of the files")).to_contain_text("say it louder")
    await clean(page)
    async with person(browser, viewport=PHONE, has_touch=True, is_mobile=True) as walker:
        await sign_in(walker, running_site)
        small = await walker.tab(page.url)
        await expect(small.get_by_role("heading", name="Difference of the files")).to_be_visible()
        assert await small.evaluate("document.documentElement.scrollWidth") == PHONE["width"]

    await page.get_by_role("link", name="Second run").press("Enter")
    await node(page, "again", "Completed").press("Enter")
    before = page.url
    await press(page, "Again from here")
    await page.wait_for_url(lambda url: url.partition("?")[0] != before.partition("?")[0])
    await expect(node(page, "again", "Completed")).to_be_visible(timeout=30_000)
    await page.goto(f"{running_site.url}/workflows/files")
    files = page.get_by_role("list", name="Workflow files").get_by_role("listitem")
    await expect(files.filter(has_text="speech")).to_contain_text("latest runs: 3, versions: 2")
    await clean(page)


async def test_a_step_that_waits_to_be_called_shows_its_address_and_goes_on_after_the_call(
    ada: Person, running_site: Site
) -> None:
    wait = "{name: built, waitFor: {webhook: true}}"
    text = f"{FILE.partition('workflows:')[0]}workflows: [{{name: release, steps: [{wait}]}}]\n" % {"name": "called"}
    run = await running_site.ask("POST", "/v1/workflows/runs", {"text": text, "on": "desk"})
    page = await ada.tab(f"{running_site.url}/workflows/{run['id']}")
    command = page.locator("code", has_text="/v1/workflows/webhooks/")
    await expect(command).to_be_visible()
    await clean(page)
    address = (await command.inner_text()).split()[-1]
    async with httpx.AsyncClient() as client:
        assert (await client.post(address, content=b"built", headers={"Content-Type": "text/plain"})).is_success
    await expect(node(page, "built", "Completed")).to_be_visible(timeout=30_000)
    await expect(command).to_have_count(0)


async def test_a_workflow_is_drawn_from_nothing_and_run(browser: Browser, ada: Person, running_site: Site) -> None:
    page = await ada.tab(f"{running_site.url}/workflows/files")
    text = page.get_by_role("textbox", name="Workflow file")
    await press(page, "Add step")
    name = page.get_by_label("Name", exact=True).first
    await expect(name).to_be_focused()  # with its name selected
    await page.keyboard.type("build\n")
    await page.get_by_label("Does").select_option("A command")
    await page.get_by_role("textbox", name="Command").fill("echo built it")
    await page.get_by_label("Checked by").select_option("The output contains")
    await page.get_by_label("Expected").fill("built it")

    await press(page, "Add step")
    await page.keyboard.type("announce\n")
    await expect(page.get_by_text("Waits for build")).to_be_visible()
    await page.get_by_label("Task").fill("say {{steps.build.output}}\nand nothing else")
    worker = page.get_by_role("listitem", name="Worker")
    await worker.get_by_label("Program").fill("demo")
    await worker.get_by_label("Name").fill("Announcer")
    await worker.get_by_label("Name").press("Enter")
    await expect(page.get_by_role("button", name="Remove Announcer")).to_be_disabled()
    await expect(page.get_by_label("Agent", exact=True)).to_have_value("Announcer")
    await clean(page)
    await expect(page.get_by_role("heading", name="Plan of workflow")).to_be_visible()

    await page.get_by_label("Name", exact=True).first.fill("tell")
    await page.get_by_label("Name", exact=True).first.press("Enter")
    await expect(node(page, "tell", "Announcer")).to_be_visible()
    await press(page, "Undo")
    await expect(node(page, "announce", "Announcer")).to_be_visible()
    await page.reload()  # what was drawn is still there
    await expect(text).to_have_value(re.compile(r"name: announce\n.*task: \|-\n", re.DOTALL))
    await press(page, "Run")
    await expect(node(page, "build", "Needs you")).to_be_visible(timeout=30_000)  # a command asks the machine's owner
    await running_site.ask("POST", f"/v1/workflows/runs/{page.url.rpartition('/')[2].partition('?')[0]}/cancel", {})


async def test_each_example_is_a_file_without_problems(ada: Person, running_site: Site) -> None:
    page = await ada.tab(f"{running_site.url}/workflows/files")
    text = page.get_by_role("textbox", name="Workflow file")
    choice = page.get_by_label("Begin with")
    await expect(choice).to_be_visible()
    titles = [title for title in await choice.get_by_role("option").all_inner_texts() if not title.endswith("…")]
    for title in titles:
        await choice.select_option(title)
        name = (await text.input_value()).partition("name: ")[2].partition("\n")[0]
        await expect(page.get_by_role("heading", name=f"Plan of {name}")).to_be_visible()
        await expect(page.get_by_role("region", name="Problems")).to_have_text("No problems")
        await press(page, "Discard changes")
    assert len(titles) == 4


async def test_lines_of_a_drawing_are_dragged_and_deleted(ada: Person, running_site: Site) -> None:
    page = await ada.tab(f"{running_site.url}/workflows/files")
    text = page.get_by_role("textbox", name="Workflow file")
    file = SPOKEN.replace("pipeline", "dag").replace(", dependsOn: [speak]", "")
    await text.fill(file)
    speak, again = (node(page, each, "Announcer") for each in ("speak", "again"))
    await expect(page.get_by_role("heading", name="Plan of speech")).to_be_visible()
    await speak.locator(".source").drag_to(again.locator(".target"))
    await expect(text).to_have_value(re.compile(r"again.*dependsOn: \[speak\]"))
    await speak.locator(".target").drag_to(again.locator(".source"))  # a circle
    line = page.get_by_role("group", name="again waits for speak")
    await expect(page.get_by_role("group", name="speak waits for again")).to_have_count(0)
    await line.focus()
    await page.keyboard.press("Delete")
    await expect(text).to_have_value(file)

    await again.focus()
    await page.keyboard.press("Enter")
    await page.get_by_text("Waits for no step").click()
    await page.get_by_role("checkbox", name="speak").check()
    await expect(line).to_have_count(1)
    await again.focus()
    await page.keyboard.press("Delete")
    await expect(again).to_have_count(0)
    await expect(text).not_to_have_value(re.compile("again"))
    await press(page, "Undo")
    await expect(again).to_be_visible()
    await press(page, "Discard changes")
    await expect(text).to_have_value("")


async def test_a_drawing_says_where_the_file_is_wrong_and_keeps_what_it_cannot_show(
    browser: Browser, ada: Person, running_site: Site
) -> None:
    page = await ada.tab(f"{running_site.url}/workflows/files")
    text = page.get_by_role("textbox", name="Workflow file")
    await text.fill(SPOKEN.replace('agent: Announcer, task: "say it again"', 'agent: Nobody, task: "say it again"'))
    await expect(node(page, "again", "Nobody, has an error")).to_be_visible()
    await text.fill(SPOKEN + "broken: [")
    await expect(page.get_by_text("The file is drawn when it can be read again")).to_be_visible()
    await text.fill(SPOKEN.replace('task: "say it again"', 'task: "say it again", review: Announcer'))
    await node(page, "again", "Announcer").click()
    await expect(page.get_by_text("Kept as it is, changed in the text: review")).to_be_visible()
    await page.get_by_label("Task").fill("say it louder")
    await expect(text).to_have_value(re.compile(r'task: "say it louder", review: Announcer'))
    async with page.expect_download() as found:
        await press(page, "Download")
    assert "say it louder" in Path(await (await found.value).path()).read_text()
    async with person(browser, viewport=PHONE, has_touch=True, is_mobile=True) as walker:
        await sign_in(walker, running_site)
        small = await walker.tab(f"{running_site.url}/workflows/files")
        await small.get_by_role("textbox", name="Workflow file").fill(SPOKEN)
        await expect(node(small, "speak", "Announcer")).to_be_visible()
        assert await small.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
        await clean(small)
