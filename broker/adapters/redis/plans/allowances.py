"""What each token may still ask, in one number that forgets itself."""

from __future__ import annotations

from broker.adapters.redis.scripts import Scripts
from broker.domain.ids import TokenId, WorkspaceId


class RedisAllowances:
    """Implements `Allowances`."""

    def __init__(self, scripts: Scripts) -> None:
        self._scripts = scripts

    async def take(self, workspace: WorkspaceId, token: TokenId, points: int, *, per_s: int, burst: int) -> float:
        """Take that many points, or nothing: the seconds until they are there, 0 when they were taken."""
        wait_ms = await self._scripts.run(
            "take_points", workspace, token=token, points=points, per_s=per_s, burst=burst
        )
        return float(wait_ms) / 1000
