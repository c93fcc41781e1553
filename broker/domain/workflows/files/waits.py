"""What a step of type waitFor says that it waits for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

USUAL_WAIT_MS = 600_000
"""How long something else than a time is waited for, where a file does not say."""
_FILE = ("file", "path")
_WEBHOOK = "webhook"


def awaited_file(wanted: Mapping[str, Any] | None) -> str | None:
    """The path that is to be there, in the step's folder; None for another wait. The public format calls it `path`."""
    if wanted is None or "provider" in wanted:
        return None
    return next((wanted[key] for key in _FILE if isinstance(wanted.get(key), str)), None)


def waits_for_webhook(wanted: Mapping[str, Any] | None) -> bool:
    """Whether it is ended by a call from outside, to an address of the step's own."""
    return wanted is not None and _WEBHOOK in wanted


def longest_wait_ms(wanted: Mapping[str, Any]) -> int:
    """How long it is waited for."""
    said = wanted.get("timeoutMs")
    return said if isinstance(said, int) else USUAL_WAIT_MS
