"""Which names the broker answers to.

A page of somebody else can have its own name resolve to this machine, and then speaks to the broker as if it were the
broker's own page. It cannot do so with an address, so those are always good; and only browsers do it, which always say
a name, so a request without one is good too.
"""

from __future__ import annotations

import socket
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
        if not host or name in self._names or _is_address(name):
            return
        raise WrongHost(f"this broker is not called {name[:40]!r}; --allow-host names what it is called")


def names_of_machine(bound: str) -> tuple[str, ...]:
    """What others on the network call this machine, when the broker is bound where they reach it."""
    if not _is_address(bound):
        return (bound,)
    if ip_address(bound).is_loopback:
        return ()
    name = socket.gethostname()
    return (name, f"{name.partition('.')[0]}.local")


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
