"""A machine is linked by a code that the dashboard makes: shown once, good once, revoked while nobody has used it."""

from __future__ import annotations

import re

from playwright.async_api import Browser, expect

from tests.browser.site import Site
from tests.browser.tab import Person, person

_CODE = re.compile(r"--enrol ([2-9A-Z]{4}-[2-9A-Z]{4})")


async def test_a_code_is_made_used_by_a_machine_and_another_is_revoked(ada: Person, running_site: Site) -> None:
    page = await ada.tab(f"{running_site.url}/")
    await page.get_by_role("button", name="Link a machine").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("Name").fill("build box")
    await dialog.get_by_role("button", name="Make a code").click()
    command = dialog.get_by_role("region", name="Command for the machine")
    await expect(command).to_contain_text(f"relay-connect --headless --url {running_site.url} --enrol ")
    waiting = dialog.get_by_role("listitem").filter(has_text="build box")
    await expect(waiting).to_have_count(1)
    found = _CODE.search(await command.inner_text())
    assert found is not None
    assert (await running_site.ask("POST", "/v1/enrol", {"code": found[1]}))["token"]

    await dialog.get_by_label("Name").fill("not this one")
    await dialog.get_by_role("button", name="Make another").click()
    unwanted = dialog.get_by_role("listitem").filter(has_text="not this one")
    await expect(unwanted).to_have_count(1)
    await expect(waiting).to_have_count(0)  # it was used meanwhile
    await unwanted.get_by_role("button", name="Revoke").click()
    await expect(unwanted).to_have_count(0)
    await dialog.get_by_role("button", name="Done").click()
    await expect(page.get_by_role("dialog")).to_have_count(0)


async def test_who_does_not_administer_is_offered_no_code(browser: Browser, running_site: Site) -> None:
    async with person(browser) as vera:
        full = "Vera who looks"
        page = await vera.tab(await running_site.sign_in_link(name=full, role="viewer"))
        await expect(page.get_by_role("heading", name="Machines")).to_be_visible()
        await expect(page.get_by_role("button", name="Link a machine")).to_have_count(0)
