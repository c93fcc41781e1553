"""Where a connection comes from, seen through the proxies that this installation trusts."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence

from starlette.requests import HTTPConnection

from broker.domain.errors import BadRequest

_FORWARDED_FOR = b"x-forwarded-for"
_FORWARDED_PROTO = b"x-forwarded-proto"
_FORWARDED_HOST = b"x-forwarded-host"
_FORWARDED = b"forwarded"
_Headers = Iterable[tuple[bytes, bytes]]


class TrustedProxies:
    """The load balancers whose word on a client's address counts; nobody else's does."""

    def __init__(self, named: Iterable[str] = ()) -> None:
        """Addresses or networks. Raises `BadRequest` for what is neither."""
        try:
            self._networks = [ipaddress.ip_network(each, strict=False) for each in named]
        except ValueError as error:
            raise BadRequest(f"a trusted proxy is an address or a network: {error}") from None

    def trusts(self, host: str | None) -> bool:
        """Whether that peer is one of them."""
        if not self._networks or not host:
            return False
        try:
            address = ipaddress.ip_address(host)
        except ValueError:
            return False
        return any(address in network for network in self._networks)

    def client_of(self, headers: _Headers) -> str | None:
        """The last address that was not appended by one of them: what stands before it anybody can have written.

        A proxy appends to one of X-Forwarded-For and Forwarded, and passes the other on as it came; which, we cannot
        know. So where there are both and they disagree, neither counts (None), and the peer itself is the client.
        """
        said = [hops for hops in (_split_list(headers, _FORWARDED_FOR), _read_forwarded(headers, "for")) if hops]
        clients = {self._last_untrusted(hops) for hops in said}
        return clients.pop() if len(clients) == 1 else None

    def is_secure(self, headers: _Headers) -> bool:
        """Whether the client speaks TLS with the proxy."""
        return (_require_agreement(headers, _FORWARDED_PROTO, "proto") or "").lower() in {"https", "wss"}

    def host_of(self, headers: _Headers) -> str | None:
        """What the client called us, when a proxy that renames us says so."""
        return _require_agreement(headers, _FORWARDED_HOST, "host")

    def _last_untrusted(self, hops: Sequence[str]) -> str:
        for hop in reversed(hops):
            if not self.trusts(_without_port(hop)):
                return _without_port(hop)
        return _without_port(hops[0])


def caller_address(connection: HTTPConnection) -> str:
    """What a request's attempts are counted for."""
    return count_as(connection.client.host if connection.client else None)


def count_as(host: str | None) -> str:
    """What attempts are counted for: an address, or the network that one subscriber has with IPv6."""
    try:
        address = ipaddress.ip_address(host or "")
    except ValueError:
        return "unknown"
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((address, 64), strict=False).network_address)
    return str(address)


def is_loopback(host: str | None) -> bool:
    """Whether that name or address is this machine's own, reached by nobody else."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return False


def _require_agreement(headers: _Headers, name: bytes, parameter: str) -> str | None:
    """What the last proxy said, in whichever of the two ways; None when they disagree."""
    said = {hops[-1] for hops in (_split_list(headers, name), _read_forwarded(headers, parameter)) if hops}
    return said.pop() if len(said) == 1 else None


def _split_list(headers: _Headers, wanted: bytes) -> list[str]:
    values = [value.decode("latin-1") for name, value in headers if name.lower() == wanted]
    return [each.strip() for value in values for each in value.split(",") if each.strip()]


def _read_forwarded(headers: _Headers, parameter: str) -> list[str]:
    """One parameter of each hop that says it (RFC 7239, section 4)."""
    found = []
    for hop in _split_list(headers, _FORWARDED):
        for pair in hop.split(";"):
            name, _, value = pair.strip().partition("=")
            if name.lower() == parameter and value:
                found.append(value.strip('"'))
    return found


def _without_port(hop: str) -> str:
    if hop.startswith("["):
        return hop[1:].partition("]")[0]
    return hop.partition(":")[0] if hop.count(":") == 1 else hop
