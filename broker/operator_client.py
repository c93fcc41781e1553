"""How the operator's commands speak to a running broker: on this machine, or at RELAYCAST_URL with RELAYCAST_TOKEN."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from broker.domain.errors import RelayError

if TYPE_CHECKING:
    from connect.sdk.api_client import ApiClient

_EXIT_REFUSED = 2
_T = TypeVar("_T")


def ask(method: str, path: str, *, body: dict[str, object] | None = None) -> Any:
    """The answer to one request; a refusal is told and ends the command."""
    return using_broker(lambda client: client.call(method, path, body=body))


def using_broker(job: Callable[[ApiClient], Awaitable[_T]]) -> _T:
    """The result of a job that asks several times; a refusal is told and ends the command."""
    try:
        return asyncio.run(_with_client(job))
    except RelayError as error:
        click.echo(f"relaycast: {error.message} [{error.code}]", err=True)
        sys.exit(_EXIT_REFUSED)


async def _with_client(job: Callable[[ApiClient], Awaitable[_T]]) -> _T:
    from connect.endpoint import resolve_endpoint  # noqa: PLC0415
    from connect.sdk.api_client import ApiClient  # noqa: PLC0415 - --help must not load an HTTP client

    client = ApiClient(resolve_endpoint())
    try:
        return await job(client)
    finally:
        await client.close()
