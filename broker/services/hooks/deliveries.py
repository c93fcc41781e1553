"""Delivering what hooks send to other services.

Each attempt is in the log before anything is sent. A worker that dies leaves one whose end nobody knows: the log says
so, and the next attempt carries the same id, by which a receiver knows it again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import orjson

from broker.domain.errors import BadRequest, NotConfigured, NotFound, OutboundFailed, OutboundRefused
from broker.domain.hooks.deliveries import NOTICE_WAITS_S, WAITS_S, Outcome, Tried, Verdict, judge
from broker.domain.hooks.notices import ntfy_url
from broker.domain.ids import WorkspaceId
from broker.domain.secrets.references import find_reference
from broker.services.hooks.signing import sign_headers
from broker.services.ports import Delivery, DeliveryRecords, Notifier, Outbound, OutboundAnswer
from broker.services.redaction import Redaction
from broker.services.secrets.secrets import SecretReader

LEASE_S = 60.0
"""Of one attempt: much longer than the guarded client lets one take."""


class HookDeliveries:
    """Claims and carries out deliveries."""

    def __init__(
        self,
        records: DeliveryRecords,
        secrets: SecretReader,
        outbound: Outbound,
        notifier: Notifier,
        *,
        redaction: Redaction,
        clock: Callable[[], float] = time.time,
        waits_s: Sequence[float] = WAITS_S,
    ) -> None:
        """`clock`: Unix time, which signatures carry; `waits_s`: ahead of each attempt."""
        self._records = records
        self._secrets = secrets
        self._outbound = outbound
        self._notifier = notifier
        self._redaction = redaction
        self._clock = clock
        self._waits_s = waits_s

    async def claim(self, workspace: WorkspaceId, *, limit: int) -> tuple[list[Delivery], float | None]:
        """Some of those that are due, and the seconds until the next. Raises `Unavailable`."""
        return await self._records.claim(workspace, limit=limit, lease_s=LEASE_S)

    async def carry_out(self, workspace: WorkspaceId, delivery: Delivery) -> float | None:
        """Attempt one and say what came of it; the seconds until the next. Raises `Unavailable`."""
        answer: OutboundAnswer | None = None
        try:
            if delivery.send["kind"] == "notify":
                await self._notify(workspace, delivery.send)
                tried = Tried(attempt=delivery.attempt, accepted=True)
            else:
                answer = await self._post(workspace, delivery)
                tried = Tried(attempt=delivery.attempt, status=answer.status, retry_after=answer.retry_after)
        except OutboundFailed as failed:
            tried = Tried(attempt=delivery.attempt, reason=failed.message)
        except (OutboundRefused, NotFound, NotConfigured, BadRequest) as refused:
            tried = Tried(attempt=delivery.attempt, reason=refused.message, final=True)
        now_s = self._clock()
        verdict = judge(tried, run=delivery.run, now_s=now_s, waits_s=self._waits(delivery))
        said = {"attempt": delivery.attempt, "at_ms": int(now_s * 1000), "reason": verdict.reason}
        if answer is not None:
            said |= {"status": answer.status, "took_ms": answer.took_ms, "answer": _text(answer.body)}
        masked, _ = (await self._redaction.redactor(workspace)).json(said)
        return await self._records.settle(workspace, delivery, verdict, said=orjson.dumps(masked))

    async def give_up(self, workspace: WorkspaceId, delivery: Delivery) -> float | None:
        """Say of one that this broker cannot carry it out; the seconds until the next. Raises `Unavailable`."""
        verdict = Verdict(outcome=Outcome.FAILED, reason="this broker could not send it; its own log says why")
        said = {"attempt": delivery.attempt, "at_ms": int(self._clock() * 1000), "reason": verdict.reason}
        return await self._records.settle(workspace, delivery, verdict, said=orjson.dumps(said))

    def _waits(self, delivery: Delivery) -> Sequence[float]:
        return self._waits_s[: len(NOTICE_WAITS_S)] if delivery.send["kind"] == "notify" else self._waits_s

    async def _notify(self, workspace: WorkspaceId, send: dict[str, Any]) -> None:
        if topic := send.get("topic"):
            url = ntfy_url(str(topic), priority=int(send["priority"]), click=str(send["click"]))
        else:
            url = (await self._secrets.values(workspace, str(send["to"])))[0]
        try:
            await self._notifier.notify(url, title=str(send["title"]), text=str(send["text"]))
        except BadRequest as error:
            raise BadRequest(f"secret:{send['to']}: {error.message}" if "to" in send else error.message) from None

    async def _post(self, workspace: WorkspaceId, delivery: Delivery) -> OutboundAnswer:
        send = delivery.send
        url, body = str(send["url"]), str(send["body"])
        if named := find_reference(url):
            url = (await self._secrets.values(workspace, named))[0]
        secrets = await self._secrets.values(workspace, str(send["secret"]))
        at = datetime.fromtimestamp(int(self._clock()), UTC)
        try:
            signed = sign_headers(body, secrets, id_=delivery.run, at=at)
        except BadRequest as error:
            raise BadRequest(f"secret:{send['secret']}: {error.message}") from None
        headers = {"content-type": "application/json", **signed}
        return await self._outbound.post(url, body=body.encode(), headers=headers)


def _text(body: bytes) -> str:
    return body.decode(errors="replace")
