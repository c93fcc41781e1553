"""Which names the broker answers to.

A page of somebody else can have its own name resolve to this machine, and then speaks to the broker as if it were the
broker's own page. It cannot do so with an address, so those are always good.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_address
from urllib.parse import urlsplit

from broker.domain.errors import RelayError

_LOCAL = frozenset({"localhost"})


class WrongHost(RelayError):
    """The request was meant for somebody of another name."""

    code = "WRONG_HOST"
    http_status = 421


class Hosts:
    """The names of this broker."""

    def __init__(self, url: str, names: Iterable[str] = ()) -> None:
        own = urlsplit(url).hostname or ""
        self._names = _LOCAL | {own.lower()} | {name.lower() for name in names}

    def require(self, host: str | None) -> None:
        """Raise `WrongHost` unless that Host header names this broker."""
        name = _name(host or "")
        if name in self._names or _is_address(name):
            return
        raise WrongHost(f"this broker is not called {name[:80]!r}; RELAYCAST_ALLOWED_HOSTS names what it is called")


def _name(host: str) -> str:
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
