"""Whose word counts on where a request comes from."""

import pytest

from broker.domain.errors import BadRequest
from broker.gateway.serving.addresses import TrustedProxies, count_as

PROXIES = TrustedProxies(["10.0.0.0/8", "2001:db8::1"])


@pytest.mark.parametrize(
    ("host", "trusted"), [("10.1.2.3", True), ("11.1.2.3", False), ("2001:db8::1", True), ("", False), ("x", False)]
)
def test_proxies_are_named_by_address_or_network(host: str, trusted: bool) -> None:
    assert PROXIES.trusts(host) is trusted
    assert not TrustedProxies().trusts(host)


@pytest.mark.parametrize(
    ("told", "client"),
    [
        ([b"192.0.2.1"], "192.0.2.1"),
        ([b"203.0.113.9, 192.0.2.1, 10.0.0.2"], "192.0.2.1"),
        ([b"203.0.113.9", b"192.0.2.1:4711"], "192.0.2.1"),
        ([b"[2001:db8::7]:4711, 2001:db8::1"], "2001:db8::7"),
        ([b"10.0.0.3, 10.0.0.2"], "10.0.0.3"),
        ([b" , "], None),
        ([], None),
    ],
)
def test_a_client_is_the_last_hop_that_no_proxy_of_ours_is(told: list[bytes], client: str | None) -> None:
    assert PROXIES.client_of([(b"x-forwarded-for", each) for each in told]) == client


@pytest.mark.parametrize(
    ("told", "client"),
    [
        ({"forwarded": "for=192.0.2.1;proto=https"}, "192.0.2.1"),
        ({"forwarded": 'for=203.0.113.9, For="[2001:db8::7]:47"; by=10.0.0.2, for=10.0.0.2'}, "2001:db8::7"),
        ({"forwarded": "for=192.0.2.1", "x-forwarded-for": "192.0.2.1"}, "192.0.2.1"),
        ({"forwarded": "for=203.0.113.9", "x-forwarded-for": "192.0.2.1"}, None),
        ({"forwarded": "proto=https"}, None),
        ({"forwarded": ";;=,"}, None),
    ],
)
def test_two_ways_of_saying_where_a_request_comes_from_must_agree(told: dict[str, str], client: str | None) -> None:
    assert PROXIES.client_of([(name.encode(), value.encode()) for name, value in told.items()]) == client


@pytest.mark.parametrize(
    ("told", "host"),
    [
        ({"x-forwarded-host": "relay.example"}, "relay.example"),
        ({"x-forwarded-host": "evil.example, relay.example:8443"}, "relay.example:8443"),
        ({"forwarded": "host=relay.example"}, "relay.example"),
        ({"forwarded": "host=evil.example", "x-forwarded-host": "relay.example"}, None),
        ({}, None),
    ],
)
def test_a_proxy_may_say_what_the_client_called_us(told: dict[str, str], host: str | None) -> None:
    assert PROXIES.host_of([(name.encode(), value.encode()) for name, value in told.items()]) == host


@pytest.mark.parametrize(
    ("told", "secure"), [([b"https"], True), ([b"http, https"], True), ([b"https, http"], False), ([], False)]
)
def test_a_client_speaks_tls_when_the_last_proxy_says_so(told: list[bytes], secure: bool) -> None:
    assert PROXIES.is_secure([(b"x-forwarded-proto", each) for each in told]) is secure


def test_subscribers_are_counted_and_not_the_addresses_they_have_by_the_billion() -> None:
    assert count_as("2001:db8::1") == count_as("2001:db8::ffff") == "2001:db8::"
    assert count_as("::ffff:192.0.2.1") == count_as("192.0.2.1") == "192.0.2.1"
    assert count_as(None) == count_as("a name") == "unknown"


def test_what_is_no_address_is_refused() -> None:
    with pytest.raises(BadRequest):
        TrustedProxies(["load-balancer"])
