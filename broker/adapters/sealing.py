"""AES-256-GCM (NIST SP 800-38D) under the installation's keys.

A value is bound to its workspace and its name as associated data: a row that was copied elsewhere does not open.
"""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from broker.domain.errors import BadRequest, NotConfigured
from broker.domain.ids import WorkspaceId
from broker.services.ports import Sealed

_KEY_BYTES = 32
_NONCE_BYTES = 12
_HOW = "set RELAYCAST_SECRET_KEY for every gateway and worker; `relaycast secrets make-key` makes one"


def make_key() -> str:
    """A new key, as it is given in RELAYCAST_SECRET_KEY."""
    return base64.urlsafe_b64encode(secrets.token_bytes(_KEY_BYTES)).decode()


def split_keys(text: str) -> tuple[str, ...]:
    """The keys of a variable or a file: separated by commas or white space, the one that seals first."""
    return tuple(filter(None, re.split(r"[\s,]+", text)))


class AesGcmSealing:
    """Implements `Sealing`."""

    def __init__(self, keys: Sequence[str]) -> None:
        """`keys`: base64 of 32 bytes each; the first seals, all open. Raises `BadRequest`, without saying a key."""
        found = [read_key(text, place) for place, text in enumerate(keys, start=1)]
        self._keys = {hashlib.sha256(key).hexdigest()[:8]: AESGCM(key) for key in found}
        self._current = next(iter(self._keys), None)

    @property
    def current(self) -> str | None:
        """The id of the key that seals; None: this process was given none."""
        return self._current

    def seal(self, workspace: WorkspaceId, name: str, value: str) -> Sealed:
        """Encrypt a value for one name in one workspace."""
        if self._current is None:
            raise NotConfigured(
                f"this broker has no key to keep secrets with: {_HOW}", code="SECRET_KEY_NOT_CONFIGURED"
            )
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = self._keys[self._current].encrypt(nonce, value.encode(), _about(workspace, name))
        return Sealed(self._current, base64.b64encode(nonce + sealed).decode())

    def unseal(self, workspace: WorkspaceId, name: str, sealed: Sealed) -> str:
        """The value."""
        key = self._keys.get(sealed.key)
        if key is None:
            raise NotConfigured(
                f"the secret {name!r} was sealed with the key {sealed.key}, which this process was not given:"
                " add it behind the present one in RELAYCAST_SECRET_KEY, or set the secret anew",
                code="SECRET_KEY_MISSING",
            )
        raw = base64.b64decode(sealed.text)
        try:
            return key.decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], _about(workspace, name)).decode()
        except InvalidTag:
            raise NotConfigured(
                f"the secret {name!r} was changed in the store, or belongs elsewhere: set it anew",
                code="SECRET_KEY_MISSING",
            ) from None

    def knows(self, sealed: Sealed) -> bool:
        """Whether the key of it was given."""
        return sealed.key in self._keys


def _about(workspace: WorkspaceId, name: str) -> bytes:
    return f"{workspace}\0{name}".encode()


def read_key(text: str, place: int) -> bytes:
    """A key as it is given, the `place`-th. Raises `BadRequest`, without saying it."""
    try:
        key = base64.b64decode(text.replace("-", "+").replace("_", "/"), validate=True)
    except ValueError:  # of binascii too
        key = b""
    if len(key) != _KEY_BYTES:
        raise BadRequest(
            f"key {place} of RELAYCAST_SECRET_KEY is not base64 of {_KEY_BYTES} bytes:"
            " `relaycast secrets make-key` makes one"
        )
    return key
