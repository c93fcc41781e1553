"""Which addresses the broker connects to for a tenant."""

import pytest

from broker.domain.errors import BadRequest
from broker.domain.outbound.addresses import AddressPolicy

INSIDE = [
    "0.0.0.0",
    "10.1.2.3",
    "100.100.100.200",  # metadata of Alibaba Cloud
    "127.0.0.1",
    "127.255.255.254",
    "168.63.129.16",  # Azure's platform
    "169.254.169.254",  # metadata of most clouds
    "172.31.0.1",
    "192.0.0.192",  # metadata of Oracle Cloud
    "192.168.1.1",
    "198.18.0.1",
    "224.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:a9fe:a9fe",
    "64:ff9b::7f00:1",  # NAT64 of 127.0.0.1
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::1",
    "2002:7f00:1::",  # 6to4 of 127.0.0.1
    "2002:c0a8:101::1",
    "2001:0:4136:e378:8000:63bf:80ff:fffe",  # Teredo of 127.0.0.1
    "fc00::1",
    "fd00:ec2::254",  # metadata of AWS
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
]
OUTSIDE = ["1.1.1.1", "8.8.8.8", "::ffff:8.8.8.8", "2606:4700:4700::1111", "64:ff9b::808:808", "172.32.0.1"]


@pytest.mark.parametrize("address", INSIDE)
def test_what_only_the_brokers_own_network_reaches_is_refused(address: str) -> None:
    assert not AddressPolicy().may_connect(address)


@pytest.mark.parametrize("address", OUTSIDE)
def test_public_addresses_are_reached(address: str) -> None:
    assert AddressPolicy().may_connect(address)
    assert not AddressPolicy().is_opened(address)


@pytest.mark.parametrize("text", ["", "localhost", "127.1", "2130706433", "0x7f000001", "1.1.1.1.example", "1.1.1.1/8"])
def test_what_is_no_address_is_refused(text: str) -> None:
    assert not AddressPolicy().may_connect(text)


def test_the_operator_opens_networks_in_every_writing_of_their_addresses() -> None:
    opened = AddressPolicy(["10.1.0.0/16", "fd00::/8"])
    for address in ("10.1.2.3", "::ffff:10.1.2.3", "fd12::1"):
        assert opened.may_connect(address)
        assert opened.is_opened(address)
    for address in ("10.2.0.1", "127.0.0.1", "fe80::1", "::ffff:10.2.0.1"):
        assert not opened.may_connect(address)


@pytest.mark.parametrize("text", ["", "10.0.0.1/8", "example.com", "10.0.0.0/33"])
def test_what_is_no_network_is_refused_with_the_option_it_came_from(text: str) -> None:
    with pytest.raises(BadRequest, match="--allow-outbound"):
        AddressPolicy([text])
