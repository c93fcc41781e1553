"""Signs checkpoints of audit trails with Ed25519, by a key that follows from the one that secrets are sealed with.

Signed, not authenticated by a shared key: whoever verifies a trail needs the public key alone, and nothing that could
sign or unseal. The key is derived, so that an operator keeps and rotates one secret.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Collection, Sequence
from dataclasses import replace

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from broker.adapters.sealing import read_key
from broker.domain.audit.chain import Checkpoint

_PURPOSE = b"relaycast audit checkpoints"


class Ed25519Signing:
    """Implements `CheckpointSigning`."""

    def __init__(self, keys: Sequence[str]) -> None:
        """`keys`: those of `AesGcmSealing`; the first signs. Raises `BadRequest`, without saying a key."""
        self._private = [_derive(read_key(text, place)) for place, text in enumerate(keys, start=1)]

    @property
    def keys(self) -> Sequence[str]:
        """The public keys, the present one first."""
        return [_show(each) for each in self._private]

    def sign(self, checkpoint: Checkpoint) -> Checkpoint:
        """The same with a signature; as it is where there is no key."""
        if not self._private:
            return checkpoint
        signature = base64.b64encode(self._private[0].sign(checkpoint.signed_text)).decode()
        return replace(checkpoint, key=self.keys[0], signature=signature)


def is_signed_by(checkpoint: Checkpoint, keys: Collection[str]) -> bool:
    """Whether a checkpoint has a good signature by one of those public keys."""
    if checkpoint.key is None or checkpoint.key not in keys or checkpoint.signature is None:
        return False
    try:
        public = Ed25519PublicKey.from_public_bytes(base64.b64decode(checkpoint.key, validate=True))
        public.verify(base64.b64decode(checkpoint.signature, validate=True), checkpoint.signed_text)
    except (InvalidSignature, binascii.Error, ValueError):
        return False
    return True


def _derive(key: bytes) -> Ed25519PrivateKey:
    seed = HKDF(algorithm=SHA256(), length=32, salt=None, info=_PURPOSE).derive(key)
    return Ed25519PrivateKey.from_private_bytes(seed)


def _show(key: Ed25519PrivateKey) -> str:
    return base64.b64encode(key.public_key().public_bytes_raw()).decode()
