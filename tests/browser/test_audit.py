"""The page of the audit trail."""

import asyncio
from pathlib import Path
from uuid import uuid4

from click.testing import CliRunner
from playwright.async_api import Browser, expect

from broker.cli import main
from tests.browser.accessibility import violations
from tests.browser.conftest import sign_in
from tests.browser.site import Site, site
from tests.browser.tab import Person, person
from tests.fixtures.processes import key_of


async def test_an_owner_sees_who_did_what_and_each_record_has_an_address(ada: Person, running_site: Site) -> None:
    asked = {"name": f"Grace {uuid4().hex[:8]}", "role": "viewer"}
    member = (await running_site.ask("POST", "/v1/members", asked))["member"]["id"]
    page = await ada.tab(f"{running_site.url}/audit?act=member.added")
    record = page.get_by_role("row").filter(has_text=member)
    await expect(record).to_contain_text("viewer")
    address = record.get_by_role("link", name="Link to record")
    number = await address.inner_text()
    await address.click()
    await expect(page).to_have_url(f"{running_site.url}/audit?upTo={number}")
    await expect(page.get_by_role("row").filter(has_text=member)).to_be_visible()
    shown = page.get_by_role("table").locator("[aria-current=page]")
    await expect(shown).to_have_text(number)
    await page.get_by_label("What").select_option("Secrets")
    await expect(page.get_by_text("No records match")).to_be_visible()


async def test_who_may_not_see_it_is_told_who_does(browser: Browser, running_site: Site) -> None:
    link = await running_site.sign_in_link(name=f"Vera {uuid4().hex[:8]}", role="viewer")
    async with person(browser) as vera:
        page = await vera.tab(link)
        await expect(page).to_have_url(f"{running_site.url}/")
        navigation = page.get_by_role("navigation", name="Main")
        await expect(navigation.get_by_role("link", name="Usage")).to_be_visible()
        await expect(navigation.get_by_role("link", name="Audit")).to_have_count(0)
        await page.goto(f"{running_site.url}/audit")
        await expect(page.get_by_text("You have no access to the audit trail")).to_be_visible()


async def test_trails_that_archives_brought_are_listed_with_how_each_is_verified(
    browser: Browser, tmp_path: Path
) -> None:
    (folder := tmp_path / "site").mkdir()
    archive = tmp_path / "archive.ndjson"
    async with site(folder) as where, person(browser) as owner:
        environment = {"RELAYCAST_URL": where.url, "RELAYCAST_TOKEN": key_of(where.broker)}
        await sign_in(owner, where)
        page = await owner.tab(f"{where.url}/audit")
        await expect(page.get_by_role("table")).to_be_visible()
        imported = page.get_by_role("region", name="Imported audit trails")
        await expect(imported).to_have_count(0)
        for command in ("export", "import"):
            done = await asyncio.to_thread(CliRunner().invoke, main, [command, str(archive)], env=environment)
            assert done.exit_code == 0, done.output
        [trail] = (await where.ask("GET", "/v1/audit/imported"))["trails"]
        await page.reload()
        await expect(imported.get_by_role("listitem")).to_have_count(1)
        await expect(imported).to_contain_text(f"records 1 to {trail['head']['number']} · all are here")
        await expect(imported).to_contain_text(f"relaycast audit verify --imported {trail['id']}")
        assert await violations(page) == []
        await imported.get_by_role("link", name="Who imported what").click()
        await expect(page).to_have_url(f"{where.url}/audit?act=workspace.imported")
        await expect(page.get_by_role("row").filter(has_text="workspace.imported").first).to_be_visible()
