"""Every page of the dashboard, and what is seen on it when it has read what it shows."""

from __future__ import annotations

from collections.abc import Callable

from playwright.async_api import Locator, Page

FILLED: dict[str, Callable[[Page], Locator]] = {
    "/": lambda page: page.get_by_role("heading", name="Machines"),
    "/session/{session}": lambda page: page.get_by_text("Good game").first,
    "/machine/{machine}": lambda page: page.get_by_text("Agents at once"),
    "/inbox": lambda page: page.get_by_role("button", name="Allow once").first,
    "/logs": lambda page: page.get_by_role("link", name="Link to this line").first,
    "/usage": lambda page: page.get_by_role("table").first,
    "/rules": lambda page: page.get_by_role("button", name="Remove rule 1"),
    "/people": lambda page: page.get_by_role("table").first,
    "/groups": lambda page: page.get_by_text("No groups yet"),
    "/access-tokens": lambda page: page.get_by_role("heading", name="No service accounts yet"),
    "/audit": lambda page: page.get_by_role("table").first,
    "/settings": lambda page: page.get_by_role("button", name="Sign out here"),
}
"""Where much has happened."""
EMPTY: dict[str, Callable[[Page], Locator]] = {
    "/": lambda page: page.get_by_text("No sessions yet"),
    "/session/none": lambda page: page.get_by_text("Session not found"),
    "/machine/none": lambda page: page.get_by_text("Machine not found"),
    "/inbox": lambda page: page.get_by_text("Nothing needs you"),
    "/logs": lambda page: page.get_by_role("heading", name="Logs"),
    "/usage": lambda page: page.get_by_role("heading", name="Usage"),
    "/workflows": lambda page: page.get_by_text("No runs yet"),
    "/workflows/none": lambda page: page.get_by_text("Run not found"),
    "/workflows/files": lambda page: page.get_by_text("No file was run yet"),
    "/workflows/none/compare/none": lambda page: page.get_by_text("Run not found"),
    "/rules": lambda page: page.get_by_text("No rules yet"),
    "/people": lambda page: page.get_by_role("table").first,
    "/groups": lambda page: page.get_by_text("No groups yet"),
    "/access-tokens": lambda page: page.get_by_role("heading", name="No service accounts yet"),
    "/hooks": lambda page: page.get_by_text("No hooks yet"),
    "/hooks?tab=edit": lambda page: page.get_by_role("textbox", name="Hooks as YAML"),
    "/sign-in": lambda page: page.get_by_role("heading", name="Sign in to Relaycast"),
}
"""Where nothing has."""
