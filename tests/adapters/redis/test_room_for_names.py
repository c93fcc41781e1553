"""Each script can grow: Lua takes 200 names in one function, and says so only once a script is sent."""

from __future__ import annotations

from redis.asyncio import Redis
from redis.exceptions import ResponseError

from broker.adapters.redis.scripts import source
from tests.adapters.redis.test_scripts import SCRIPT_NAMES

ROOM = 40


async def test_every_script_has_room_for_more_names(redis_url: str) -> None:
    more = f"local {', '.join(f'more_{number}' for number in range(ROOM))}\n"
    full: dict[str, str] = {}
    async with Redis.from_url(redis_url) as redis:
        for name in sorted(SCRIPT_NAMES):
            try:
                await redis.script_load(more + source(name))
            except ResponseError as error:
                full[name] = str(error)
    assert full == {}
