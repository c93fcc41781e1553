"""What can be taken once: a key whose value the first who asks gets, and nobody else."""

from __future__ import annotations

import secrets

from broker.adapters.redis.client import TextRedis

_TAKEN = "taken by "


async def take_once(redis: TextRedis, key: str) -> str | None:
    """The value of a key, and its end.

    The taker puts its own mark in the value's place, and so knows itself when a command of it was carried out twice.
    """
    mark = _TAKEN + secrets.token_hex(8)
    kept = await redis.get(key)
    if not kept or kept.startswith(_TAKEN):
        return None
    if await redis.set(key, mark, xx=True, keepttl=True, get=True) not in {kept, mark}:
        return None
    await redis.delete(key)
    return kept
