"""Whose store it is, under one key."""

from __future__ import annotations

import orjson
from pydantic import TypeAdapter

from broker.adapters.redis import keys
from broker.adapters.redis.client import TextRedis
from broker.domain.operations.installation import Installation

_INSTALLATION: TypeAdapter[Installation] = TypeAdapter(Installation)


class RedisInstallation:
    """Implements `InstallationRecords`."""

    def __init__(self, redis: TextRedis) -> None:
        self._redis = redis

    async def current(self) -> Installation | None:
        """Whose it is; None for a store that no `up` has used since it is written down."""
        text = await self._redis.get(keys.INSTALLATION)
        return _INSTALLATION.validate_json(text) if text else None

    async def claim(self, mine: Installation) -> Installation:
        """Write it down unless there is one; what is there then."""
        found = await self._redis.set(keys.INSTALLATION, orjson.dumps(mine), nx=True, get=True)
        return _INSTALLATION.validate_json(found) if isinstance(found, str) else mine
