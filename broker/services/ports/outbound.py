"""Calls to other services over HTTP, for a tenant."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboundAnswer:
    """What came back."""

    status: int
    body: bytes
    """Its beginning."""
    retry_after: str | None
    took_ms: int


class Outbound(Protocol):
    """The one guarded client."""

    async def post(self, url: str, *, body: bytes, headers: Mapping[str, str]) -> OutboundAnswer:
        """POST it once; redirects are not followed.

        Raises `OutboundRefused` for what this broker does not call, before anything is sent, and `OutboundFailed` when
        no answer came; then nobody knows whether the other side has read it.
        """


class Notifier(Protocol):
    """Notifies people by the services that `broker.domain.hooks.notices` lists."""

    async def notify(self, url: str, *, title: str, text: str) -> None:
        """Send it once, to the service and the people that its URL names.

        Raises `BadRequest` for a URL that is not let in, `OutboundRefused` for what this broker does not call, and
        `OutboundFailed` when it was not accepted, or nobody knows.
        """
