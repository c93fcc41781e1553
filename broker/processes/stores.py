"""The two stores of a process: the embedded ones, or those that it was given."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import AsyncIterator

from broker.adapters.clickhouse.client import clickhouse_server
from broker.adapters.clickhouse.opening import embedded_log_store, open_in_time
from broker.adapters.embedded import embedded_redis
from broker.adapters.redis.connecting.opening import open_redis
from broker.adapters.redis.trouble import NOT_AS_GIVEN
from broker.domain.errors import RelayError, Unavailable
from broker.services.ports import LogStore
from broker.settings import Settings

_log = logging.getLogger(__name__)


def require_shared(settings: Settings) -> str:
    """The URL of the Redis that processes share. Raises `RelayError` (`NO_REDIS`)."""
    if settings.redis_url is None:
        raise RelayError(
            "a gateway or worker of its own needs a shared Redis: give --redis or RELAYCAST_REDIS_URL", code="NO_REDIS"
        )
    return settings.redis_url


async def require_store(url: str) -> None:
    """Raises `BadStoreUrl`, and `Unavailable` for a store that is not what the URL says; another trouble may pass."""
    redis = open_redis(url)
    try:
        await redis.require_writable()
    except Unavailable as error:
        if error.details.get("reason") in NOT_AS_GIVEN:
            raise
        _log.warning("%s", error.message)
    finally:
        await redis.aclose()


@contextlib.asynccontextmanager
async def redis_of(settings: Settings) -> AsyncIterator[str]:
    """The URL of the Redis that was given, else of one that runs for the block. Raises as `require_store`."""
    if settings.redis_url is not None:
        await require_store(settings.redis_url)
        yield settings.redis_url
        return
    async with embedded_redis(settings.data_dir / "redis") as url:
        yield url


@contextlib.asynccontextmanager
async def log_store_of(settings: Settings, *, embedded: bool) -> AsyncIterator[LogStore | None]:
    """The log store: a server by URL, else the engine in this process, which one process alone can have."""
    if not settings.keep_logs or (settings.clickhouse_url is None and not embedded):
        yield None
        return
    if settings.clickhouse_url:
        async with clickhouse_server(settings.clickhouse_url) as clickhouse, open_in_time(clickhouse) as store:
            yield store
    else:
        async with embedded_log_store(settings.log_folder) as store:
            yield store
