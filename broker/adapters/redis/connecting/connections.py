"""How every connection to Redis behaves, whatever it leads to."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, TypeVar

from redis.asyncio.connection import AbstractConnection
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialWithJitterBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError
from typing_extensions import override

from broker.adapters.redis.connecting.addresses import StoreAddress

_T = TypeVar("_T")
MAX_CONNECTIONS = 32
HEALTH_CHECK_S = 15
SOCKET_TIMEOUT_S = 10
"""No command of ours blocks; one that takes longer means that the server is away."""
PROBE_MS = 10_000


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
