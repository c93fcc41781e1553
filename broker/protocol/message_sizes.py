"""How long a message on a socket between a broker and its own programs may be."""

from __future__ import annotations

MAX_LINK_MESSAGE_BYTES = 24 * 1024 * 1024
"""One native frame at its cap, with its events beside it."""
