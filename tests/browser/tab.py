"""A tab that nothing goes wrong in unnoticed: errors, broken policies and requests elsewhere fail the test."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from playwright.async_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Error,
    Page,
    Request,
    ViewportSize,
    WebSocket,
    expect,
)

PHONE = ViewportSize(width=360, height=740)
DESK = ViewportSize(width=1280, height=800)
PATIENCE_S = 30.0
"""For anything that a page is to show; on a quiet machine it takes a tenth of a second."""
expect.set_options(timeout=PATIENCE_S * 1000)
_ELSEWHERE = re.compile(r"^(?!(https?|wss?)://127\.0\.0\.1[:/]|(data|blob):)")


# Without slots: the driver marks the owner of each handler it is given.
@dataclass(kw_only=True)
class Person:
    """A browser profile of its own, with its tabs and all that went wrong in them."""

    context: BrowserContext
    wrong: list[str] = field(default_factory=list)
    _expected: list[re.Pattern[str]] = field(default_factory=list)

    async def tab(self, url: str = "") -> Page:
        """One more tab of this profile."""
        page = await self.context.new_page()
        page.on("console", self._on_console)
        page.on("pageerror", self._on_page_error)
        page.on("websocket", self._on_websocket)
        if url:
            await page.goto(url)
        return page

    def expect_error(self, pattern: str) -> None:
        """A console error that belongs to what the test does."""
        self._expected.append(re.compile(pattern))

    def check(self) -> None:
        """Nothing went wrong but what was expected to."""
        unexpected = [said for said in self.wrong if not any(each.search(said) for each in self._expected)]
        assert not unexpected, "in the browser: " + "\n".join(unexpected)

    def on_failure(self, request: Request) -> None:
        """What is asked of another host gets no answer (see `chromium`), and is not forgiven."""
        if _ELSEWHERE.match(request.url):
            self.wrong.append(f"asked for {request.url}")

    # A policy that is violated is an error of the console too.
    def _on_console(self, said: ConsoleMessage) -> None:
        if said.type == "error":
            self.wrong.append(f"{said.text} ({said.location.get('url', '')})")

    def _on_page_error(self, error: Error) -> None:
        self.wrong.append(f"uncaught: {error}")

    def _on_websocket(self, socket: WebSocket) -> None:
        if _ELSEWHERE.match(socket.url):
            self.wrong.append(f"opened {socket.url}")


@contextlib.asynccontextmanager
async def person(browser: Browser, **options: Any) -> AsyncIterator[Person]:
    """A fresh profile; at its end everything that went wrong in it is told."""
    context = await browser.new_context(**{"viewport": DESK, "reduced_motion": "reduce", **options})
    context.set_default_timeout(PATIENCE_S * 1000)
    made = Person(context=context)
    # Not by a route: with one, the browser keeps nothing of what it was sent.
    context.on("requestfailed", made.on_failure)
    try:
        yield made
    finally:
        await _close(context)
    made.check()


async def _close(context: BrowserContext) -> None:
    """End a profile, or leave it to the browser's own end.

    Chromium now and then never answers `Target.disposeBrowserContext` while a page of it is being loaded.
    """
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(PATIENCE_S):
            await context.close()
