"""A real CLI asks, and a person answers in the dashboard."""

import asyncio

import pytest
from playwright.async_api import expect

from tests.agents.model_server import ModelServer
from tests.agents.obedience import Obedient
from tests.agents.stage import Stage
from tests.browser.chromium import HOW_TO_INSTALL, chromium, executable
from tests.browser.tab import person

pytestmark = [pytest.mark.agents, pytest.mark.timeout(180)]


async def test_what_claude_code_asks_is_answered_in_the_browser(model: ModelServer, stage: Stage) -> None:
    assert executable() is not None, HOW_TO_INSTALL
    model.script = Obedient()
    async with asyncio.timeout(120), chromium() as browser, person(browser) as ada:
        broker, machine, relay, log = await stage.desk("claude")
        page = await ada.tab(broker.sign_in_link)
        await page.get_by_role("navigation", name="Main").get_by_role("link", name="Needs you").click()
        await relay.spawn("Worker", "claude", "run: touch allowed.txt")

        question = page.get_by_role("article").filter(has_text="touch allowed.txt")
        await expect(question).to_be_visible()
        assert not (machine.project / "allowed.txt").exists()
        await question.get_by_role("button", name="Allow once").click()
        await page.mouse.move(0, 0)  # what is answered stays where it is under the pointer
        await expect(question).to_have_count(0)
        await log.turns_ended("Worker", 1)
        assert (machine.project / "allowed.txt").exists()
        await relay.release("Worker")
        await stage.no_agent_remains()
