"""What keeps the parts of a worker going, whatever happens to them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from broker.domain.errors import Unavailable

_log = logging.getLogger(__name__)
_FIRST_PAUSE_S = 1.0
_LONGEST_PAUSE_S = 15.0
"""So a store that was away for long is used again this soon after it came back."""


async def forever(part: Callable[[], Awaitable[None]], *, name: str, first_pause_s: float = _FIRST_PAUSE_S) -> None:
    """Run a part again whenever it fails, until cancelled; the pauses grow while it fails at once."""
    now = asyncio.get_running_loop().time
    pause_s = first_pause_s
    while True:
        began = now()
        try:
            await part()
        except Unavailable as error:
            _log.warning("%s: %s", name, error.message)
        except Exception:  # the top of a task
            _log.exception("%s: unforeseen error; going on", name)
        if now() - began > _LONGEST_PAUSE_S:
            pause_s = first_pause_s
        await asyncio.sleep(pause_s)
        pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
