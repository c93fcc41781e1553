"""What the connections to the store promise beyond redis-py's own."""

import asyncio

from broker.adapters.redis.client import open_redis

_MOST_STEPS = 40
"""Of the event loop, more than a command takes."""


async def test_a_command_is_cancelled_at_whichever_step_the_word_comes(redis_url: str) -> None:
    redis = open_redis(redis_url)
    await redis.ping()
    for steps in range(_MOST_STEPS):
        command = asyncio.create_task(redis.ping())
        for _ in range(steps):
            await asyncio.sleep(0)
        if command.cancel():
            await asyncio.wait([command], timeout=10)
            assert command.cancelled(), f"after {steps} steps it went on"
        assert await redis.ping()
    await redis.aclose()
