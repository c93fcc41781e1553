"""A worker has one browser and one broker for this folder, in one loop; each test has a fresh profile and session."""

import os
import re
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from connect.sdk import AgentRelay
from tests.browser.chromium import HOW_TO_INSTALL, chromium, executable
from tests.browser.site import Site, site
from tests.browser.tab import Person, person

_TIMEOUT_S = 240
"""Above the sum of what a test waits for; a whole test takes a few seconds."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents and pytest_asyncio.is_async_test(item):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)
            item.add_marker(pytest.mark.timeout(_TIMEOUT_S))


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    if executable() is None:
        if os.environ.get("CI"):
            pytest.fail(HOW_TO_INSTALL)
        pytest.skip(HOW_TO_INSTALL)
    async with chromium() as running:
        yield running


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def running_site(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    async with site(tmp_path_factory.mktemp("site")) as made:
        yield made


@pytest_asyncio.fixture(loop_scope="session")
async def relay(running_site: Site, request: pytest.FixtureRequest) -> AsyncIterator[AgentRelay]:
    """The session that the test is about, as its operator has it."""
    name = re.sub(r"\W+", "-", request.node.name.removeprefix("test_").replace("_", "-"))[:60].strip("-")
    async with running_site.session(name) as made:
        yield made


@pytest_asyncio.fixture(loop_scope="session")
async def ada(browser: Browser, running_site: Site) -> AsyncIterator[Person]:
    """Signed in as an owner, by a link."""
    async with person(browser) as made:
        await sign_in(made, running_site)
        yield made


async def sign_in(who: Person, where: Site, *, name: str = "Ada", role: str = "owner") -> str:
    """Follow a fresh link, as a new member whose full name is returned."""
    full = f"{name} {uuid4().hex[:8]}"
    page = await who.tab(await where.sign_in_link(name=full, role=role))
    await page.wait_for_url(f"{where.url}/")
    await page.close()
    return full
