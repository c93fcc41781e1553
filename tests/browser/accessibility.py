"""What axe-core finds wrong in a page."""

from __future__ import annotations

from typing import Any

from playwright.async_api import Page

from tests.fixtures.node import CONFORMANCE

_AXE = CONFORMANCE / "node_modules" / "axe-core" / "axe.min.js"
_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


async def violations(page: Page) -> list[str]:
    """Each rule that is broken, with where; evaluated rather than loaded, so that the page's policy stays as it is."""
    assert _AXE.is_file(), "the suites are not installed: run `make test`"
    await page.evaluate(f"{_AXE.read_text()}; null")
    found: dict[str, Any] = await page.evaluate(
        "(tags) => axe.run(document, { runOnly: { type: 'tag', values: tags }, resultTypes: ['violations'] })", _RULES
    )
    return [
        f"{each['id']}: {node['target']} {node['html'][:200]} {node['failureSummary']}"
        for each in found["violations"]
        for node in each["nodes"]
    ]
