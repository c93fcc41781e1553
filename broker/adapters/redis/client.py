"""The commands of Redis that the adapters use, whatever kind of store is behind them."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Collection, Iterable
from typing import Any, Literal, Protocol

from redis.asyncio.client import Pipeline, PubSub
from redis.exceptions import RedisError

from broker.adapters.redis.trouble import store_away, unavailable

__all__ = ["TextRedis", "listen_on", "raise_first", "store_away"]


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
    async def pexpire(self, name: str, time: int, *, lt: bool = False) -> bool: ...
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
    async def zcard(self, name: str) -> int: ...
    async def zrangebyscore(
        self,
        name: str,
        min: str,
        max: str,
        start: int | None = None,
        num: int | None = None,
        *,
        withscores: Literal[True],
    ) -> list[tuple[str, float]]: ...
    async def lrange(self, name: str, start: int, end: int) -> list[str]: ...
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


def raise_first(results: Iterable[object]) -> None:
    """Raise what the first failed command of a pipeline came to."""
    for each in results:
        if isinstance(each, Exception):
            raise each


async def listen_on(redis: TextRedis, channel: str) -> AsyncGenerator[str | None, None]:
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
    except RedisError as error:  # a subscription raises redis-py's own errors
        raise unavailable(error) or error from error
    finally:
        await pubsub.aclose()  # type: ignore[no-untyped-call]  # redis-py's has no types
