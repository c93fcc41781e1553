"""Checkpoints of audit trails as webhooks, signed as those of hooks are: by https://www.standardwebhooks.com."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import orjson

from broker.domain.audit.chain import Checkpoint
from broker.domain.errors import OutboundFailed
from broker.domain.outbound.urls import show_host
from broker.services.hooks.signing import sign_headers
from broker.services.ports import Outbound

TYPE = "audit.checkpoint"


class CheckpointWebhook:
    """Implements `Checkpoints`. One that is sent twice has one `webhook-id`."""

    def __init__(
        self, outbound: Outbound, *, url: str, secrets: Sequence[str], clock: Callable[[], float] = time.time
    ) -> None:
        """`secrets`: `whsec_…`, each signs; `clock`: Unix time, which receivers compare with theirs."""
        self._outbound = outbound
        self._url = url
        self._secrets = secrets
        self._clock = clock

    async def append(self, checkpoint: Checkpoint) -> None:
        """Send it once. Raises `OutboundRefused`, `OutboundFailed`, for an answer other than 2xx too."""
        at = datetime.fromtimestamp(checkpoint.at_ms / 1000, UTC).isoformat(timespec="milliseconds")
        told = {"type": TYPE, "timestamp": at.replace("+00:00", "Z"), "data": orjson.Fragment(checkpoint.line.strip())}
        body = orjson.dumps(told)
        signed = sign_headers(
            body.decode(),
            self._secrets,
            id_=f"audit-{checkpoint.workspace}-{checkpoint.number}",
            at=datetime.fromtimestamp(self._clock(), UTC),
        )
        answer = await self._outbound.post(self._url, body=body, headers={**signed, "content-type": "application/json"})
        if not 200 <= answer.status < 300:
            raise OutboundFailed(f"{show_host(self._url)} answered {answer.status}")
