"""Which addresses the broker may connect to for a tenant: none that only its own network reaches.

The networks are those of the IANA special-purpose registries (RFC 6890 and its updates) that are not globally
reachable, and addresses of clouds' metadata outside of them. They stand here in full, as what Python's `ipaddress`
calls global differs between its versions.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from broker.domain.errors import BadRequest

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_REFUSED: tuple[Network, ...] = tuple(
    ip_network(text)
    for text in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
        *("192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24"),
        *("203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
        "168.63.129.16/32",  # Azure's platform, in public space
        *("::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "3fff::/20", "5f00::/16"),
        *("fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8"),
    )
)
_NAT64 = ip_network("64:ff9b::/96")


class AddressPolicy:
    """Decides about addresses. `allowed`: networks that the operator has opened, as CIDR."""

    def __init__(self, allowed: Iterable[str] = ()) -> None:
        """Raises `BadRequest` for what is no network."""
        self._allowed = tuple(map(_network, allowed))

    def is_opened(self, text: str) -> bool:
        """Whether the operator has opened a network that has this address."""
        return any(_within(each, self._allowed) for each in _meanings(text))

    def may_connect(self, text: str) -> bool:
        """Whether the broker may connect to an address; what is no address never."""
        meanings = list(_meanings(text))
        if not meanings:
            return False
        return self.is_opened(text) or not any(_within(each, _REFUSED) for each in meanings)


def _meanings(text: str) -> Iterator[Address]:
    """An address, and the IPv4 address that it is another writing of, or leads to through a gateway."""
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped:
            yield address.ipv4_mapped
            return
        inner = address.sixtofour or (address.teredo[1] if address.teredo else None)
        if inner is None and address in _NAT64:
            inner = IPv4Address(address.packed[-4:])
        if inner is not None:
            yield inner
    yield address


def _within(address: Address, networks: tuple[Network, ...]) -> bool:
    return any(address.version == each.version and address in each for each in networks)


def _network(text: str) -> Network:
    try:
        return ip_network(text.strip())
    except ValueError as error:
        raise BadRequest(f"--allow-outbound {text!r} is no network: {error}") from None
