"""A workspace's own redaction rules in Redis."""

from __future__ import annotations

from collections.abc import Sequence

import orjson

from broker.adapters.redis import keys
from broker.adapters.redis.client import TextRedis
from broker.domain.ids import WorkspaceId


class RedisRedactionRules:
    """Implements `RedactionRules`."""

    def __init__(self, redis: TextRedis) -> None:
        self._redis = redis

    async def redaction_rules(self, workspace: WorkspaceId) -> list[tuple[str, str]]:
        """Names and expressions, in order."""
        text = await self._redis.get(keys.key(workspace, "redaction"))
        return [(name, pattern) for name, pattern in orjson.loads(text)] if text else []

    async def set_redaction_rules(self, workspace: WorkspaceId, rules: Sequence[tuple[str, str]]) -> None:
        """Replace them."""
        await self._redis.set(keys.key(workspace, "redaction"), orjson.dumps(list(rules)))
