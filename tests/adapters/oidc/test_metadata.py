"""What a provider's discovery document may say, and what is refused in words."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.adapters.oidc.metadata import Metadata, address, discovery_url, read_metadata
from broker.domain.errors import IdentityProviderFailed

ISSUER = "https://idp.example.com/tenant"
DOCUMENT: dict[str, Any] = {
    "issuer": ISSUER,
    "authorization_endpoint": f"{ISSUER}/authorize",
    "token_endpoint": f"{ISSUER}/token",
    "jwks_uri": f"{ISSUER}/keys",
    "userinfo_endpoint": f"{ISSUER}/me",
    "response_types_supported": ["code", "id_token"],
    "id_token_signing_alg_values_supported": ["HS256", "RS256"],
    "code_challenge_methods_supported": ["plain", "S256"],
    "unknown": {"kept": False},
}


def read(**changed: object) -> Metadata:
    """`DOCUMENT` with other members; None leaves one out."""
    document = {name: value for name, value in {**DOCUMENT, **changed}.items() if value is not None}
    return read_metadata(document, issuer=ISSUER)


def test_what_is_used_of_a_document_is_kept() -> None:
    assert read() == Metadata(
        issuer=ISSUER,
        authorization_endpoint=f"{ISSUER}/authorize",
        token_endpoint=f"{ISSUER}/token",
        jwks_uri=f"{ISSUER}/keys",
        userinfo_endpoint=f"{ISSUER}/me",
        takes_basic=True,
        takes_post=False,
    )


@pytest.mark.parametrize(
    "optional",
    [
        "userinfo_endpoint",
        "response_types_supported",
        "id_token_signing_alg_values_supported",
        "code_challenge_methods_supported",
    ],
)
def test_a_provider_need_not_say_all(optional: str) -> None:
    assert read(**{optional: None}).issuer == ISSUER


@pytest.mark.parametrize(
    ("methods", "basic", "post"),
    [
        (["client_secret_post"], False, True),
        (["client_secret_post", "client_secret_basic"], True, True),
        (["private_key_jwt", "none"], False, False),
    ],
)
def test_how_a_client_shows_its_secret_is_the_providers_to_say(methods: list[str], basic: bool, post: bool) -> None:
    said = read(token_endpoint_auth_methods_supported=methods)
    assert (said.takes_basic, said.takes_post) == (basic, post)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        *(({"issuer": other}, "letter for letter") for other in (ISSUER + "/", ISSUER.upper(), "https://evil.example")),
        ({"issuer": "https://login.example.com/{tenantid}/v2.0"}, "letter for letter"),
        ({"issuer": None}, "in another form: issuer"),
        ({"issuer": [ISSUER]}, "in another form: issuer"),
        ({"issuer": "\ud800"}, "letter for letter"),
        ({"authorization_endpoint": ISSUER + "/?\ud800"}, "authorization_endpoint: a URL has ASCII"),
        ({"token_endpoint": "https://bücher.example/"}, "token_endpoint: a URL has ASCII"),
        ({"token_endpoint": None, "jwks_uri": None}, "in another form: token_endpoint, jwks_uri"),
        ({"authorization_endpoint": 7}, "in another form: authorization_endpoint"),
        ({"response_types_supported": "code"}, "in another form: response_types_supported"),
        ({"code_challenge_methods_supported": [None]}, "in another form: code_challenge_methods_supported"),
        ({"token_endpoint": "/token"}, "token_endpoint: a URL to call begins with https://"),
        ({"token_endpoint": "https://a:b@idp.example.com/"}, "token_endpoint: a name and password"),
        ({"token_endpoint": ISSUER + "/" + "x" * 3000}, "token_endpoint: a URL has at most"),
        ({"jwks_uri": "file:///etc/passwd"}, "jwks_uri: a URL to call begins with https://"),
        ({"userinfo_endpoint": "https://idp.example.com/me#x"}, "userinfo_endpoint: what stands behind #"),
        ({"userinfo_endpoint": ""}, "userinfo_endpoint: a URL to call begins with https://"),
        ({"authorization_endpoint": "javascript:alert(1)"}, "authorization_endpoint: a URL to call begins with"),
        ({"authorization_endpoint": ISSUER + "/\r\nSet-Cookie: a=b"}, "authorization_endpoint: a URL has no spaces"),
        ({"authorization_endpoint": "http://idp.example.com/"}, "people are sent over https only"),
        ({"response_types_supported": ["id_token"]}, "has no authorization code flow"),
        ({"code_challenge_methods_supported": []}, "takes no PKCE with S256"),
        ({"code_challenge_methods_supported": ["plain"]}, "takes no PKCE with S256"),
        ({"id_token_signing_alg_values_supported": ["none", "HS256"]}, "with no algorithm that is believed"),
    ],
)
def test_a_provider_that_cannot_be_used_is_refused_for_what_it_lacks(changed: dict[str, object], reason: str) -> None:
    with pytest.raises(IdentityProviderFailed, match=reason) as refused:
        read(**changed)
    assert refused.value.message.isprintable()
    assert len(refused.value.message) < 400


def test_the_document_is_where_the_specification_says() -> None:
    assert discovery_url(ISSUER) == discovery_url(ISSUER + "/") == f"{ISSUER}/.well-known/openid-configuration"


def test_what_an_endpoint_has_behind_its_question_mark_stays_unless_it_is_ours() -> None:
    metadata = read(authorization_endpoint=f"{ISSUER}/authorize?policy=b2c&empty=&state=theirs")
    url = address(metadata, {"state": "ours & more", "client_id": "relaycast"})
    assert parse_qsl(urlsplit(url).query, keep_blank_values=True) == [
        ("policy", "b2c"),
        ("empty", ""),
        ("state", "ours & more"),
        ("client_id", "relaycast"),
    ]


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.text().map(f"{ISSUER}/?".__add__),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(changed=st.dictionaries(st.sampled_from([*DOCUMENT, "token_endpoint_auth_methods_supported"]), VALUES))
def test_any_document_is_used_or_refused(changed: dict[str, Any]) -> None:
    try:
        said = read_metadata({**DOCUMENT, **changed}, issuer=ISSUER)
    except IdentityProviderFailed:
        return
    url = address(said, {"state": "ours"})
    assert url.startswith("https://")
    assert "state=ours" in url
