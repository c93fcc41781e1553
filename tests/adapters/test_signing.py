"""Checkpoints that are signed: by which key, and what is found not to be."""

from base64 import b64encode
from dataclasses import replace

import pytest

from broker.adapters.signing import Ed25519Signing, is_signed_by
from broker.domain.audit.chain import Checkpoint, read_checkpoint
from broker.domain.ids import WorkspaceId

OLD, NEW = (b64encode(letter * 32).decode() for letter in (b"a", b"b"))
CHECKPOINT = Checkpoint(workspace=WorkspaceId("w"), number=7, seal="ab" * 32, at_ms=1_700_000_000_000)


def test_a_signed_checkpoint_is_read_from_its_line_and_verified_with_the_public_key_alone() -> None:
    signing = Ed25519Signing((NEW, OLD))
    read = read_checkpoint(signing.sign(CHECKPOINT).line)
    assert read is not None
    assert is_signed_by(read, signing.keys)
    assert replace(read, key=None, signature=None) == CHECKPOINT


def test_what_an_older_key_signed_is_good_while_that_key_is_known() -> None:
    signed = Ed25519Signing((OLD,)).sign(CHECKPOINT)
    assert is_signed_by(signed, Ed25519Signing((NEW, OLD)).keys)
    assert not is_signed_by(signed, Ed25519Signing((NEW,)).keys)


@pytest.mark.parametrize(
    "change", [{"number": 8}, {"seal": "cd" * 32}, {"at_ms": 1}, {"workspace": "v"}, {"signature": "x"}, {"key": "x"}]
)
def test_whatever_was_changed_is_not_what_was_signed(change: dict[str, str | int]) -> None:
    signing = Ed25519Signing((NEW,))
    signed = replace(signing.sign(CHECKPOINT), **change)  # type: ignore[arg-type]
    assert not is_signed_by(signed, [*signing.keys, "x"])


def test_without_a_secret_key_nothing_is_signed() -> None:
    assert Ed25519Signing(()).sign(CHECKPOINT) == CHECKPOINT
    assert not is_signed_by(CHECKPOINT, Ed25519Signing((NEW,)).keys)
