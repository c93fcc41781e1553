"""What the store has of a secret: nothing that can be read, moved or changed without the installation's key."""

from base64 import b64decode, b64encode
from dataclasses import replace

import pytest

from broker.adapters.sealing import AesGcmSealing, make_key, split_keys
from broker.domain.errors import BadRequest, NotConfigured
from broker.domain.ids import WorkspaceId
from broker.services.ports import Sealed

HERE, THERE = WorkspaceId("here"), WorkspaceId("there")
KEY, NEW = make_key(), make_key()


def test_a_value_opens_with_its_key_alone() -> None:
    sealed = AesGcmSealing([KEY]).seal(HERE, "CI", "pässword")
    assert "pässword" not in sealed.text
    assert AesGcmSealing([KEY]).unseal(HERE, "CI", sealed) == "pässword"
    with pytest.raises(NotConfigured, match=f"key {sealed.key}, which this process was not given"):
        AesGcmSealing([NEW]).unseal(HERE, "CI", sealed)


def test_the_same_value_looks_different_each_time() -> None:
    sealing = AesGcmSealing([KEY])
    assert sealing.seal(HERE, "CI", "x").text != sealing.seal(HERE, "CI", "x").text


@pytest.mark.parametrize(("workspace", "name"), [(THERE, "CI"), (HERE, "OTHER")])
def test_a_row_that_was_copied_elsewhere_does_not_open(workspace: WorkspaceId, name: str) -> None:
    sealing = AesGcmSealing([KEY])
    sealed = sealing.seal(HERE, "CI", "x")
    with pytest.raises(NotConfigured, match="changed in the store, or belongs elsewhere"):
        sealing.unseal(workspace, name, sealed)


def test_a_changed_byte_is_found() -> None:
    sealing = AesGcmSealing([KEY])
    sealed = sealing.seal(HERE, "CI", "password")
    raw = bytearray(b64decode(sealed.text))
    raw[14] ^= 1
    with pytest.raises(NotConfigured):
        sealing.unseal(HERE, "CI", replace(sealed, text=b64encode(raw).decode()))


def test_the_first_key_seals_and_all_open() -> None:
    old = AesGcmSealing([KEY]).seal(HERE, "CI", "x")
    both = AesGcmSealing([NEW, KEY])
    assert both.unseal(HERE, "CI", old) == "x"
    assert both.seal(HERE, "CI", "x").key == both.current == AesGcmSealing([NEW]).current


def test_without_a_key_nothing_is_sealed_and_the_refusal_says_how_to_have_one() -> None:
    with pytest.raises(NotConfigured, match="RELAYCAST_SECRET_KEY") as refused:
        AesGcmSealing([]).seal(HERE, "CI", "x")
    assert refused.value.code == "SECRET_KEY_NOT_CONFIGURED"


SPOILT = ["short", "é" * 44, b64encode(b"k" * 31).decode(), KEY + KEY]


@pytest.mark.parametrize("spoilt", SPOILT, ids=["short", "not base64", "31 bytes", "two keys in one"])
def test_a_spoilt_key_is_refused_without_being_said(spoilt: str) -> None:
    with pytest.raises(BadRequest, match="key 2 of RELAYCAST_SECRET_KEY") as refused:
        AesGcmSealing([KEY, spoilt])
    assert spoilt not in refused.value.message


def test_keys_stand_on_lines_or_behind_commas() -> None:
    assert split_keys(f"{KEY}\n{NEW}\n") == split_keys(f"{KEY},{NEW}") == (KEY, NEW)


def test_a_sealed_value_is_not_shown_where_records_are() -> None:
    assert "zzz" not in repr(Sealed("k", "zzz"))
