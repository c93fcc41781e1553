"""The guarded HTTP client: what a tenant names is called only where the broker may connect to.

A name is resolved once, every address of it is checked, and the connection goes to a checked address: what the name
means a moment later does not matter. Host header, SNI and the certificate keep the name. No proxy of the environment is
used, no redirect followed, no cookie kept and no connection shared between calls.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import httpx

from broker import __version__
from broker.domain.errors import OutboundFailed, OutboundRefused
from broker.domain.outbound.addresses import AddressPolicy
from broker.domain.outbound.urls import show_host, url_problem
from broker.services.ports import OutboundAnswer

Resolve = Callable[[str, int], Awaitable[list[str]]]
"""Addresses of a host, for a port. Raises `OSError`."""

MAX_ANSWER_BYTES = 4096
"""Of an answer; no more is read."""
_CHUNK_BYTES = 64 * 1024
_CONNECT_S = 5.0
_TOTAL_S = 15.0
"""Of a call with all that belongs to it; receivers are told to answer within it."""
_RESOLVERS = 8
_MOST_ADDRESSES = 4
"""Of a host, that are tried one after the other."""
_AGENT = f"relaycast/{__version__}"


@dataclass(frozen=True, slots=True, kw_only=True)
class WholeAnswer:
    """What came back, for who knows the service."""

    status: int
    body: bytes
    headers: Mapping[str, str]
    """Found by any spelling."""


class GuardedClient:
    """Implements `Outbound`. One for each process."""

    def __init__(
        self,
        policy: AddressPolicy,
        *,
        resolve: Resolve | None = None,
        tls: ssl.SSLContext | None = None,
        total_s: float = _TOTAL_S,
    ) -> None:
        """`resolve`: in place of the system's; `tls`: whose certificates count."""
        self._total_s = total_s
        self._client = httpx.AsyncClient(
            transport=_PinnedTransport(
                policy, resolve or _SystemResolver().resolve, tls or ssl.create_default_context()
            ),
            follow_redirects=False,
            trust_env=False,
            timeout=httpx.Timeout(total_s, connect=min(_CONNECT_S, total_s)),
            headers={"user-agent": _AGENT, "accept-encoding": "identity"},
        )

    async def post(self, url: str, *, body: bytes, headers: Mapping[str, str]) -> OutboundAnswer:
        """POST it once."""
        began = time.monotonic()
        answer = await self.call("POST", url, body=body, headers=headers, most=MAX_ANSWER_BYTES)
        return OutboundAnswer(
            status=answer.status,
            body=answer.body,
            retry_after=answer.headers.get("retry-after"),
            took_ms=int((time.monotonic() - began) * 1000),
        )

    async def call(
        self, method: str, url: str, *, body: bytes | None, headers: Mapping[str, str], most: int
    ) -> WholeAnswer:
        """Make one request; `most`: bytes of the answer that are read. Raises as `Outbound.post` does."""
        if problem := url_problem(url):
            raise OutboundRefused(problem, code="OUTBOUND_BAD_URL")
        host = show_host(url)
        try:
            async with (
                asyncio.timeout(self._total_s),
                self._client.stream(method, url, content=body, headers=dict(headers)) as response,
            ):
                beginning = await _beginning(response, most)
        except (TimeoutError, httpx.TimeoutException):
            raise OutboundFailed(f"{host} did not answer within {self._total_s:g} s", code="OUTBOUND_TIMEOUT") from None
        except httpx.HTTPError as error:
            raise OutboundFailed(f"{host}: {str(error) or type(error).__name__}") from None
        except (httpx.InvalidURL, UnicodeError):
            raise OutboundRefused("this is no URL", code="OUTBOUND_BAD_URL") from None
        return WholeAnswer(status=response.status_code, body=beginning, headers=response.headers)

    async def close(self) -> None:
        """End what is open."""
        await self._client.aclose()


async def _beginning(response: httpx.Response, most: int) -> bytes:
    """As much as is kept. It is not decoded: a small answer must not become a large one."""
    read = bytearray()
    async for chunk in response.aiter_raw(min(most, _CHUNK_BYTES)):
        read += chunk
        if len(read) >= most:
            break
    return bytes(read[:most])


class _PinnedTransport(httpx.AsyncBaseTransport):
    """Sends each request to a checked address of its host."""

    def __init__(self, policy: AddressPolicy, resolve: Resolve, tls: ssl.SSLContext) -> None:
        self._policy = policy
        self._resolve = resolve
        # Connections are not kept: they are known by address, and another host may have the same one.
        limits = httpx.Limits(max_keepalive_connections=0)
        self._inner = httpx.AsyncHTTPTransport(verify=tls, trust_env=False, limits=limits)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        url, host = request.url, request.url.raw_host.decode("ascii")
        addresses = await self._check_addresses(host, url.port or (443 if url.scheme == "https" else 80))
        if url.scheme == "http" and not all(map(self._policy.is_opened, addresses)):
            raise OutboundRefused(
                f"{host} is called over https only, unless the operator has opened its network (--allow-outbound)",
                code="OUTBOUND_INSECURE",
            )
        request.extensions = {**request.extensions, "sni_hostname": host}
        response = await self._send(request, addresses)
        # It is not followed, and the client, which reads it all the same, fails where it is no URL.
        response.headers.pop("location", None)
        return response

    async def _send(self, request: httpx.Request, addresses: list[str]) -> httpx.Response:
        url = request.url
        failure: httpx.ConnectError | httpx.ConnectTimeout | None = None
        for address in addresses[:_MOST_ADDRESSES]:
            request.url = url.copy_with(host=address)
            try:
                return await self._inner.handle_async_request(request)
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                failure = error
        assert failure is not None
        raise failure

    async def _check_addresses(self, host: str, port: int) -> list[str]:
        """Addresses that may be connected to. All that a name has must be: one that has others too plays a trick."""
        try:
            addresses = await self._resolve(host, port)
        except OSError as error:
            raise OutboundFailed(
                f"{host} was not found: {error.strerror or error}", code="OUTBOUND_NOT_FOUND"
            ) from None
        if not addresses:
            raise OutboundFailed(f"{host} has no address", code="OUTBOUND_NOT_FOUND")
        if refused := next((each for each in addresses if not self._policy.may_connect(each)), None):
            raise OutboundRefused(
                f"{host} is {refused}, in a network that this broker does not call; its operator can open it"
                " (--allow-outbound)",
                code="OUTBOUND_NOT_ALLOWED",
            )
        return addresses

    async def aclose(self) -> None:
        await self._inner.aclose()


class _SystemResolver:
    """The system's names, on threads of its own: one that does not answer holds up no other use of threads."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(_RESOLVERS, thread_name_prefix="resolver")

    async def resolve(self, host: str, port: int) -> list[str]:
        """Addresses, as `getaddrinfo` has them."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, _look_up, host.strip("[]"), port)


def _look_up(host: str, port: int) -> list[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in found))
