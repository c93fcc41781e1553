"""URLs that the broker may be asked to call."""

import pytest

from broker.domain.outbound.urls import show_host, url_problem


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com",
        "https://example.com:8443/in?x=1",
        "http://10.0.0.1/",
        "https://[2606::1]/",
        "https://ex.com/%20",
    ],
)
def test_a_url_names_a_scheme_and_a_host(url: str) -> None:
    assert url_problem(url) == ""


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("", "begins with https://"),
        ("example.com/in", "begins with https://"),
        ("file:///etc/passwd", "begins with https://"),
        ("gopher://example.com", "begins with https://"),
        ("https:///in", "names a host"),
        ("https://user:pw@example.com", "keep them in a secret"),
        ("https://@example.com", "keep them in a secret"),
        ("https://example.com/a b", "no spaces"),
        ("https://example.com/\r\nX-Evil: 1", "no spaces"),
        ("https://example.com\\@127.0.0.1/", "no spaces"),
        ("https://example.com/#x", "behind #"),
        ("https://example.com:99999/", "no URL"),
        ("https://[::1/", "no URL"),
        ("https://example.com/" + "x" * 2048, "at most 2048"),
    ],
)
def test_what_is_wrong_with_others_is_said(url: str, why: str) -> None:
    assert why in url_problem(url)


def test_a_path_is_not_shown_as_it_may_be_the_secret() -> None:
    assert show_host("https://hooks.example.com/T0/B0/key") == "hooks.example.com"
    assert show_host("https://[::1/") == "no host"
