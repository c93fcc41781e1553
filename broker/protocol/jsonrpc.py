"""One side of a JSON-RPC 2.0 connection without I/O: numbers our requests and tells apart what the peer sends.

Each side numbers its own requests, so the peer's request 0 and the answer to our request 0 are different things;
the presence of `method` decides. Codex leaves the `jsonrpc` member out, ACP wants it; reading never needs it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeGuard, TypeVar, assert_never

from broker.protocol.json_text import dumps

PARSE_ERROR = -32700
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
UNREADABLE = 0
"""Of a `Failure`: the peer has answered, and nobody knows what. No code of JSON-RPC's own, which refuse a request."""

_MAX_NAME = 80

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
    cut: bool = False
    """Parts of `params` are missing: nobody can know all that is asked."""


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


Message = PeerRequest | Notification | Result[_Subject] | Failure[_Subject] | Unmatched


class Connection(Generic[_Subject]):
    """Writes messages and remembers which of our requests are open; `_Subject` is what a request was about."""

    def __init__(self, *, versioned: bool) -> None:
        self._envelope: dict[str, Any] = {"jsonrpc": "2.0"} if versioned else {}
        self._open: dict[RequestId, Call[_Subject]] = {}
        self._last_id = 0

    def request(self, method: str, params: dict[str, Any], *, subject: _Subject | None = None) -> bytes:
        """A request; its answer will come back with `method` and `subject`."""
        self._last_id += 1
        return self._request(self._last_id, Call(method, subject), params)

    def request_beside(self, method: str, params: dict[str, Any]) -> bytes:
        """A request of which there is one in a conversation; it takes no number from the others."""
        return self._request(method, Call(method, None), params)

    def notify(self, method: str, params: dict[str, Any] | None = None) -> bytes:
        """A notification."""
        return self._write(method=method) if params is None else self._write(method=method, params=params)

    def respond(self, request_id: RequestId, result: dict[str, Any]) -> bytes:
        """The answer to a request of the peer."""
        return self._write(id=request_id, result=result)

    def refuse(self, request_id: RequestId, message: str, *, code: int = METHOD_NOT_FOUND) -> bytes:
        """The refusal of a request of the peer."""
        return self._write(id=request_id, error={"code": code, "message": message})

    def read(self, message: dict[str, Any], *, cut: bool = False) -> Message[_Subject]:
        """Tell what a message of the peer is; an answer closes the request it belongs to."""
        method, request_id = message.get("method"), message.get("id")
        if isinstance(method, str):
            params = _object(message.get("params"))
            if _is_id(request_id) and self._is_echo(request_id, method):
                return Unmatched(what="echo")
            if _is_id(request_id):
                return PeerRequest(id=request_id, method=method, params=params, cut=cut)
            return Notification(method=method, params=params) if request_id is None else Unmatched(what="request")
        if _is_id(request_id) and ("result" in message or "error" in message):
            return self._close(request_id, message)
        return Unmatched(what="message")

    def read_broken(self, head: Mapping[str, object], *, reason: str) -> PeerRequest | Failure[_Subject] | None:
        """What the loss of a message means: a request that needs an answer, or an answer that nobody knows.

        `head` holds the members that could still be read. None: nobody waits for anything.
        """
        method, request_id = head.get("method"), head.get("id")
        if not _is_id(request_id):
            return None
        if isinstance(method, str):
            echo = self._is_echo(request_id, method)
            return None if echo else PeerRequest(id=request_id, method=method, params={}, cut=True)
        call = self._open.pop(request_id, None)
        return Failure(call=call, code=UNREADABLE, message=f"its answer could not be read: {reason}") if call else None

    def _request(self, request_id: RequestId, call: Call[_Subject], params: dict[str, Any]) -> bytes:
        self._open[request_id] = call
        return self._write(id=request_id, method=call.method, params=params)

    def _is_echo(self, request_id: RequestId, method: str) -> bool:
        """Whether it is what we have asked, printed by an agent that logs what it reads: no request of its own."""
        call = self._open.get(request_id)
        return call is not None and call.method == method

    def _close(self, request_id: RequestId, message: dict[str, Any]) -> Message[_Subject]:
        call = self._open.pop(request_id, None)
        if call is None:
            return Unmatched(what="response")
        error = message.get("error")
        if error is None:
            return Result(call=call, value=_object(message.get("result")))
        return Failure(call=call, code=_code(_object(error)), message=_explanation(_object(error)))

    def _write(self, **members: object) -> bytes:
        return dumps({**self._envelope, **members})


def message_name(message: Message[_Subject]) -> str:
    """The frame type of a message: `turn/started`, `turn/start:result`, `turn/start:error`."""
    match message:
        case PeerRequest() | Notification():
            return message.method[:_MAX_NAME]
        case Result():
            return f"{message.call.method}:result"
        case Failure():
            return f"{message.call.method}:error"
        case Unmatched():
            return message.what
        case _ as other:
            assert_never(other)


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _code(error: dict[str, Any]) -> int:
    code = error.get("code")
    return code if isinstance(code, int) else UNREADABLE


def _explanation(error: dict[str, Any]) -> str:
    """The message, and Gemini's `data.details` behind it: its message alone is often "Internal error"."""
    parts = (error.get("message"), _object(error.get("data")).get("details"))
    return ": ".join(part for part in parts if isinstance(part, str)) or "no reason given"


def _is_id(value: object) -> TypeGuard[RequestId]:
    return isinstance(value, int | str) and not isinstance(value, bool)
