"""What axe-core finds wrong in a page."""

from __future__ import annotations

from typing import Any

from playwright.async_api import Page

from tests.fixtures.node import CONFORMANCE

_AXE = CONFORMANCE / "node_modules" / "axe-core" / "axe.min.js"
_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


# What `content-visibility` skipped has its old colours until the next frame; frames come though a test holds the clock.
_DRAWN = """() => new Promise((done) => {
    const frame = new IntersectionObserver(() => { frame.disconnect(); done(null) });
    frame.observe(document.body);
})"""
# What fades in has less contrast until it is there. A sign of work that turns never ends.
_SETTLED = """() => Promise.allSettled(
    document.getAnimations()
        .filter((each) => each.effect?.getComputedTiming().iterations !== Infinity)
        .map((each) => each.finished)
).then(() => null)"""


async def violations_in_both_themes(page: Page) -> list[str]:
    """The same as the page is drawn light and dark; it stays dark."""
    found = []
    for theme in ("light", "dark"):
        await page.emulate_media(color_scheme=theme)
        await page.wait_for_function("(theme) => document.documentElement.dataset.theme === theme", arg=theme)
        found += [f"{theme}: {each}" for each in await violations(page)]
    return found


async def violations(page: Page) -> list[str]:
    """Each rule that is broken, with where; evaluated rather than loaded, so that the page's policy stays as it is."""
    assert _AXE.is_file(), "the suites are not installed: run `make test`"
    if not await page.evaluate("'axe' in window"):
        await page.evaluate(f"{_AXE.read_text()}; null")
    for _ in range(2):
        await page.evaluate(_DRAWN)
    await page.evaluate(_SETTLED)
    found: dict[str, Any] = await page.evaluate(
        "(tags) => axe.run(document, { runOnly: { type: 'tag', values: tags }, resultTypes: ['violations'] })", _RULES
    )
    return [
        f"{each['id']}: {node['target']} {node['html'][:200]} {node['failureSummary']}"
        for each in found["violations"]
        for node in each["nodes"]
    ]
