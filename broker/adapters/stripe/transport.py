"""How Stripe's library makes its calls: through the guarded client, to checked addresses, and in this event loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, Awaitable, Mapping

import stripe
from typing_extensions import override

from broker.adapters.outbound.client import GuardedClient
from broker.domain.errors import OutboundFailed, OutboundRefused

MAX_ANSWER_BYTES = 4 * 1024 * 1024
"""Of an answer: a hundred invoices take a tenth of it."""


class GuardedTransport(stripe.HTTPClient):
    """What the library is given in place of a client of its own. It has no calls that block."""

    name = "guarded"

    def __init__(self, client: GuardedClient) -> None:
        super().__init__()
        self._client = client

    @override
    async def request_async(
        self, method: str, url: str, headers: Mapping[str, str], post_data: str | bytes | None = None
    ) -> tuple[bytes, int, Mapping[str, str]]:
        """One request; the library repeats it where that helps."""
        body = post_data.encode() if isinstance(post_data, str) else post_data
        # Answers are asked for as they are: the guarded client takes nothing apart.
        headers = {name: value for name, value in headers.items() if name.lower() != "accept-encoding"}
        try:
            answer = await self._client.call(method.upper(), url, body=body, headers=headers, most=MAX_ANSWER_BYTES)
        except OutboundRefused as refused:
            raise _unreachable(refused.message, again=False) from refused
        except OutboundFailed as failed:
            raise _unreachable(failed.message, again=True) from failed
        return answer.body, answer.status, answer.headers

    @override
    async def request_stream_async(
        self, method: str, url: str, headers: Mapping[str, str], post_data: str | bytes | None = None
    ) -> tuple[AsyncIterable[bytes], int, Mapping[str, str]]:
        """Nothing of what we ask for is a stream."""
        raise NotImplementedError

    @override
    def sleep_async(self, secs: float) -> Awaitable[None]:
        """Between two attempts."""
        return asyncio.sleep(secs)

    @override
    async def close_async(self) -> None:
        """End what is open."""
        await self._client.close()


def _unreachable(message: str, *, again: bool) -> stripe.APIConnectionError:
    return stripe.APIConnectionError(message, should_retry=again)  # type: ignore[no-untyped-call]  # the library's
