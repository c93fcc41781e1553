"""One side of a JSON-RPC 2.0 connection without I/O: numbers our requests and tells apart what the peer sends.

Each side numbers its own requests, so the peer's request 0 and the answer to our request 0 are different things;
the presence of `method` decides. Codex leaves the `jsonrpc` member out, ACP wants it; reading never needs it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic, TypeGuard, TypeVar

from broker.protocol.ndjson import dumps

METHOD_NOT_FOUND = -32601

_Subject = TypeVar("_Subject")
RequestId = int | str


@dataclass(frozen=True, slots=True)
class Call(Generic[_Subject]):
    """A request of ours, and what it was about."""

    method: str
    subject: _Subject | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerRequest:
    """The peer wants an answer under `id`."""

    id: RequestId
    method: str
    params: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """The peer says something and wants no answer."""

    method: str
    params: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Result(Generic[_Subject]):
    """The peer did what we asked."""

    call: Call[_Subject]
    value: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure(Generic[_Subject]):
    """The peer refused what we asked."""

    call: Call[_Subject]
    code: int
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unmatched:
    """An answer to nothing we asked, or no JSON-RPC at all; the connection goes on."""

    what: str


class Connection(Generic[_Subject]):
    """Writes messages and remembers which of our requests are open; `_Subject` is what a request was about."""

    def __init__(self, *, versioned: bool) -> None:
        self._envelope: dict[str, Any] = {"jsonrpc": "2.0"} if versioned else {}
        self._open: dict[RequestId, Call[_Subject]] = {}
        self._last_id = 0

    def request(self, method: str, params: dict[str, Any], *, subject: _Subject | None = None) -> bytes:
        """A request; its answer will come back with `method` and `subject`."""
        self._last_id += 1
        self._open[self._last_id] = Call(method, subject)
        return self._write(id=self._last_id, method=method, params=params)

    def notify(self, method: str, params: dict[str, Any] | None = None) -> bytes:
        """A notification."""
        return self._write(method=method) if params is None else self._write(method=method, params=params)

    def respond(self, request_id: RequestId, result: dict[str, Any]) -> bytes:
        """The answer to a request of the peer."""
        return self._write(id=request_id, result=result)

    def refuse(self, request_id: RequestId, message: str, *, code: int = METHOD_NOT_FOUND) -> bytes:
        """The refusal of a request of the peer."""
        return self._write(id=request_id, error={"code": code, "message": message})

    def read(
        self, message: dict[str, Any]
    ) -> PeerRequest | Notification | Result[_Subject] | Failure[_Subject] | Unmatched:
        """Tell what a message of the peer is; an answer closes the request it belongs to."""
        method, request_id = message.get("method"), message.get("id")
        if isinstance(method, str):
            params = _object(message.get("params"))
            if _is_id(request_id):
                return PeerRequest(id=request_id, method=method, params=params)
            return Notification(method=method, params=params) if request_id is None else Unmatched(what="request")
        if _is_id(request_id) and ("result" in message or "error" in message):
            return self._close(request_id, message)
        return Unmatched(what="message")

    def _close(
        self, request_id: RequestId, message: dict[str, Any]
    ) -> Result[_Subject] | Failure[_Subject] | Unmatched:
        call = self._open.pop(request_id, None)
        if call is None:
            return Unmatched(what="response")
        error = message.get("error")
        if error is None:
            return Result(call=call, value=_object(message.get("result")))
        code, text = _object(error).get("code"), _object(error).get("message")
        return Failure(call=call, code=code if isinstance(code, int) else 0, message=str(text or error))

    def _write(self, **members: object) -> bytes:
        return dumps({**self._envelope, **members})


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _is_id(value: object) -> TypeGuard[RequestId]:
    return isinstance(value, int | str) and not isinstance(value, bool)
