"""With which status relay-connect ends."""

from __future__ import annotations

from enum import IntEnum


class ExitStatus(IntEnum):
    """What the shell gets, besides 0, click's 1 and 2, and the terminal's own."""

    REFUSED = 3
    """The broker does not want this proxy: a wrong token, a newer connection of it, another protocol version."""
    STATE_LOST = 4
    """The state folder was deleted, moved or replaced while it ran."""
    UNFORESEEN = 70
    """EX_SOFTWARE of sysexits.h: the link process has ended without a word, or was upgraded while it ran."""
    FORCED = 130
    """A second signal: agents were killed without waiting."""
