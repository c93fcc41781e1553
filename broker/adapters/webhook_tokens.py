"""The secret part of a webhook's address, by HMAC-SHA-256 under keys that follow from the installation's.

It is worked out, never kept: who reads the store learns no address, and who may see one is shown it again.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from hashlib import sha256

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from broker.adapters.sealing import read_key
from broker.domain.ids import WorkflowRunId, WorkspaceId

_PURPOSE = b"relaycast workflow webhooks"


class HmacWebhookTokens:
    """Implements `WebhookTokens`."""

    def __init__(self, keys: Sequence[str]) -> None:
        """`keys`: those of `AesGcmSealing`; the first makes, all are good. Raises `BadRequest`."""
        self._keys = [_derive(read_key(text, place)) for place, text in enumerate(keys, start=1)]

    def make(self, workspace: WorkspaceId, run: WorkflowRunId, effect: str) -> str | None:
        """The token of one attempt at one step; None: this process was given no key."""
        return _token(self._keys[0], workspace, run, effect) if self._keys else None

    def is_good(self, token: str, workspace: WorkspaceId, run: WorkflowRunId, effect: str) -> bool:
        """Whether it is that attempt's, by any of the keys. How long that takes says nothing of how near it is."""
        given = token.encode("utf-8", "replace")
        made = (_token(key, workspace, run, effect).encode() for key in self._keys)
        return any(hmac.compare_digest(given, each) for each in made)


def _token(key: bytes, workspace: WorkspaceId, run: WorkflowRunId, effect: str) -> str:
    return hmac.new(key, "\0".join((workspace, run, effect)).encode("utf-8", "replace"), sha256).hexdigest()


def _derive(key: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=_PURPOSE).derive(key)
