"""How the operator's commands speak to a running broker: on this machine, or at RELAYCAST_URL with RELAYCAST_TOKEN."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlencode

from connect.access.endpoint import Endpoint, resolve_endpoint

if TYPE_CHECKING:
    from connect.sdk.api_client import ApiClient

_T = TypeVar("_T")


def ask(method: str, path: str, *, body: Mapping[str, object] | None = None) -> Any:
    """The answer to one request. Raises the broker's refusal."""
    return using_broker(lambda client: client.call(method, path, body=body))


def ask_with(endpoint: Endpoint, method: str, path: str, *, body: dict[str, object] | None = None) -> Any:
    """The answer to one request of a caller of one's own choice. Raises the broker's refusal."""
    return asyncio.run(with_client(lambda client: client.call(method, path, body=body), endpoint=endpoint))


def ask_pages(path: str, name: str, *, search: str | None = None) -> Iterator[dict[str, Any]]:
    """All of a list that is answered in pages, as they come. Raises the broker's refusal."""
    after: str | None = None
    while True:
        given = {"search": search, "after": after}
        page = ask("GET", f"{path}?{urlencode({each: text for each, text in given.items() if text})}")
        yield from page[name]
        if (after := page["next"]) is None:
            return


def using_broker(job: Callable[[ApiClient], Awaitable[_T]]) -> _T:
    """The result of a job that asks several times. Raises the broker's refusal."""
    return asyncio.run(with_client(job))


async def with_client(job: Callable[[ApiClient], Awaitable[_T]], *, endpoint: Endpoint | None = None) -> _T:
    """Lend a job a client, which is closed behind it."""
    from connect.sdk.api_client import ApiClient  # noqa: PLC0415 - --help must not load an HTTP client

    client = ApiClient(endpoint or resolve_endpoint())
    try:
        return await job(client)
    finally:
        await client.close()
