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


class ApiAnswer(Protocol):
    """What came back, for who knows the service."""

    @property
    def status(self) -> int:
        """The HTTP status."""

    @property
    def body(self) -> bytes:
        """Its beginning."""

    @property
    def headers(self) -> Mapping[str, str]:
        """Its headers."""


class ApiCalls(Protocol):
    """The same client, for a service whose API is known."""

    async def call(
        self, method: str, url: str, *, body: bytes | None, headers: Mapping[str, str], most: int
    ) -> ApiAnswer:
        """Make one request; `most`: bytes of the answer that are read. Raises as `Outbound.post` does."""


class Notifier(Protocol):
    """Notifies people by the services that `broker.domain.hooks.notices` lists."""

    async def notify(self, url: str, *, title: str, text: str) -> None:
        """Send it once, to the service and the people that its URL names.

        Raises `BadRequest` for a URL that is not let in, `OutboundRefused` for what this broker does not call, and
        `OutboundFailed` when it was not accepted, or nobody knows.
        """
