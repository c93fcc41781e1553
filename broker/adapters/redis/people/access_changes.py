"""Changes of access as messages of pub/sub.

One is JSON: `root`, the workspace's, and lists of `tokens`, `families`, `members` and `agents`, where there are any, or
`everybody`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from pydantic import BaseModel, ValidationError

from broker.adapters.redis import keys
from broker.adapters.redis.bus import RedisBus
from broker.adapters.redis.standing import Standing
from broker.domain.ids import AgentId, FamilyId, MemberId, TokenId
from broker.domain.people.access_changes import AccessChange


class _Said(BaseModel):
    root: str
    tokens: frozenset[TokenId] = frozenset()
    families: frozenset[FamilyId] = frozenset()
    members: frozenset[MemberId] = frozenset()
    agents: frozenset[AgentId] = frozenset()
    everybody: bool = False


class RedisAccessChanges:
    """Implements `AccessChanges`."""

    def __init__(self, bus: RedisBus, standing: Standing) -> None:
        """`standing`: notices changes that this process was not told of."""
        self._bus = bus
        self._standing = standing

    async def follow(self, on_change: Callable[[AccessChange | None], None]) -> Callable[[], Awaitable[None]]:
        """Call back with each, and with None whenever some may have been lost. Returns how to stop."""
        stop = await self._bus.listen(keys.ACCESS_CHANNEL, lambda text: on_change(_change(text)))
        stop_noticing = self._standing.follow(on_change)

        async def stop_both() -> None:
            stop_noticing()
            await stop()

        return stop_both


def _change(text: str | None) -> AccessChange | None:
    """What was said; what cannot be read, from another version, may be about anybody."""
    if text is None:
        return None
    try:
        said = _Said.model_validate_json(text)
    except ValidationError:
        return None
    return AccessChange(
        workspace=keys.workspace_of(said.root),
        tokens=said.tokens,
        families=said.families,
        members=said.members,
        agents=said.agents,
        everybody=said.everybody,
    )
