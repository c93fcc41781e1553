"""How much of the process a peer may hold, and for how long, before it has said who it is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionLimits:
    """Deadlines of every connection, and bounds for those that nobody has authenticated on."""

    head_s: float = 10.0
    """For the request line and the headers, from the first byte or from connecting on."""
    head_bytes: int = 64 * 1024
    """Of the request line and the headers together."""
    idle_s: float = 5.0
    """Between two requests."""
    body_grace_s: float = 10.0
    """A body may take this long whatever its size, and longer in proportion to what has come."""
    body_bytes_per_s: int = 1024
    """The rate below which a body counts as held back."""
    body_s: float = 600.0
    """For the largest archive over a slow line; no body takes longer."""
    stranger_s: float = 20.0
    """A socket that has not been authenticated by now is closed."""
    stranger_bytes: int = 16 * 1024
    """What a socket may send before it is authenticated: room for a token."""
    strangers_per_address: int = 1024
    """Connections that nobody has authenticated on. Past it the oldest of the address is closed."""
    strangers: int = 8192
    """The same over all addresses."""
    wrong_tokens: int = 30
    """Of an address in a minute that are answered at once; further ones wait. A machine that was left with an old token
    has a few, and so have several behind one router."""
    wrong_tokens_of_all: int = 600
    """The same for all addresses together: there are more of them than anybody counts."""
