"""Whom claims are about: names, and domains that the provider vouches for."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.adapters.oidc.identities import add_userinfo, identity, is_enough
from broker.domain.errors import IdentityProviderFailed
from broker.domain.people.single_sign_on import Identity, names_to_try

ISSUER = "https://idp.example.com"
GOOGLE = "https://accounts.google.com"


def of(issuer: str = ISSUER, **claims: object) -> Identity:
    return identity({"sub": "0042", **claims}, issuer=issuer)


def test_names_are_the_best_first_and_each_once() -> None:
    found = of(
        name="Ada King",
        given_name="Ada",
        family_name="King",
        preferred_username="ada.k",
        nickname="ada",
        email="ada@example.com",
    )
    assert found.names == ("Ada King", "ada.k", "ada")
    assert of(given_name="Ada").names == ("Ada",)
    assert of(family_name="King", email="k@example.com").names == ("King", "k")


@pytest.mark.parametrize("value", [None, 7, True, ["Ada"], {"en": "Ada"}, "", "  ", "\ud800"])
def test_a_name_that_is_no_text_is_none(value: object) -> None:
    assert of(name=value).names == ()


def test_long_names_are_cut() -> None:
    assert of(name="x" * 5000, given_name="y" * 300, family_name="z" * 300).names == ("x" * 200, "y" * 200)


@pytest.mark.parametrize("verified", [True, "true"])
def test_the_domain_of_an_address_counts_where_the_provider_has_verified_it(verified: object) -> None:
    assert of(email="Ada@EXAMPLE.com.", email_verified=verified).domains == ("example.com",)


@pytest.mark.parametrize("verified", [None, False, "false", "True", 1, "1", [True]])
def test_the_domain_of_no_other_address_counts(verified: object) -> None:
    assert of(email="ada@example.com", email_verified=verified).domains == ()


@pytest.mark.parametrize(
    ("email", "domains"),
    [
        ('"ada@example.com"@evil.test', ("evil.test",)),
        ("ada@example.com@evil.test", ("evil.test",)),
        ("ada@bücher.example", ("xn--bcher-kva.example",)),
        ("@example.com", ()),
        ("example.com", ()),
        ("ada@", ()),
        ("ada@\ud800.com", ()),
        ("ada@" + "x" * 300, ()),
        ("ada@" + "\u00e9" * 100, ()),
        (["ada@example.com"], ()),
    ],
)
def test_a_domain_is_what_stands_behind_the_last_at(email: object, domains: tuple[str, ...]) -> None:
    assert of(email=email, email_verified=True).domains == domains


def test_the_company_of_an_account_counts_with_google_alone() -> None:
    assert of(GOOGLE, hd="Example.com").domains == ("example.com",)
    assert of(GOOGLE, hd=["example.com"]).domains == ()
    assert of(ISSUER, hd="example.com").domains == ()


def test_more_is_asked_for_where_a_name_or_an_address_is_missing() -> None:
    assert is_enough({"sub": "1", "email": "a@b.example", "nickname": "a"})
    assert not is_enough({"sub": "1", "email": "a@b.example"})
    assert not is_enough({"sub": "1", "name": "a", "email": None})


def test_what_the_token_says_stays_and_an_address_is_of_one_source() -> None:
    token = {"sub": "1", "email": "ada@example.com"}
    said = {"sub": "1", "email": "other@example.org", "email_verified": True, "name": "Ada", "iss": "https://evil.test"}
    assert add_userinfo(token, said) == {"sub": "1", "email": "ada@example.com", "name": "Ada"}
    loose = {"sub": "1", "email_verified": True, "name": "Ada"}
    assert add_userinfo(loose, {"sub": "1", "email": "o@example.org"}) == {
        "sub": "1",
        "name": "Ada",
        "email": "o@example.org",
    }


@pytest.mark.parametrize("sub", ["2", "", None, 1, ["1"]])
def test_userinfo_of_somebody_else_is_not_used(sub: object) -> None:
    with pytest.raises(IdentityProviderFailed, match="tells of somebody else"):
        add_userinfo({"sub": "1"}, {"sub": sub, "name": "Eve"})
    with pytest.raises(IdentityProviderFailed, match="tells of somebody else"):
        add_userinfo({"sub": "1"}, {"name": "Eve"})


CLAIMS = st.dictionaries(
    st.sampled_from(["name", "given_name", "family_name", "nickname", "email", "email_verified", "hd"]),
    st.none() | st.booleans() | st.text(alphabet=st.characters()) | st.lists(st.text()),
)


@given(token=CLAIMS, userinfo=CLAIMS)
def test_any_claims_are_somebody(token: dict[str, Any], userinfo: dict[str, Any]) -> None:
    found = identity(add_userinfo({**token, "sub": "1"}, {**userinfo, "sub": "1"}), issuer=GOOGLE)
    assert found.key == Identity(issuer=GOOGLE, subject="1").key
    assert all(0 < len(each) <= 200 for each in found.names)
    assert names_to_try(found)
