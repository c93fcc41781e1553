"""The request that exchanges a code, and its answers in words."""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import parse_qs, unquote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.adapters.oidc.metadata import Metadata
from broker.adapters.oidc.token_requests import TokenRequest, Tokens, read_tokens, refusal, token_request
from broker.domain.errors import IdentityProviderFailed

SECRET = "a:b c%2B+&=é"


def metadata(*, basic: bool = True, post: bool = True) -> Metadata:
    return Metadata(
        issuer="https://idp.example.com",
        authorization_endpoint="https://idp.example.com/a",
        token_endpoint="https://idp.example.com/t",
        jwks_uri="https://idp.example.com/k",
        userinfo_endpoint=None,
        takes_basic=basic,
        takes_post=post,
    )


def request(secret: str | None, **methods: bool) -> tuple[TokenRequest, dict[str, list[str]]]:
    """And its form."""
    made = token_request(
        metadata(**methods),
        client_id="the client:1",
        client_secret=secret,
        code="c&d",
        verifier="v" * 43,
        answer_at="https://relay.example.com/answer",
    )
    return made, parse_qs(made.body.decode(), strict_parsing=True)


def test_a_secret_goes_into_the_header_encoded_as_the_specification_says() -> None:
    made, form = request(SECRET)
    name, colon, secret = base64.b64decode(made.headers["authorization"].removeprefix("Basic ")).decode().partition(":")
    assert (unquote_plus(name), colon, unquote_plus(secret)) == ("the client:1", ":", SECRET)
    assert form == {
        "grant_type": ["authorization_code"],
        "code": ["c&d"],
        "redirect_uri": ["https://relay.example.com/answer"],
        "code_verifier": ["v" * 43],
    }


def test_a_secret_goes_into_the_body_where_the_provider_takes_it_there_alone() -> None:
    made, form = request(SECRET, basic=False)
    assert "authorization" not in made.headers
    assert (form["client_id"], form["client_secret"]) == (["the client:1"], [SECRET])


def test_a_public_client_says_who_it_is_in_the_body() -> None:
    made, form = request(None, basic=False, post=False)
    assert "authorization" not in made.headers
    assert form["client_id"] == ["the client:1"]
    assert "client_secret" not in form


def test_a_provider_that_takes_no_secret_is_refused_in_words() -> None:
    with pytest.raises(IdentityProviderFailed, match="an owner enters a public client without a secret"):
        request(SECRET, basic=False, post=False)


def test_neither_secrets_nor_tokens_stand_in_what_is_written_about_them() -> None:
    made, _ = request(SECRET)
    assert repr(made) == "TokenRequest()"
    assert repr(read_tokens({"id_token": "a.b.c", "access_token": "secret"})) == "Tokens()"


@pytest.mark.parametrize("access_token", [None, 7, "with\nlines", "\u00e9", ["x"]])
def test_an_access_token_that_cannot_be_sent_is_none(access_token: object) -> None:
    assert read_tokens({"id_token": "a.b.c", "access_token": access_token}) == Tokens(
        id_token="a.b.c", access_token=None
    )


@pytest.mark.parametrize("id_token", [None, 7, ["a.b.c"], {}])
def test_an_answer_without_an_id_token_is_refused_in_words(id_token: object) -> None:
    with pytest.raises(IdentityProviderFailed, match="allows the client the scope openid"):
        read_tokens({"id_token": id_token, "access_token": "x"})


@pytest.mark.parametrize(
    ("error", "words"),
    [
        ("invalid_grant", "sign in again"),
        ("invalid_client", "an owner looks at client_id and at the secret"),
        ("unauthorized_client", "an administrator of the provider allows it"),
        ("invalid_scope", "openid, profile and email"),
        ("teapot", "it gives no reason that is known here. It says 'teapot: because'"),
        (["invalid_grant"], "it gives no reason that is known here. It says 'because'"),
    ],
)
def test_an_error_is_told_in_words(error: object, words: str) -> None:
    assert words in refusal({"error": error, "error_description": "because"}, secrets=[]).message


def test_what_a_provider_says_is_shown_unless_it_repeats_a_secret() -> None:
    said = {"error": "invalid_grant", "error_description": "the code Splx1O is unknown"}
    assert "Splx1O" in refusal(said, secrets=["other"]).message
    assert "Splx1O" not in refusal(said, secrets=["other", "Splx1O"]).message
    long = {"error": "x" * 5000, "error_description": "\x1b[2J\u202e" + "y" * 5000}
    message = refusal(long, secrets=[]).message
    assert message.isprintable()
    assert len(message) < 600


@given(
    st.dictionaries(st.sampled_from(["error", "error_description", "id_token"]), st.text() | st.none() | st.integers())
)
def test_any_answer_is_read_or_refused(document: dict[str, Any]) -> None:
    assert isinstance(refusal(document, secrets=["s"]), IdentityProviderFailed)
    try:
        assert isinstance(read_tokens(document).id_token, str)
    except IdentityProviderFailed:
        return
