"""What is said and asked when a person leaves the terminal."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

Ask = Callable[[str, bool], Awaitable[bool]]
"""Puts a question to the person, with the answer that Enter gives."""
Farewell = Callable[[Ask], Awaitable[str]]
"""Settles what is to become of the machine's link; what follows on "Disconnected"."""


async def leave_agents_alone(_: Ask) -> str:
    """For a terminal without a link of its own: nothing becomes of anything."""
    return ""
