"""The system's Chromium without a window: where it is, how it is started, and that it reaches this machine alone."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

from playwright.async_api import Browser, async_playwright

EXECUTABLE_VARIABLE = "RELAYCAST_CHROMIUM"
HOW_TO_INSTALL = (
    "the dashboard's tests need Chromium: install it (Debian: apt-get install chromium-headless-shell), "
    f"or name its executable in {EXECUTABLE_VARIABLE}"
)
NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
"""First what has no window to leave out: the same pages, scripts and layout for a third of the processor time."""
_FLAGS = (
    "--headless=new",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # Whatever a page or the browser itself asks for, no other host has an address.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)


def executable() -> Path | None:
    """The browser, or nothing when there is none."""
    given = os.environ.get(EXECUTABLE_VARIABLE)
    found = given or next(filter(None, map(shutil.which, NAMES)), None)
    return Path(found) if found else None


@contextlib.asynccontextmanager
async def chromium(*flags: str) -> AsyncIterator[Browser]:
    """A running browser; each of its contexts is a fresh profile."""
    found = executable()
    if found is None:
        raise FileNotFoundError(HOW_TO_INSTALL)
    # Chromium has no sandbox for root, which is who tests are in a container.
    sandbox = [] if os.geteuid() else ["--no-sandbox"]
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=found, args=[*_FLAGS, *sandbox, *flags])
        try:
            yield browser
        finally:
            await browser.close()
