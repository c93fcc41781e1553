"""Peers that go away in the middle of something leave nothing behind."""

from __future__ import annotations

import asyncio
import random

from tests.fixtures.gateway import Gateway
from tests.fixtures.live_graphql import live

_ROUNDS, _PEERS = 25, 8
_LONGEST_S = 0.03
_OPERATIONS = (
    "subscription { agents { __typename } }",
    "subscription { approvals { __typename } }",
    "subscription { activity { __typename } }",
    "subscription { usage { used } }",
    'subscription ($session: ID!) { sessionEvents(session: $session, after: "0") { __typename } }',
    "{ viewer { permissions } }",
)


async def test_operations_end_with_their_peer_however_far_they_had_come(gateway: Gateway) -> None:
    session = (await gateway.ok("POST", "/v1/sessions", {"name": "main"}))["id"]
    dice = random.Random(1)

    async def comes_and_goes() -> None:
        async with live(gateway) as peer:
            for _ in range(dice.randint(1, len(_OPERATIONS))):
                await peer.subscribe(dice.choice(_OPERATIONS), session=session)
            await asyncio.sleep(dice.random() * _LONGEST_S)
            if dice.random() < 0.3:
                await peer.send(id="1", type="complete")
            if dice.random() < 0.6:
                peer.socket.transport.abort()

    for _ in range(_ROUNDS):
        await asyncio.gather(*(comes_and_goes() for _ in range(_PEERS)))
    async with asyncio.timeout(5):
        while left := operations():
            await asyncio.sleep(0.01)
    assert not left


def operations() -> list[str]:
    """What the gateway, which runs in this loop, is still at for its peers."""
    names = [getattr(task.get_coro(), "__qualname__", "") for task in asyncio.all_tasks()]
    return [name for name in names if name.startswith(("RunningOperation.", "WebSocketProtocol."))]
