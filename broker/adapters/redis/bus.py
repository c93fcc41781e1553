"""One pub/sub connection for the whole process; messages fan out in memory.

Pub/sub may lose messages, and redis-py says so only by a second `subscribe` confirmation. So each confirmation but the
first is passed on as None ("you may have missed some"), and listeners read their stream again.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable

from redis.asyncio.client import PubSub
from redis.exceptions import RedisError

from broker.adapters.redis.client import TextRedis, store_away

_log = logging.getLogger(__name__)
_RETRY_S = 0.5
_Listener = Callable[[str | None], None]


class RedisBus:
    """Implements `Bus`. `run` must be running for messages to arrive."""

    def __init__(self, redis: TextRedis) -> None:
        self._redis = redis
        self._pubsub: PubSub = redis.pubsub()
        self._listeners: dict[str, list[_Listener]] = defaultdict(list)
        self._confirmed: dict[str, asyncio.Future[None]] = {}
        self._has_channels = asyncio.Event()

    async def listen(self, channel: str, on_message: _Listener) -> Callable[[], Awaitable[None]]:
        """Call back with each message, and with None whenever some may have been lost. Returns how to stop.

        When this returns, the subscription is confirmed: what is published from now on arrives. Raises `Unavailable`.
        """
        self._listeners[channel].append(on_message)

        async def stop() -> None:
            self._listeners[channel].remove(on_message)
            if not self._listeners[channel]:
                del self._listeners[channel]
                self._confirmed.pop(channel, None)
                with contextlib.suppress(RedisError, OSError):
                    await self._pubsub.unsubscribe(channel)

        try:
            await self._until_confirmed(channel)
        except BaseException:
            await stop()
            raise
        return stop

    async def _until_confirmed(self, channel: str) -> None:
        confirmed = self._confirmed.get(channel)
        if confirmed is None:
            confirmed = self._confirmed[channel] = asyncio.get_running_loop().create_future()
        if not confirmed.done():  # also when another is about to: that one may be cancelled
            try:
                await self._pubsub.subscribe(channel)
            except (RedisError, OSError) as error:
                raise store_away(error) from error
            self._has_channels.set()
            await asyncio.shield(confirmed)

    async def run(self) -> None:
        """Receive until cancelled; a lost connection is opened again and subscribed again by redis-py."""
        try:
            while True:
                await self._has_channels.wait()
                await self._receive()
        finally:
            await self._pubsub.aclose()  # type: ignore[no-untyped-call]  # redis-py's has no types

    async def _receive(self) -> None:
        try:
            message = await self._pubsub.get_message(timeout=30.0)
        except (RedisError, OSError) as error:
            _log.warning("pub/sub connection lost: %s", type(error).__name__)
            await asyncio.sleep(_RETRY_S)
            return
        if message is None:
            if not self._pubsub.subscribed:
                self._has_channels.clear()
            return
        self._hand_out(message)

    def _hand_out(self, message: dict[str, str]) -> None:
        channel = message["channel"]
        if message["type"] == "message":
            for listener in list(self._listeners.get(channel, ())):
                listener(message["data"])
        elif message["type"] == "subscribe":
            confirmed = self._confirmed.get(channel)
            if confirmed is None or confirmed.done():
                for listener in list(self._listeners.get(channel, ())):
                    listener(None)
            else:
                confirmed.set_result(None)
