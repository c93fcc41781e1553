"""One pub/sub connection for the whole process; messages fan out in memory.

`run` alone touches the connection: redis-py has no lock there, and two tasks that open it again at the same time break
it. `listen` and its `stop` only change what is wanted and wake `run` up. Whatever ends a connection, `run` opens
another, subscribes to all that is wanted, and goes on.

Pub/sub may lose messages: each confirmation of a subscription but the first is passed on as None ("you may have missed
some"), and listeners read their stream again. A connection can be deaf without an error, so the bus speaks to itself
now and then; one that does not hear itself is given up.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, cast

from redis.asyncio.client import PubSub
from redis.asyncio.connection import AbstractConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from broker.adapters.redis import keys
from broker.adapters.redis.client import TextRedis, store_away
from broker.domain.errors import Unavailable
from broker.task_scope import task_scope
from broker.telemetry import BUS_BREAKS

_log = logging.getLogger(__name__)
_RETRY_S = 0.5
_CONFIRM_S = 5.0
"""For a subscription to be confirmed; a server that answers does so within milliseconds."""
_CHECK_S = 10.0
"""Between two words to ourselves: how long deafness can stay unnoticed."""
_HEAR_S = 5.0
"""For such a word to arrive."""
_POLL_S = 30.0
_ONCE = Retry(NoBackoff(), 0, supported_errors=())
"""redis-py opens a broken connection again in the middle of whatever noticed it; we make a new one."""
_Listener = Callable[[str | None], None]


class _Deaf(Unavailable):
    def __init__(self) -> None:
        super().__init__("what is published does not arrive; try again", retry_after_s=1)


@dataclass(slots=True)
class _Channel:
    listeners: list[_Listener] = field(default_factory=list)
    waiting: list[asyncio.Future[None]] = field(default_factory=list)
    """For the first confirmation."""
    confirmed: bool = False


class RedisBus:
    """Pub/sub over one connection, see `RedisSignals`. `run` must be running for messages to arrive."""

    def __init__(
        self,
        redis: TextRedis,
        *,
        open_pubsub: Callable[[], PubSub] | None = None,
        confirm_s: float = _CONFIRM_S,
        check_s: float = _CHECK_S,
        hear_s: float = _HEAR_S,
    ) -> None:
        """`open_pubsub` begins each connection anew, on the server that is the right one by then."""
        self._redis = redis
        self._open = open_pubsub or redis.pubsub
        self._confirm_s = confirm_s
        self._check_s = check_s
        self._hear_s = hear_s
        self._channels: dict[str, _Channel] = {}
        self._changed = asyncio.Event()
        self._is_heard = True
        """Whether the present connection has brought anything: what fails again and again is said once."""
        self._own_channel = keys.bus_channel(secrets.token_hex(8))
        self._words: dict[str, asyncio.Future[None]] = {}
        """What we have said to ourselves and not heard yet."""
        self._channels[self._own_channel] = _Channel([self._hear_ourselves])

    async def listen(self, channel: str, on_message: _Listener) -> Callable[[], Awaitable[None]]:
        """Call back with each message, and with None whenever some may have been lost. Returns how to stop.

        When this returns, the subscription is confirmed: what is published from now on arrives. Raises `Unavailable`.
        """
        found = self._channels.setdefault(channel, _Channel())
        found.listeners.append(on_message)

        async def stop() -> None:
            with contextlib.suppress(ValueError):
                found.listeners.remove(on_message)
            if not found.listeners and self._channels.get(channel) is found:
                del self._channels[channel]
                self._changed.set()

        try:
            if not found.confirmed:
                await self._confirmation(found)
        except BaseException:
            await stop()
            raise
        return stop

    async def _confirmation(self, channel: _Channel) -> None:
        confirmed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        channel.waiting.append(confirmed)
        self._changed.set()
        try:
            async with asyncio.timeout(self._confirm_s):
                await confirmed
        except TimeoutError as error:
            raise store_away(error) from error

    async def check(self) -> None:
        """Say something to ourselves and hear it. Raises `Unavailable` when that takes too long."""
        own = self._channels[self._own_channel]
        if not own.confirmed:
            await self._confirmation(own)
        word = secrets.token_hex(8)
        heard = self._words[word] = asyncio.get_running_loop().create_future()
        try:
            await self._redis.publish(self._own_channel, word)
            async with asyncio.timeout(self._hear_s):
                await heard
        except TimeoutError as error:
            raise _Deaf from error
        finally:
            del self._words[word]

    def _hear_ourselves(self, word: str | None) -> None:
        heard = self._words.get(word or "")
        if heard is not None and not heard.done():
            heard.set_result(None)

    async def run(self) -> None:
        """Receive until cancelled, on one connection after the other."""
        while True:
            await self._live()
            BUS_BREAKS.inc()
            self._is_heard = False
            await asyncio.sleep(_RETRY_S)

    async def _live(self) -> None:
        """Receive on one connection until it breaks."""
        try:
            async with self._connection() as pubsub, task_scope() as tasks:
                tasks.create_task(self._receive(pubsub))
                tasks.create_task(self._notice_deafness())
        except (RedisError, OSError, Unavailable) as error:
            _log.log(logging.WARNING if self._is_heard else logging.DEBUG, "pub/sub: %r", error)
        except Exception:  # the top of a task: without it this process would hear nothing any more
            _log.exception("pub/sub: unforeseen error; going on")

    @contextlib.asynccontextmanager
    async def _connection(self) -> AsyncIterator[PubSub]:
        """Subscribed to what we say ourselves, so that there is always one."""
        pubsub = self._open()
        try:
            await pubsub.subscribe(self._own_channel)
            # redis-py's types know it only as it is before the first command.
            with _not_opened_again(cast(AbstractConnection, pubsub.connection)):
                yield pubsub
        finally:
            self._refuse_waiting()
            # What is broken may not close in good order either.
            with contextlib.suppress(RedisError, OSError, RuntimeError):
                await pubsub.aclose()  # type: ignore[no-untyped-call]  # redis-py's has no types

    def _refuse_waiting(self) -> None:
        for channel in self._channels.values():
            for each in channel.waiting:
                if not each.done():
                    each.set_exception(store_away(ConnectionError("pub/sub")))
            channel.waiting.clear()

    async def _receive(self, pubsub: PubSub) -> None:
        subscribed = {self._own_channel: self._channels[self._own_channel]}
        while True:
            self._changed.clear()
            wanted = dict(self._channels)
            # Not only by name: one that was left and wanted again meanwhile waits for a confirmation of its own.
            if new := [name for name, channel in wanted.items() if subscribed.get(name) is not channel]:
                await pubsub.subscribe(*new)
            if over := [name for name in subscribed if name not in wanted]:
                await pubsub.unsubscribe(*over)
            subscribed = wanted
            await self._hand_out_until_changed(pubsub)

    async def _hand_out_until_changed(self, pubsub: PubSub) -> None:
        """A read that is cancelled loses nothing: what has arrived stays with the connection."""
        handing_out = asyncio.create_task(self._hand_out_all(pubsub))
        changed = asyncio.create_task(self._changed.wait())
        try:
            await asyncio.wait({handing_out, changed}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            handing_out.cancel()
            changed.cancel()
            ended, _ = await asyncio.gather(handing_out, changed, return_exceptions=True)
        if isinstance(ended, Exception):
            raise ended

    async def _hand_out_all(self, pubsub: PubSub) -> None:
        while True:
            message = await pubsub.get_message(timeout=_POLL_S)
            if message is not None:
                self._hand_out(message)

    def _hand_out(self, message: dict[str, Any]) -> None:
        self._is_heard = True
        channel = self._channels.get(message["channel"])
        if channel is None:
            return
        if message["type"] == "message":
            _tell(channel, message["data"])
        elif message["type"] == "subscribe":
            if channel.confirmed:
                _tell(channel, None)
            channel.confirmed = True
            for each in channel.waiting:
                if not each.done():
                    each.set_result(None)
            channel.waiting.clear()

    async def _notice_deafness(self) -> None:
        while True:
            await asyncio.sleep(self._check_s)
            try:
                await self.check()
            except _Deaf:
                raise
            except Unavailable:  # nothing was said; a server that is gone is noticed by who receives
                continue


@contextlib.contextmanager
def _not_opened_again(connection: AbstractConnection) -> Iterator[None]:
    retry = connection.retry
    connection.retry = _ONCE
    try:
        yield
    finally:
        connection.retry = retry  # it goes back to the pool


def _tell(channel: _Channel, message: str | None) -> None:
    for listener in list(channel.listeners):
        try:
            listener(message)
        except Exception:  # what is called here is another's; it must not make the others deaf
            _log.exception("a listener failed")
