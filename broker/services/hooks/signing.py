"""Signatures of webhooks, by the unmodified library of https://www.standardwebhooks.com."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from datetime import datetime

from standardwebhooks.webhooks import Webhook

from broker.domain.errors import BadRequest

_PREFIX = "whsec_"
_LEAST_BYTES = 24


def sign_headers(body: str, secrets: Sequence[str], *, id_: str, at: datetime) -> dict[str, str]:
    """The three headers. Each secret signs: one that is being replaced still does.

    Raises `BadRequest` for what cannot sign, without saying it.
    """
    signatures = [_signer(secret).sign(id_, at, body) for secret in secrets]
    return {
        "webhook-id": id_,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(signatures),
    }


def _signer(secret: str) -> Webhook:
    try:
        key = base64.b64decode(secret.removeprefix(_PREFIX) + "==") if secret.startswith(_PREFIX) else b""
    except ValueError:
        key = b""
    if len(key) < _LEAST_BYTES:
        raise BadRequest(
            f"it is no signing secret: {_PREFIX} and base64 of {_LEAST_BYTES} bytes or more, as"
            " `relaycast secrets set NAME --generate` makes"
        )
    return Webhook(secret)
