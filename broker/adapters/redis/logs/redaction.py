"""A workspace's own redaction rules in Redis."""

from __future__ import annotations

from collections.abc import Sequence

import orjson

from broker.adapters.redis import keys
from broker.adapters.redis.client import TextRedis
from broker.adapters.redis.scripts import Scripts
from broker.domain.ids import WorkspaceId


class RedisRedactionRules:
    """Implements `RedactionRules`."""

    def __init__(self, redis: TextRedis, scripts: Scripts) -> None:
        self._redis = redis
        self._scripts = scripts

    async def redaction_rules(self, workspace: WorkspaceId) -> list[tuple[str, str]]:
        """Names and expressions, in order."""
        text = await self._redis.get(keys.key(workspace, "redaction"))
        return [(name, pattern) for name, pattern in orjson.loads(text)] if text else []

    async def set_redaction_rules(self, workspace: WorkspaceId, rules: Sequence[tuple[str, str]]) -> None:
        """Replace them."""
        await self._scripts.run("set_redaction", workspace, rules=orjson.dumps(list(rules)))
