"""A line for each step of each message at this machine, where that is asked for (`--log-steps`).

The ids behind the text join it with the broker's own lines: `message`, `agent`, and the `link` that carried it.
"""

from __future__ import annotations

import logging

_log = logging.getLogger("relay-connect.steps")
_MOST = 200
"""Characters of one id."""


def log_steps(*, wanted: bool) -> None:
    """Whether there are such lines from now on. They go where this process' other lines go."""
    _log.setLevel(logging.INFO if wanted else logging.WARNING)


def tell_step(text: str, **ids: object) -> None:
    """One line; ids that are None are left out."""
    if _log.isEnabledFor(logging.INFO):
        about = " ".join(f"{name}={_shown(value)}" for name, value in ids.items() if value is not None)
        _log.info("%s %s", text, about)


def _shown(value: object) -> str:
    """In one word: some ids are an agent's or a broker's own, and none of them writes a line of its own."""
    text = str(value)
    return text if text.isprintable() and " " not in text and len(text) <= _MOST else ascii(text[:_MOST])
