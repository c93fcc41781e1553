"""What each token may still ask, in one number that forgets itself."""

from __future__ import annotations

from broker.adapters.redis.scripts import Scripts
from broker.domain.ids import TokenId, WorkspaceId
from broker.services.ports import Taken


class RedisAllowances:
    """Implements `Allowances`."""

    def __init__(self, scripts: Scripts) -> None:
        self._scripts = scripts

    async def take(self, workspace: WorkspaceId, token: TokenId, points: int, *, per_s: int, burst: int) -> Taken:
        """Take that many points, or nothing."""
        wait_ms, left, whole_ms = await self._scripts.run(
            "take_points", workspace, token=token, points=points, per_s=per_s, burst=burst
        )
        return Taken(wait_s=wait_ms / 1000, left=left, whole_s=whole_ms / 1000)
