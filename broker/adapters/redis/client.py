"""Opens Redis connections with the settings that this product needs."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Iterable
from typing import Any, Literal, Protocol, TypeVar, assert_never, cast
from weakref import WeakKeyDictionary, WeakSet

from redis.asyncio import BlockingConnectionPool, ConnectionPool, Redis
from redis.asyncio.client import Pipeline, PubSub
from redis.asyncio.connection import AbstractConnection, SSLConnection
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import (
    Sentinel,
    SentinelConnectionPool,
    SentinelManagedConnection,
    SentinelManagedSSLConnection,
)
from redis.backoff import ExponentialWithJitterBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import NoScriptError, ReadOnlyError, RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError
from typing_extensions import override

from broker.adapters.redis import keys
from broker.adapters.redis.addresses import StoreAddress, StoreKind, read_address
from broker.adapters.redis.trouble import no_service, store_away, unavailable

__all__ = ["TextRedis", "open_redis", "published", "store_away"]

_T = TypeVar("_T")
MAX_CONNECTIONS = 32
HEALTH_CHECK_S = 15
SOCKET_TIMEOUT_S = 10
"""No command of ours blocks; one that takes longer means that the server is away."""
_SENTINEL_TIMEOUT_S = 2
"""There are others to ask."""
PROBE_MS = 10_000
_GIVE_UP_S = 1.0
"""Connections to a server that has become a copy are given up once in this time, not for each refused command."""


class TextRedis(Protocol):
    """The commands in use, typed for `decode_responses=True`; redis-py's own types allow bytes everywhere."""

    async def get(self, name: str) -> str | None: ...
    async def set(
        self,
        name: str,
        value: str | bytes,
        *,
        px: int | None = None,
        nx: bool = False,
        xx: bool = False,
        get: bool = False,
        keepttl: bool = False,
    ) -> object: ...
    async def delete(self, *names: str) -> int: ...
    async def hget(self, name: str, key: str) -> str | None: ...
    async def hmget(self, name: str, *keys: str) -> list[str | None]: ...
    async def hgetall(self, name: str) -> dict[str, str]: ...
    async def hvals(self, name: str) -> list[str]: ...
    async def hset(self, name: str, key: str, value: str | bytes) -> int: ...
    async def hsetnx(self, name: str, key: str, value: str) -> int: ...
    async def hdel(self, name: str, *keys: str) -> int: ...
    async def sadd(self, name: str, *values: str) -> int: ...
    async def srem(self, name: str, *values: str) -> int: ...
    async def scard(self, name: str) -> int: ...
    async def smembers(self, name: str) -> Collection[str]: ...
    async def scan(
        self, cursor: int = 0, match: str | None = None, count: int | None = None
    ) -> tuple[int, list[str]]: ...
    async def zrange(self, name: str, start: int, end: int, desc: bool = False) -> list[str]: ...
    async def zrem(self, name: str, *values: str) -> int: ...
    async def zrangebyscore(
        self, name: str, min: str, max: str, *, withscores: Literal[True]
    ) -> list[tuple[str, float]]: ...
    async def xrange(
        self,
        name: str,
        min: str = "-",
        max: str = "+",
        count: int | None = None,
    ) -> list[tuple[str, dict[str, str]]]: ...
    async def xrevrange(
        self,
        name: str,
        max: str = "+",
        min: str = "-",
        count: int | None = None,
    ) -> list[tuple[str, dict[str, str]]]: ...
    async def publish(self, channel: str, message: str) -> int: ...
    async def evalsha(self, sha: str, numkeys: int, *arguments: str | int | bytes) -> Any: ...
    async def eval(self, script: str, numkeys: int, *arguments: str | int | bytes) -> Any: ...
    async def ping(self) -> bool: ...
    async def time(self) -> tuple[int, int]: ...
    async def info(self, section: str) -> dict[str, Any]: ...
    async def aclose(self) -> None: ...
    def pubsub(self) -> PubSub: ...

    async def require_writable(self) -> None:
        """Return when whatever is sent now can be stored. Raises `Unavailable` with the reason."""

    def pipeline(self, transaction: bool = True) -> Pipeline:
        """Commands for one round trip, all of one slot. A cluster's are never a transaction."""


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
            raise await self.refused(error) from error

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

    async def refused(self, error: RedisError) -> Exception:
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
            raise await self._store.refused(error) from error
        results = [await self._store.refused(each) if isinstance(each, RedisError) else each for each in results]
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


def raise_first(results: Iterable[object]) -> None:
    """Raise what the first failed command of a pipeline came to."""
    for each in results:
        if isinstance(each, Exception):
            raise each


class Cancellable(AbstractConnection):
    """Mixed into redis-py's connections: a command that is cancelled is cancelled.

    Theirs writes with `asyncio.wait_for`, which before Python 3.12 lost a cancellation that came as the write was done
    (python/cpython#86296), so that who was told to stop went on; and it makes a task for each command.
    """

    @override
    async def send_packed_command(self, command: bytes | str | Iterable[bytes], check_health: bool = True) -> None:
        if not self.is_connected:
            await self.reopen()
        if check_health:
            await self.check_health()  # type: ignore[no-untyped-call]  # redis-py's has no types
        packed = command.encode() if isinstance(command, str) else command
        writer = self._writer
        assert writer is not None, "connected"
        try:
            writer.writelines([packed] if isinstance(packed, bytes) else packed)
            async with asyncio.timeout(self.socket_timeout):
                await writer.drain()
        except TimeoutError:
            await self.disconnect(nowait=True)
            raise RedisTimeoutError("timeout writing to the socket") from None
        except (OSError, RuntimeError) as error:  # uvloop says RuntimeError of a transport that has just been closed
            await self.disconnect(nowait=True)
            raise RedisConnectionError(f"writing to the socket: {error}") from error
        except BaseException:
            # Half a command may be written.
            await self.disconnect(nowait=True)
            raise

    async def reopen(self) -> None:
        """Connect, for a command that found the connection lost."""
        await self.connect_check_health(check_health=False)

    def abort(self) -> None:
        """End it under whoever waits for it, who finds it lost and connects again."""
        if self._writer is not None:
            self._writer.transport.abort()


def cancellable(kind: type[AbstractConnection]) -> type[AbstractConnection]:
    """One of redis-py's classes of connections, with the mixin."""
    return type(kind.__name__, (Cancellable, kind), {})


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


def open_redis(url: str) -> TextRedis:
    """A client for the store at a URL. Raises `BadStoreUrl`.

    Its pool waits for a free connection instead of raising (redis-py's default pool raises). `from_url` retries nothing
    unless told; every script of ours may be sent twice, so retrying is safe.
    """
    address = read_address(url)
    match address.kind:
        case StoreKind.CLUSTER:
            from broker.adapters.redis.cluster import open_cluster  # noqa: PLC0415 - it is built upon this module

            return open_cluster(address)
        case StoreKind.SENTINEL:
            pool: ConnectionPool = _sentinel_pool(address)
        case StoreKind.SINGLE:
            kind = cancellable(address.connection)
            pool = BlockingConnectionPool(connection_class=kind, **_pool_options(address))
        case _ as other:
            assert_never(other)
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


def connection_options(address: StoreAddress) -> dict[str, Any]:
    """What every connection is made with, whatever it leads to; the URL may say otherwise."""
    return {
        "decode_responses": True,
        "socket_timeout": SOCKET_TIMEOUT_S,
        "health_check_interval": HEALTH_CHECK_S,
        "retry": Patience(),
        "retry_on_error": [RedisConnectionError, RedisTimeoutError],
        **address.options,
    }


class Patience(Retry):
    """How often a command is tried: for about 1.5 s in all while connections are refused or lost.

    What had no answer in `SOCKET_TIMEOUT_S` is not tried again: redis-py counts attempts alone, and would wait six
    times as long for a server that stands still.
    """

    def __init__(self) -> None:
        super().__init__(ExponentialWithJitterBackoff(base=0.01, cap=0.5), 5)

    @override
    async def call_with_retry(
        self,
        do: Callable[[], Awaitable[_T]],
        fail: Callable[[Exception], Any] | Callable[[Exception, int], Any],
        is_retryable: Callable[[Exception], bool] | None = None,
        with_failure_count: bool = False,
    ) -> _T:
        def may_retry(error: Exception) -> bool:
            return not _is_timeout(error) and (is_retryable is None or is_retryable(error))

        return await super().call_with_retry(do, fail, may_retry, with_failure_count)


def _is_timeout(error: BaseException | None) -> bool:
    """Also when redis-py has wrapped it, as it does where a connection greets."""
    return error is not None and (isinstance(error, RedisTimeoutError) or _is_timeout(error.__cause__))


async def published(redis: TextRedis, channel: str) -> AsyncGenerator[str | None, None]:
    """What is published on a channel from now on, on a connection of its own. To be closed with `aclosing`.

    None first, and again whenever the connection was lost: what was published before may not have been heard. Raises
    `Unavailable` when the server cannot serve.
    """
    pubsub = redis.pubsub()
    try:
        await pubsub.subscribe(channel)
        async for message in pubsub.listen():
            if message["type"] == "message":
                yield message["data"]
            elif message["type"] == "subscribe":
                yield None
    except RedisError as error:  # a subscription's connection knows nothing of `_Store`
        raise unavailable(error) or error from error
    finally:
        await pubsub.aclose()  # type: ignore[no-untyped-call]  # redis-py's has no types
