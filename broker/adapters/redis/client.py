"""Opens Redis connections with the settings that this product needs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Collection, Iterable
from typing import Any, Literal, Protocol, cast

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.client import Pipeline, PubSub
from redis.asyncio.connection import AbstractConnection
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialWithJitterBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError
from typing_extensions import override

from broker.domain.errors import Unavailable

_MAX_CONNECTIONS = 32
_HEALTH_CHECK_S = 15
_SOCKET_TIMEOUT_S = 10
"""No command of ours blocks; one that takes longer means that the server is away."""


class TextRedis(Protocol):
    """The commands in use, typed for `decode_responses=True`; redis-py's own types allow bytes everywhere."""

    async def get(self, name: str) -> str | None: ...
    async def getdel(self, name: str) -> str | None: ...
    async def set(
        self,
        name: str,
        value: str | bytes,
        *,
        px: int | None = None,
        pxat: int | None = None,
        nx: bool = False,
        xx: bool = False,
        get: bool = False,
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
    async def publish(self, channel: str, message: str) -> int: ...
    async def evalsha(self, sha: str, numkeys: int, *arguments: str | int | bytes) -> Any: ...
    async def eval(self, script: str, numkeys: int, *arguments: str | int | bytes) -> Any: ...
    async def script_load(self, script: str) -> str: ...
    async def ping(self) -> bool: ...
    async def time(self) -> tuple[int, int]: ...
    async def info(self, section: str) -> dict[str, Any]: ...
    async def aclose(self) -> None: ...
    def pipeline(self, transaction: bool = True) -> Pipeline: ...
    def pubsub(self) -> PubSub: ...


def store_away(error: Exception) -> Unavailable:
    """The refusal for a Redis that does not answer."""
    return Unavailable(f"the broker's store does not answer ({type(error).__name__}); try again", retry_after_s=1)


class _Store(Redis):
    """Says `Unavailable` when the server is away, whichever command noticed: callers know no Redis errors."""

    @override
    async def execute_command(self, *args: Any, **options: Any) -> Any:
        try:
            return await super().execute_command(*args, **options)  # type: ignore[no-untyped-call]  # redis-py's has no types
        except (RedisConnectionError, RedisTimeoutError) as error:
            raise store_away(error) from error

    @override
    def pipeline(self, transaction: bool = True, shard_hint: str | None = None) -> Pipeline:
        return _StorePipeline(self.connection_pool, self.response_callbacks, transaction, shard_hint)


class _StorePipeline(Pipeline):
    @override
    async def execute(self, raise_on_error: bool = True) -> list[Any]:
        try:
            return await super().execute(raise_on_error)
        except (RedisConnectionError, RedisTimeoutError) as error:
            raise store_away(error) from error


class _Cancellable(AbstractConnection):
    """Mixed into redis-py's connections: a command that is cancelled is cancelled.

    Theirs writes with `asyncio.wait_for`, which before Python 3.12 lost a cancellation that came as the write was done
    (python/cpython#86296), so that who was told to stop went on; and it makes a task for each command.
    """

    @override
    async def send_packed_command(self, command: bytes | str | Iterable[bytes], check_health: bool = True) -> None:
        if not self.is_connected:
            await self.connect_check_health(check_health=False)
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
        except (OSError, RuntimeError) as error:  # uvloop's word for a transport that is closed
            await self.disconnect(nowait=True)
            raise RedisConnectionError(f"writing to the socket: {error}") from error
        except BaseException:
            # Half a command may be written.
            await self.disconnect(nowait=True)
            raise


def open_redis(url: str) -> TextRedis:
    """A client on a pool that waits for a free connection instead of raising (redis-py's default pool raises).

    `from_url` retries nothing unless told; every script of ours may be sent twice, so retrying is safe.
    """
    pool = BlockingConnectionPool.from_url(
        url,
        max_connections=_MAX_CONNECTIONS,
        timeout=_SOCKET_TIMEOUT_S,
        decode_responses=True,
        socket_timeout=_SOCKET_TIMEOUT_S,
        health_check_interval=_HEALTH_CHECK_S,
        retry=Retry(ExponentialWithJitterBackoff(base=0.01, cap=0.5), 5),
        retry_on_error=[RedisConnectionError, RedisTimeoutError],
    )
    kind = pool.connection_class
    pool.connection_class = type(kind.__name__, (_Cancellable, kind), {})
    # From its own pool, so that closing the client closes the connections. The pool decodes every reply, which
    # redis-py's types cannot say.
    return cast(TextRedis, _Store.from_pool(pool))


async def published(redis: TextRedis, channel: str) -> AsyncGenerator[str | None, None]:
    """What is published on a channel from now on, on a connection of its own. To be closed with `aclosing`.

    None first, and again whenever the connection was lost: what was published before may not have been heard.
    """
    pubsub = redis.pubsub()
    try:
        await pubsub.subscribe(channel)
        async for message in pubsub.listen():
            if message["type"] == "message":
                yield message["data"]
            elif message["type"] == "subscribe":
                yield None
    finally:
        await pubsub.aclose()  # type: ignore[no-untyped-call]  # redis-py's has no types
