"""HTTP calls to the broker: one request with its safe retries, and refusals turned back into the domain's errors."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from uuid import uuid4

import httpx
import orjson

from broker.domain.errors import (
    BadRequest,
    Conflict,
    Fenced,
    NoPlacement,
    NotAuthenticated,
    NotFound,
    NotPermitted,
    PlanLimitReached,
    RateLimited,
    RelayError,
    SpawnFailed,
    Unavailable,
)
from broker.domain.people.token_text import hide_tokens
from connect.access.endpoint import Endpoint, load_trusted_certificates
from connect.sdk.tokens import FixedToken, TokenSource

_ATTEMPTS = 5
_FIRST_DELAY_S = 0.2
_LONGEST_DELAY_S = 4.0
_LONGEST_RETRY_AFTER_S = 30.0
"""A broker that asks for more patience than this is reported instead of waited for."""
_TIMEOUT_S = 30.0
"""A healthy broker answers in milliseconds; this bounds one that took the request and died."""
_RETRIED_STATUSES = frozenset({429, 502, 503, 504})
_BY_CODE: dict[str, type[RelayError]] = {
    "FENCED": Fenced,
    "QUOTA_EXCEEDED": PlanLimitReached,  # of brokers until 0.1, with status 429
    "NO_PROXY": NoPlacement,
    "CLI_MISSING": NoPlacement,
    "VERSION_NOT_SUPPORTED": NoPlacement,
    "PROGRAM_NOT_ALLOWED": NoPlacement,
    "POLICY_CHANGED": NoPlacement,
    "NO_WORKTREES": NoPlacement,
    "NO_READONLY": NoPlacement,
    "NO_FILE_LIMITS": NoPlacement,
    "NOT_A_BROKER": RelayError,
}
_BY_STATUS: dict[int, type[RelayError]] = {
    400: BadRequest,
    401: NotAuthenticated,
    403: NotPermitted,
    404: NotFound,
    409: Conflict,
    429: RateLimited,
    402: PlanLimitReached,
    502: SpawnFailed,
    503: Unavailable,
}


class ApiClient:
    """One broker, one token. A request that changes something carries an idempotency key, the same on each retry."""

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        tokens: TokenSource | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """`tokens`: instead of the endpoint's own."""
        self._endpoint = endpoint
        self._tokens = tokens or FixedToken(endpoint.token)
        self._http = httpx.AsyncClient(
            base_url=endpoint.url,
            timeout=httpx.Timeout(_TIMEOUT_S),
            transport=transport,
            # A company's proxy settings are for the outside; this machine is reached directly.
            trust_env=not endpoint.local,
            verify=load_trusted_certificates(),
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def call(
        self,
        method: str,
        path: str,
        *,
        body: Mapping[str, object] | None = None,
        query: Mapping[str, str | int] | None = None,
        timeout_s: float = _TIMEOUT_S,
    ) -> Any:
        """Do one request and return its `data`; raise the matching `RelayError` when it is refused."""
        request = self._http.build_request(
            method,
            path,
            json=None if body is None else dict(body),
            params=query,
            headers={} if method == "GET" else {"Idempotency-Key": str(uuid4())},
            timeout=timeout_s,
        )
        for attempt in range(_ATTEMPTS):
            failure = await self._attempt(request)
            if not isinstance(failure, RelayError):
                return failure.data
            if attempt + 1 == _ATTEMPTS or not _worth_another_try(failure):
                raise failure
            await asyncio.sleep(_delay_s(attempt, failure))
        raise AssertionError("the loop returns or raises")

    async def _attempt(self, request: httpx.Request) -> _Answer | RelayError:
        try:
            token = await self._tokens.access()
            response = await self._present(token, request)
            if response.status_code == HTTPStatus.UNAUTHORIZED and await self._tokens.replace(token):
                response = await self._present(self._tokens.token, request)
        except httpx.TransportError as error:
            words = hide_tokens(str(error)) or type(error).__name__
            return _Unreachable(f"cannot reach {self._endpoint.url}: {words}")
        except RelayError as refusal:
            return refusal
        return _read(response)

    async def _present(self, token: str, request: httpx.Request) -> httpx.Response:
        request.headers["Authorization"] = f"Bearer {token}"
        return await self._http.send(request)


class _Unreachable(Unavailable):
    code = "BROKER_UNREACHABLE"


class _Answer:
    __slots__ = ("data",)

    def __init__(self, data: Any) -> None:
        self.data = data


def relay_error(status: int, *, code: str, message: str, retry_after_s: float | None = None) -> RelayError:
    """The domain's error for a refusal that came over the wire."""
    kind = _BY_CODE.get(code) or _BY_STATUS.get(status) or RelayError
    return kind(message, code=code, retry_after_s=retry_after_s)


def _read(response: httpx.Response) -> _Answer | RelayError:
    try:
        body = orjson.loads(response.content)
    except orjson.JSONDecodeError:
        body = None
    if isinstance(body, dict) and body.get("ok") is True:
        return _Answer(body.get("data"))
    error = body.get("error") if isinstance(body, dict) else None
    if not isinstance(error, dict):
        return _not_a_broker(response)
    failure = relay_error(
        response.status_code,
        code=str(error.get("code", "INTERNAL")),
        message=str(error.get("message", "the broker refused without a reason")),
        retry_after_s=_seconds(response.headers.get("Retry-After")),
    )
    failure.retryable = response.status_code in _RETRIED_STATUSES and bool(error.get("retryable"))
    return failure


def _not_a_broker(response: httpx.Response) -> RelayError:
    failure = relay_error(
        response.status_code,
        code="NOT_A_BROKER",
        message=f"{response.request.url.host} answered {response.status_code} without the broker's envelope",
    )
    failure.retryable = response.status_code in _RETRIED_STATUSES
    return failure


def _seconds(header: str | None) -> float | None:
    try:
        return max(0.0, float(header)) if header else None
    except ValueError:
        return None


def _worth_another_try(failure: RelayError) -> bool:
    return failure.retryable and (failure.retry_after_s or 0.0) <= _LONGEST_RETRY_AFTER_S


def _delay_s(attempt: int, failure: RelayError) -> float:
    backoff = min(_LONGEST_DELAY_S, _FIRST_DELAY_S * 2.0**attempt)
    jitter = random.uniform(0.5, 1.0)  # noqa: S311 - spreads retries, keeps no secret
    return (failure.retry_after_s or 0.0) + backoff * jitter
