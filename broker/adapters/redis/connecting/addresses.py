"""Where the store is: what a Redis URL may say, and what of it redis-py is told."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from urllib.parse import SplitResult, urlsplit

from redis.asyncio.connection import AbstractConnection, Connection, parse_url
from redis.exceptions import RedisError

from broker.domain.errors import RelayError

_SENTINEL_PORT, _REDIS_PORT = 26379, 6379
_SENTINEL_OPTIONS = {"sentinel_username": "username", "sentinel_password": "password"}
_POOL_OPTIONS = ("max_connections", "timeout")
_OFFERED = "redis://, rediss://, unix://, redis+sentinel:// or redis+cluster:// (rediss+… with TLS)"


class BadStoreUrl(RelayError):
    """The URL of the store cannot be used; the message says why, and shows nothing of its password."""

    code = "REDIS_URL"
    http_status = 400

    def __init__(self, problem: str) -> None:
        super().__init__(f"the Redis URL (--redis, RELAYCAST_REDIS_URL) {problem}")


class StoreKind(StrEnum):
    """How many servers there are, and who knows which of them to ask."""

    SINGLE = "single"
    SENTINEL = "sentinel"
    CLUSTER = "cluster"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreAddress:
    """A URL that was read."""

    kind: StoreKind
    hosts: Sequence[tuple[str, int]]
    """Of the Sentinels, or of some nodes of the cluster; empty for a single server."""
    service: str = ""
    """What the Sentinels call the primary."""
    connection: type[AbstractConnection]
    options: Mapping[str, Any]
    """redis-py's, of a connection to a server that holds data."""
    pool_options: Mapping[str, Any] = field(default_factory=dict)
    """The same, of the connections together."""
    sentinel_options: Mapping[str, Any] = field(default_factory=dict)
    """The same, of a connection to a Sentinel."""


def read_address(url: str) -> StoreAddress:
    """What a URL says. Raises `BadStoreUrl`.

    `redis+sentinel://user:password@host1:26379,host2/service/0?sentinel_password=…`, where user and password are those
    of the servers that hold the data; `redis+cluster://user:password@host1:6379,host2`.
    """
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise BadStoreUrl(f"cannot be read: {error}") from None
    scheme, _, kind = parts.scheme.partition("+")
    if scheme not in {"redis", "rediss", "unix"} or kind not in {"", "sentinel", "cluster"} or "unix+" in parts.scheme:
        raise BadStoreUrl(f"begins with {parts.scheme or 'nothing'}://; it has to be {_OFFERED}")
    match kind:
        case "sentinel":
            address = _sentinel(scheme, parts)
        case "cluster":
            address = _cluster(scheme, parts)
        case _:
            address = _single(url, parts)
    _try(address.connection, address.options)
    return address


def _single(url: str, parts: SplitResult) -> StoreAddress:
    if parts.scheme == "unix" and not parts.path:
        raise BadStoreUrl("names no socket: unix:///path/to/redis.sock")
    if parts.scheme != "unix":
        host = parts.netloc.rpartition("@")[2]
        if host:
            _host(host, _REDIS_PORT)
        _database(parts.path)
    connection, options = _options(url)
    pool = _take_apart(options, _POOL_OPTIONS)
    return StoreAddress(kind=StoreKind.SINGLE, hosts=(), connection=connection, options=options, pool_options=pool)


def _sentinel(scheme: str, parts: SplitResult) -> StoreAddress:
    service, _, database = parts.path.strip("/").partition("/")
    if not service:
        raise BadStoreUrl("names no service: redis+sentinel://host1,host2/service/0")
    _database(database)
    connection, given = _common_options(scheme, parts, database)
    pool = _take_apart(given, _POOL_OPTIONS)
    own = {_SENTINEL_OPTIONS[name]: value for name, value in _take_apart(given, _SENTINEL_OPTIONS).items()}
    tls = {name: value for name, value in given.items() if name.startswith("ssl")}
    return StoreAddress(
        kind=StoreKind.SENTINEL,
        hosts=_hosts(parts, _SENTINEL_PORT),
        service=service,
        connection=connection,
        options=given,
        pool_options=pool,
        sentinel_options={**tls, **own, **({"ssl": True} if scheme == "rediss" else {})},
    )


def _cluster(scheme: str, parts: SplitResult) -> StoreAddress:
    if parts.path.strip("/") not in {"", "0"}:
        raise BadStoreUrl("names a database, and a cluster has none but 0")
    connection, given = _common_options(scheme, parts, "")
    return StoreAddress(
        kind=StoreKind.CLUSTER,
        hosts=_hosts(parts, _REDIS_PORT),
        connection=connection,
        options=given,
        pool_options=_take_apart(given, _POOL_OPTIONS),
    )


def _common_options(scheme: str, parts: SplitResult, database: str) -> tuple[type[AbstractConnection], dict[str, Any]]:
    user, at, _ = parts.netloc.rpartition("@")
    connection, given = _options(f"{scheme}://{user}{at}host/{database}?{parts.query}")
    del given["host"]
    return connection, given


def _options(url: str) -> tuple[type[AbstractConnection], dict[str, Any]]:
    try:
        given: dict[str, Any] = dict(parse_url(url))
    except ValueError as error:
        raise BadStoreUrl(f"cannot be read: {error}") from None
    connection: type[AbstractConnection] = given.pop("connection_class", Connection)
    return connection, given


def _hosts(parts: SplitResult, port: int) -> list[tuple[str, int]]:
    return [_host(each, port) for each in parts.netloc.rpartition("@")[2].split(",")]


def _host(text: str, port: int) -> tuple[str, int]:
    try:
        parts = urlsplit(f"//{text}")
        found = (parts.hostname, parts.port)
    except ValueError as error:
        raise BadStoreUrl(f"has a host that cannot be read: {error}") from None
    if not found[0]:
        raise BadStoreUrl("names no host")
    return found[0], found[1] or port


def _database(path: str) -> None:
    if path.strip("/") and not path.strip("/").isdecimal():
        raise BadStoreUrl(f"ends in {path!r}; only a database's number can stand there")


def _take_apart(given: dict[str, Any], names: Iterable[str]) -> dict[str, Any]:
    return {name: given.pop(name) for name in names if name in given}


def _try(connection: type[AbstractConnection], options: Mapping[str, Any]) -> None:
    """An option that redis-py does not know shows when a connection is made, opened or not."""
    try:
        connection(**options)
    except TypeError as error:
        raise BadStoreUrl(f"has an option that is not known: {str(error).rpartition(' ')[2]}") from None
    except (ValueError, RedisError) as error:
        raise BadStoreUrl(f"has an option that cannot be used: {error}") from None
