"""The two calls that make short-lived tokens: a given one is exchanged, and a pair refreshed. See `credentials`.

They are made seldom, and by a process that is to stay small, so they run on the standard library in a thread.
"""

from __future__ import annotations

import asyncio
import contextlib
import email.utils
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from http.client import HTTPException, HTTPMessage
from typing import IO, TypeVar
from urllib.parse import quote

import orjson
from pydantic import BaseModel, ConfigDict, ValidationError
from typing_extensions import override

from broker.domain.errors import NotAuthenticated, NotPermitted, RelayError, Unavailable
from broker.domain.people.token_text import hide_tokens
from connect.access.endpoint import Endpoint

_TIMEOUT_S = 10.0
_MAX_ANSWER_BYTES = 64 * 1024
_LIFE_S = 900.0
"""Of an access token, where the answer does not say what time it is at the broker."""
_UNKNOWN_THERE = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED})
"""What a broker says to a call that it does not have."""

_T = TypeVar("_T")


class CannotExchange(Exception):
    """The broker is of a version that does not know these calls."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A short-lived access token, and what gives the next one, once."""

    token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    life_s: float
    """How long the access token is good, from when the pair was received."""


class _Granted(BaseModel):
    model_config = ConfigDict(extra="ignore")

    token: str
    refresh_token: str
    expires_at_ms: int


async def exchange(endpoint: Endpoint, token: str, *, purpose: Mapping[str, str]) -> Pair:
    """A pair for a purpose: `{"for": "terminal"}`, or `{"for": "machine", "machine_id": …, "name": …}`.

    Raises `CannotExchange`, `NotAuthenticated`, `NotPermitted`, and `Unavailable` when it may be tried again.
    """
    return await _in_thread(lambda: _call(endpoint, "/v1/auth/exchange", dict(purpose), bearer=token))


async def refresh(endpoint: Endpoint, refresh_token: str) -> Pair:
    """The pair after this one. Raises like `exchange`; `NotAuthenticated` says that there is none any more."""
    body = {"refresh_token": refresh_token}
    return await _in_thread(lambda: _call(endpoint, "/v1/auth/refresh", body))


async def exchange_code(endpoint: Endpoint, code: str) -> str:
    """The token that links this machine, for a code that is used up by it. Raises like `exchange`."""

    def call() -> str:
        content, _ = _request(endpoint, "/v1/enrol", {"code": code}, bearer=None)
        try:
            return str(orjson.loads(content)["data"]["token"])
        except (ValueError, TypeError, KeyError):
            raise CannotExchange from None

    return await _in_thread(call)


async def make_session(endpoint: Endpoint, token: str, session: str) -> None:
    """See to it that there is a session, known by its id or name: who only links a machine cannot make one.

    Does nothing for a token that may not either. Raises `NotAuthenticated`, `Unavailable`.
    """
    with contextlib.suppress(NotPermitted, CannotExchange):
        await _in_thread(lambda: _make_session(endpoint, token, session))


def _make_session(endpoint: Endpoint, token: str, session: str) -> None:
    try:
        _request(endpoint, f"/v1/sessions/{quote(session, safe='')}", None, bearer=token)
    except CannotExchange:
        _request(endpoint, "/v1/sessions", {"name": session}, bearer=token)


def _call(endpoint: Endpoint, path: str, body: Mapping[str, str], *, bearer: str | None = None) -> Pair:
    return _read(*_request(endpoint, path, body, bearer=bearer))


def _request(
    endpoint: Endpoint, path: str, body: Mapping[str, str] | None, *, bearer: str | None
) -> tuple[bytes, HTTPMessage]:
    """A POST of `body`, or a GET without one."""
    headers = {"Content-Type": "application/json"}
    if bearer is not None:
        headers["Authorization"] = f"Bearer {bearer}"
    request = urllib.request.Request(  # noqa: S310 - the scheme was checked where the URL came in
        endpoint.url + path, data=None if body is None else orjson.dumps(body), headers=headers
    )
    try:
        with _opener(endpoint).open(request, timeout=_TIMEOUT_S) as answer:
            return answer.read(_MAX_ANSWER_BYTES), answer.headers
    except urllib.error.HTTPError as refused:
        with refused:
            raise _refusal(refused.code, refused.read(_MAX_ANSWER_BYTES)) from None
    except (OSError, HTTPException) as error:
        reason = error.reason if isinstance(error, urllib.error.URLError) else error
        why = endpoint.unreachable(reason if isinstance(reason, Exception) else error)
        raise Unavailable(why, code="BROKER_UNREACHABLE") from None


def _opener(endpoint: Endpoint) -> urllib.request.OpenerDirector:
    # A company's HTTP proxy, from the environment, has no business between a process and its own machine.
    proxies = urllib.request.ProxyHandler({} if endpoint.local else None)
    return urllib.request.build_opener(proxies, _NoRedirects)


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A token goes where it was sent to and nowhere else."""

    @override
    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> None:
        return None


def _read(content: bytes, headers: HTTPMessage) -> Pair:
    try:
        granted = _Granted.model_validate(orjson.loads(content)["data"])
    except (ValueError, TypeError, KeyError, ValidationError):
        raise CannotExchange from None
    return Pair(
        token=granted.token, refresh_token=granted.refresh_token, life_s=_life_s(granted.expires_at_ms, headers["Date"])
    )


def _life_s(expires_at_ms: int, date: str | None) -> float:
    """By the broker's own clock, which the answer tells: two hosts' clocks are never compared."""
    now = email.utils.parsedate_tz(date or "")
    return _LIFE_S if now is None else max(0.0, expires_at_ms / 1000 - email.utils.mktime_tz(now))


def _refusal(status: int, content: bytes) -> RelayError | CannotExchange:
    try:
        error = orjson.loads(content)["error"]
        code, message = str(error["code"]), hide_tokens(str(error["message"]))
    except (ValueError, TypeError, KeyError):
        code, message = "", f"HTTP {status}"
    match status:
        case HTTPStatus.UNAUTHORIZED:
            return NotAuthenticated(message, code=code or None)
        case HTTPStatus.FORBIDDEN:
            return NotPermitted(message, code=code or None)
        case _ if status in _UNKNOWN_THERE:
            return CannotExchange()
        case _:
            return Unavailable(f"the broker answered HTTP {status} ({message})", code=code or None)


async def _in_thread(work: Callable[[], _T]) -> _T:
    """The result of blocking work, in a thread that holds nobody up: not even the end of the program."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[_T] = loop.create_future()

    def run() -> None:
        outcome: Callable[[], None]
        try:
            outcome = partial(done.set_result, work())
        except Exception as error:
            outcome = partial(done.set_exception, error)
        with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile: nobody waits
            loop.call_soon_threadsafe(lambda: None if done.done() else outcome())

    threading.Thread(target=run, name="token call", daemon=True).start()
    return await done
