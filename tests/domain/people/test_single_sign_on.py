"""What is agreed with an identity provider, and whom it may let in."""

from __future__ import annotations

from dataclasses import replace

import pytest

from broker.domain.errors import BadRequest
from broker.domain.people.access import MemberRole
from broker.domain.people.members import member_name
from broker.domain.people.single_sign_on import (
    Identity,
    ProviderTerms,
    check_terms,
    is_same_client,
    is_subject,
    may_come_in,
    names_to_try,
)

_TERMS = ProviderTerms(issuer="https://login.example.com/realms/acme", client_id="relaycast")


def test_domains_have_one_spelling_and_stand_once() -> None:
    terms = check_terms(
        replace(_TERMS, domains=(" Example.COM ", "@example.com", "bücher.example", "a-b.example.org."))
    )

    assert terms.domains == ("example.com", "xn--bcher-kva.example", "a-b.example.org")


@pytest.mark.parametrize(
    ("changed", "word"),
    [
        ({"issuer": "ldap://login.example.com"}, "https://"),
        ({"issuer": "https://"}, "host"),
        ({"issuer": "https://me:word@login.example.com"}, "password"),
        ({"issuer": "https://login.example.com?tenant=1"}, "?"),
        ({"issuer": "https://login.example.com#a"}, "#"),
        ({"client_id": ""}, "client_id"),
        ({"client_id": "a\nb"}, "client_id"),
        ({"client_id": "a" * 256}, "client_id"),
        ({"secret": "1"}, "secret"),
        ({"domains": ("localhost",)}, "domain"),
        ({"domains": ("*.example.com",)}, "domain"),
        ({"domains": tuple(f"d{n}.example.com" for n in range(51))}, "50"),
        ({"joins_as": MemberRole.ADMIN}, "joins_as"),
        ({"joins_as": MemberRole.OWNER}, "joins_as"),
        ({"hours": 0}, "hours"),
        ({"hours": 721}, "hours"),
        ({"issuer": "https://accounts.google.com", "joins_as": MemberRole.MEMBER}, "--domain"),
    ],
)
def test_what_cannot_be_agreed_is_said(changed: dict[str, object], word: str) -> None:
    with pytest.raises(BadRequest, match=rf"(?s){word.replace('?', '[?]')}"):
        check_terms(replace(_TERMS, **changed))  # type: ignore[arg-type]


def test_of_a_provider_of_everybody_people_of_named_domains_may_come_in() -> None:
    google = replace(_TERMS, issuer="https://accounts.google.com")
    named = check_terms(replace(google, joins_as=MemberRole.MEMBER, domains=("example.com",)))

    assert check_terms(google).joins_as is None  # whoever is invited may use it
    assert may_come_in(Identity(issuer=google.issuer, subject="1", domains=("example.com",)), named)
    assert not may_come_in(Identity(issuer=google.issuer, subject="1", domains=("example.org",)), named)
    assert not may_come_in(Identity(issuer=google.issuer, subject="1"), named)
    assert may_come_in(Identity(issuer=google.issuer, subject="1"), google)


def test_the_same_client_is_one_of_the_same_issuer() -> None:
    assert is_same_client(_TERMS, replace(_TERMS, hours=1, required=True, secret="OTHER"))
    assert not is_same_client(_TERMS, replace(_TERMS, client_id="other"))
    assert not is_same_client(_TERMS, replace(_TERMS, issuer="https://login.example.com/realms/other"))


def test_an_identity_is_known_by_issuer_and_subject_alone() -> None:
    one = Identity(issuer="https://a.example.com", subject="7", names=("Ada",))

    assert one.key == replace(one, names=("Grace",), domains=("example.com",)).key
    assert one.key != replace(one, subject="8").key
    assert one.key != replace(one, issuer="https://b.example.com").key


@pytest.mark.parametrize(
    ("text", "good"),
    [("248289761001", True), ("a" * 255, True), ("a" * 256, False), ("", False), ("ä", False), ("a\n", False)],
)
def test_a_subject_has_255_ascii_characters_at_most(text: str, good: bool) -> None:
    assert is_subject(text) is good


def test_somebody_new_is_called_by_the_best_name_that_can_be_one() -> None:
    identity = Identity(
        issuer="https://a.example.com", subject="7", names=("", "me", "0123456789abcdef", "Ada / \u202eLovelace")
    )

    assert names_to_try(identity)[:3] == ["Ada Lovelace", "Ada Lovelace 2", "Ada Lovelace 3"]
    assert names_to_try(replace(identity, names=()))[:2] == ["new person", "new person 2"]


def test_every_name_that_is_tried_can_be_one() -> None:
    tried = names_to_try(Identity(issuer="https://a.example.com", subject="7", names=("A" * 59 + " B",)))

    assert tried == [member_name(each) for each in tried]
    assert len(set(tried)) == len(tried)
