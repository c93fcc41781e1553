"""JSON of a provider is read strictly, and its words are shown briefly."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.adapters.oidc.documents import read_object, shown
from broker.domain.errors import IdentityProviderFailed


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "no JSON that can be read"),
        (b"<!doctype html><title>Sign in</title>", "no JSON that can be read"),
        (b"\xff\xfe{}", "no JSON that can be read"),
        (b'{"a":"\xc3("}', "no JSON that can be read"),
        (b'{"a":' * 50_000, "no JSON that can be read"),
        (b"[" * 50_000 + b"]" * 50_000, "no JSON that can be read"),
        (b'{"a":' + b"1" * 5000 + b"}", "no JSON that can be read"),
        (b'{"a":-Infinity}', "no JSON that can be read"),
        (b"[]", "no JSON object"),
        (b"null", "no JSON object"),
        (b'{"a":1,"a":2}', "names a member twice"),
        (b'{"in":{"a":1,"\\u0061":2}}', "names a member twice"),
    ],
)
def test_documents_are_read_strictly(body: bytes, reason: str) -> None:
    with pytest.raises(IdentityProviderFailed, match=f"the document is {reason}|the document {reason}"):
        read_object(body, what="the document")


@given(st.binary())
def test_any_bytes_are_an_object_or_refused(body: bytes) -> None:
    try:
        assert isinstance(read_object(body, what="it"), dict)
    except IdentityProviderFailed:
        return


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ("Bücher", "Bücher"),
        ("\x1b[2Ja\u202eb\nc", "?[2Ja?b?c"),
        ("x" * 5000, "x" * 200),
        (None, ""),
        (["a"], ""),
        (7, ""),
    ],
)
def test_words_are_shown_without_what_is_not_seen_and_not_many_of_them(told: object, words: str) -> None:
    assert shown(told) == words
