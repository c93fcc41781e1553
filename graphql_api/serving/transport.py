"""The messages of the graphql-transport-ws protocol: text in, messages out, and the other way round.

https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

from graphql_api.execution.documents import GraphQLRequest

SUBPROTOCOL = "graphql-transport-ws"
MAX_MESSAGE_CHARACTERS = 1024 * 1024
_LONGEST_ID = 200
_Json = dict[str, Any]


class InvalidMessage(Exception):
    """A message that the protocol does not know; the text tells the peer what is wrong with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionInit:
    """The client's first message."""

    payload: _Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Ping:
    """Asks for a pong."""

    payload: _Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Pong:
    """Answers a ping, or says that the peer lives."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscribe:
    """Begins an operation of any kind."""

    id: str
    request: GraphQLRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class Complete:
    """Ends an operation."""

    id: str


Message = ConnectionInit | Ping | Pong | Subscribe | Complete


def read_message(text: str) -> Message:
    """A client's message. Raises `InvalidMessage`."""
    if len(text) > MAX_MESSAGE_CHARACTERS:
        raise InvalidMessage("The message is too large")
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise InvalidMessage("The message is not JSON") from None
    if not isinstance(found, dict):
        raise InvalidMessage("The message is not an object")
    match found.get("type"):
        case "connection_init":
            return ConnectionInit(payload=_object(found, "payload"))
        case "ping":
            return Ping(payload=_object(found, "payload"))
        case "pong":
            _object(found, "payload")
            return Pong()
        case "subscribe":
            return _subscribe(found)
        case "complete":
            return Complete(id=_id(found))
        case _:
            raise InvalidMessage("The message is of no type that a client sends")


def _subscribe(found: _Json) -> Subscribe:
    payload = found.get("payload")
    if not isinstance(payload, dict):
        raise InvalidMessage("A subscribe message has a payload")
    request = GraphQLRequest(
        query=_text(payload, "query"),
        document_id=_text(payload, "documentId"),
        operation_name=_text(payload, "operationName"),
        variables=_object(payload, "variables"),
        extensions=_object(payload, "extensions"),
    )
    if request.query is None and request.document_id is None and "persistedQuery" not in request.extensions:
        raise InvalidMessage("The query of a subscribe message is a string")
    return Subscribe(id=_id(found), request=request)


def _text(payload: _Json, name: str) -> str | None:
    value = payload.get(name)
    if value is not None and not isinstance(value, str):
        raise InvalidMessage(f"The {name} of a subscribe message is a string")
    return value


def _id(found: _Json) -> str:
    value = found.get("id")
    if not isinstance(value, str) or not value:
        raise InvalidMessage("The id of an operation is a string that is not empty")
    if len(value) > _LONGEST_ID:
        raise InvalidMessage(f"The id of an operation has {_LONGEST_ID} characters at most")
    return value


def _object(found: _Json, name: str) -> _Json:
    value = found.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise InvalidMessage(f"{name} is an object")
    return value


def connection_ack() -> bytes:
    """The connection is ready for operations."""
    return b'{"type":"connection_ack"}'


def ping(payload: _Json) -> bytes:
    """Tells a peer something that is of no operation."""
    return orjson.dumps({"type": "ping", "payload": payload})


def pong(payload: _Json | None = None) -> bytes:
    """Answers a ping."""
    return orjson.dumps({"type": "pong", "payload": payload}) if payload else b'{"type":"pong"}'


def next_head(operation: str) -> bytes:
    """What stands before the response in a `next` message; `}` stands behind it."""
    return b'{"id":' + orjson.dumps(operation) + b',"type":"next","payload":'


def error(operation: str, errors: list[_Json]) -> bytes:
    """An operation was not begun, or may not go on. It is over."""
    return orjson.dumps({"id": operation, "type": "error", "payload": errors})


def complete(operation: str) -> bytes:
    """An operation is over."""
    return b'{"id":' + orjson.dumps(operation) + b',"type":"complete"}'
