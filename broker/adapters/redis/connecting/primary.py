"""A store of one primary, which is asked directly or found by its Sentinels."""

from __future__ import annotations

import asyncio
import math
from typing import Any, cast
from weakref import WeakKeyDictionary, WeakSet

from redis.asyncio import BlockingConnectionPool, ConnectionPool, Redis
from redis.asyncio.client import Pipeline, PubSub
from redis.asyncio.connection import SSLConnection
from redis.asyncio.sentinel import (
    Sentinel,
    SentinelConnectionPool,
    SentinelManagedConnection,
    SentinelManagedSSLConnection,
)
from redis.exceptions import NoScriptError, ReadOnlyError, RedisError
from typing_extensions import override

from broker.adapters.redis import keys
from broker.adapters.redis.client import TextRedis, raise_first
from broker.adapters.redis.connecting.addresses import StoreAddress, StoreKind
from broker.adapters.redis.connecting.connections import (
    MAX_CONNECTIONS,
    PROBE_MS,
    SOCKET_TIMEOUT_S,
    Cancellable,
    cancellable,
    connection_options,
)
from broker.adapters.redis.trouble import no_service, unavailable

_SENTINEL_TIMEOUT_S = 2
"""There are others to ask."""
_GIVE_UP_S = 1.0
"""Connections to a server that has become a copy are given up once in this time, not for each refused command."""


class _Store(Redis):
    """Says `Unavailable` when the server cannot serve, whichever command noticed: callers know no Redis errors.

    One that is a copy now was the primary when we connected: the connections to it are given up, so that the next are
    made to whichever server the address, or the Sentinels, name by then.
    """

    _gave_up_at = -math.inf

    @override
    async def execute_command(self, *args: Any, **options: Any) -> Any:
        try:
            return await super().execute_command(*args, **options)  # type: ignore[no-untyped-call]  # redis-py's has no types
        except RedisError as error:
            raise await self.to_error(error) from error

    @override
    def pipeline(self, transaction: bool = True, shard_hint: str | None = None) -> Pipeline:
        return _StorePipeline(self, transaction=transaction)

    @override
    def pubsub(self, **options: Any) -> PubSub:
        made = super().pubsub(**options)
        _following(self.connection_pool).add(made)
        return made

    @override
    async def aclose(self, close_connection_pool: bool | None = None) -> None:
        await super().aclose(close_connection_pool)
        if isinstance(self.connection_pool, _SentinelPool):
            await self.connection_pool.sentinel_manager.aclose()

    async def require_writable(self) -> None:
        """That it is a primary, and that it takes a write: a copy, a full disk or memory refuse it."""
        require_role(await self.execute_command("HELLO"))
        await self.set(keys.PROBE, "1", px=PROBE_MS)

    async def to_error(self, error: RedisError) -> Exception:
        """What to raise for an answer of the server's, which may mean that it is the wrong one to ask."""
        refusal = unavailable(error)
        if refusal is None or isinstance(error, NoScriptError):  # the script's owner knows what to do
            return error
        if isinstance(error, ReadOnlyError):
            await self._give_up_server()
        return refusal

    async def _give_up_server(self) -> None:
        now = asyncio.get_running_loop().time()
        if now - self._gave_up_at >= _GIVE_UP_S:
            self._gave_up_at = now
            await move_connections(self.connection_pool)


class _StorePipeline(Pipeline):
    def __init__(self, store: _Store, *, transaction: bool) -> None:
        super().__init__(store.connection_pool, store.response_callbacks, transaction, None)
        self._store = store

    @override
    async def execute(self, raise_on_error: bool = True) -> list[Any]:
        try:
            results = await super().execute(raise_on_error=False)
        except RedisError as error:
            raise await self._store.to_error(error) from error
        results = [await self._store.to_error(each) if isinstance(each, RedisError) else each for each in results]
        if raise_on_error:
            raise_first(results)
        return results


def require_role(hello: dict[str, object] | list[object]) -> None:
    """Look at a server's answer to HELLO. Raises `Unavailable` when it is no primary that can be asked directly."""
    said = hello if isinstance(hello, dict) else dict(zip(hello[::2], hello[1::2], strict=True))
    if said.get("mode") == "sentinel":
        raise no_service("SENTINEL")
    if said.get("mode") == "cluster":
        raise no_service("MOVED")
    if said.get("role", "master") != "master":
        raise no_service("READONLY")


class _SentinelConnection(Cancellable, SentinelManagedConnection):
    @override
    async def reopen(self) -> None:
        await self.connect()  # type: ignore[no-untyped-call]  # redis-py's has no types; this one asks the Sentinels


class _SentinelSSLConnection(_SentinelConnection, SentinelManagedSSLConnection):
    pass


class _SentinelPool(SentinelConnectionPool, BlockingConnectionPool):
    """Waits for a free connection; and leaves the old primary, also where it still answers, when there is another."""

    @override
    async def get_master_address(self) -> tuple[str, int]:
        known = self.master_address
        found: tuple[str, int] = await super().get_master_address()  # type: ignore[no-untyped-call]  # redis-py's has no types
        if known is not None and known != found:
            await move_connections(self)
        return found


async def move_connections(pool: ConnectionPool) -> None:
    """Leave a server: idle connections now, busy ones after their command, and those that listen at once."""
    await pool.update_active_connections_for_reconnect()  # type: ignore[no-untyped-call]  # redis-py's has no types
    for pubsub in list(_following(pool)):
        connection: object = pubsub.connection
        if isinstance(connection, Cancellable):
            connection.abort()
    await pool.disconnect(inuse_connections=False)


_FOLLOWING: WeakKeyDictionary[ConnectionPool, WeakSet[PubSub]] = WeakKeyDictionary()


def _following(pool: ConnectionPool) -> WeakSet[PubSub]:
    """Who listens on a connection of that pool."""
    return _FOLLOWING.setdefault(pool, WeakSet())


def open_primary(address: StoreAddress) -> TextRedis:
    """A client whose pool waits for a free connection instead of raising, as redis-py's default pool does."""
    if address.kind is StoreKind.SENTINEL:
        pool: ConnectionPool = _sentinel_pool(address)
    else:
        pool = BlockingConnectionPool(connection_class=cancellable(address.connection), **_pool_options(address))
    # From its own pool, so that closing the client closes the connections. The pool decodes every reply, which
    # redis-py's types cannot say.
    return cast(TextRedis, _Store.from_pool(pool))


def _sentinel_pool(address: StoreAddress) -> _SentinelPool:
    ours = {"socket_timeout": _SENTINEL_TIMEOUT_S, "socket_connect_timeout": _SENTINEL_TIMEOUT_S}
    sentinels = Sentinel(address.hosts, sentinel_kwargs={**ours, **address.sentinel_options})  # type: ignore[no-untyped-call]  # redis-py's has no types
    tls = issubclass(address.connection, SSLConnection)
    kind = _SentinelSSLConnection if tls else _SentinelConnection
    return _SentinelPool(address.service, sentinels, connection_class=kind, **_pool_options(address))  # type: ignore[no-untyped-call]  # redis-py's has no types


def _pool_options(address: StoreAddress) -> dict[str, Any]:
    pool = {"max_connections": MAX_CONNECTIONS, "timeout": SOCKET_TIMEOUT_S, **address.pool_options}
    return {**pool, **connection_options(address)}
