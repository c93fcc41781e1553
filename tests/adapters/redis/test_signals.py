"""What scripts publish is read as typed items, once for all that listen."""

import pytest

from broker.adapters.redis.signals import RedisSignals, read_link_news
from broker.domain.ids import SessionId, WorkspaceId
from broker.services.ports import CommandPut, Happened, LinkNews, OwnerRemoved, Silent, TakenOver
from tests.services.live.test_hub import LossyBus


@pytest.mark.parametrize(
    ("text", "news"),
    [
        ('7:{"type":"probe","agent":"a:b"}', CommandPut(7, '{"type":"probe","agent":"a:b"}')),
        ("!fence:12", TakenOver(12)),
        ("!kick", Silent()),
        ("!orphaned", OwnerRemoved()),
    ],
)
def test_what_is_published_for_a_link_is_read(text: str, news: LinkNews) -> None:
    assert read_link_news(text) == news


async def test_those_who_follow_a_workspace_share_what_they_are_told() -> None:
    bus = LossyBus()
    signals = RedisSignals(bus)
    told: list[Happened | None] = []
    for _ in range(2):
        await signals.activity(WorkspaceId("w"), told.append)
    bus.say('s1 {"kind":"agent.ready"}')
    bus.say(None)
    assert told[0] == Happened(SessionId("s1"), '{"kind":"agent.ready"}')
    assert told[0] is told[1]
    assert told[2:] == [None, None]
