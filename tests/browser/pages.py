"""Every page of the dashboard, and what is seen on it when it has read what it shows."""

from __future__ import annotations

from collections.abc import Callable

from playwright.async_api import Locator, Page

FILLED: dict[str, Callable[[Page], Locator]] = {
    "/": lambda page: page.get_by_role("heading", name="Machines"),
    "/session/{session}": lambda page: page.get_by_text("Good game").first,
    "/inbox": lambda page: page.get_by_role("button", name="Allow once").first,
    "/logs": lambda page: page.get_by_role("link", name="Link to this line").first,
    "/usage": lambda page: page.get_by_role("table").first,
    "/audit": lambda page: page.get_by_role("table").first,
    "/settings": lambda page: page.get_by_role("button", name="Sign out here"),
}
"""Where much has happened."""
EMPTY: dict[str, Callable[[Page], Locator]] = {
    "/": lambda page: page.get_by_text("No sessions yet"),
    "/session/none": lambda page: page.get_by_text("Session not found"),
    "/inbox": lambda page: page.get_by_text("Nothing needs you"),
    "/logs": lambda page: page.get_by_role("heading", name="Logs"),
    "/usage": lambda page: page.get_by_role("heading", name="Usage"),
    "/workflows": lambda page: page.get_by_text("No runs yet"),
    "/workflows/none": lambda page: page.get_by_text("Run not found"),
    "/sign-in": lambda page: page.get_by_role("heading", name="Sign in to Relaycast"),
}
"""Where nothing has."""
