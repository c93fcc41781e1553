"""How the operator's commands speak to a running broker: on this machine, or at RELAYCAST_URL with RELAYCAST_TOKEN."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Coroutine
from typing import TYPE_CHECKING, Any, TypeVar

import click

from broker.domain.errors import RelayError
from connect.endpoint import resolve_endpoint

if TYPE_CHECKING:
    from connect.sdk.api_client import ApiClient

EXIT_REFUSED = 2
_T = TypeVar("_T")


def ask(method: str, path: str, *, body: dict[str, object] | None = None) -> Any:
    """The answer to one request; a refusal is told and ends the command."""
    return using_broker(lambda client: client.call(method, path, body=body))


def using_broker(job: Callable[[ApiClient], Awaitable[_T]]) -> _T:
    """The result of a job that asks several times; a refusal is told and ends the command."""
    return settled(with_client(job))


def settled(work: Coroutine[Any, Any, _T]) -> _T:
    """What comes of it; a refusal is told and ends the command."""
    try:
        return asyncio.run(work)
    except RelayError as error:
        click.echo(refusal_line(error), err=True)
        sys.exit(EXIT_REFUSED)


def refusal_line(error: RelayError) -> str:
    """The code ends the first line: below it a caret stays under what it points at."""
    problem, newline, pointer = error.message.partition("\n")
    return f"relaycast: {problem} [{error.code}]{newline}{pointer}"


async def with_client(job: Callable[[ApiClient], Awaitable[_T]]) -> _T:
    """Lend a job a client, which is closed behind it."""
    from connect.sdk.api_client import ApiClient  # noqa: PLC0415 - --help must not load an HTTP client

    client = ApiClient(resolve_endpoint())
    try:
        return await job(client)
    finally:
        await client.close()
