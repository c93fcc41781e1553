"""Reports of a link are applied each once and in order, also by a store that has just lost its scripts."""

import asyncio
from contextlib import aclosing
from pathlib import Path

from broker.adapters.embedded import embedded_redis
from broker.adapters.trigger_search import automaton
from broker.app import Adapters, build_adapters
from broker.domain.ids import AgentId, LinkId, MessageId, SessionId, WorkspaceId
from broker.domain.logs.redaction import Redactor
from broker.protocol.proxy import Handed, Hello, SpoolOverflowed
from broker.services.ports import NumberedFact

_WORKSPACE, _SESSION, _LINK = WorkspaceId("w"), SessionId("s"), LinkId("l")
_HELLO = Hello(version="0", machine_id="m", name="desk", boot_id="b", spool_id="spool")
_HANDED = Handed(agent=AgentId("nobody"), generation=1, message_id=MessageId("m"))


async def _apply(adapters: Adapters, fence: int, *facts: NumberedFact) -> None:
    await adapters.links.apply(
        _WORKSPACE, _LINK, facts, fence=fence, spool="spool", redactor=Redactor(search=automaton)
    )


async def test_a_report_whose_script_the_store_did_not_know_is_not_skipped(tmp_path: Path) -> None:
    async with asyncio.timeout(30), embedded_redis(tmp_path) as url:
        adapters = build_adapters(url)
        async with aclosing(adapters.redis):
            await adapters.registry.create_session(_WORKSPACE, _SESSION, name="main", epoch="e")
            attached = await adapters.links.attach(_WORKSPACE, _LINK, _HELLO, session=_SESSION, epoch="e")
            await _apply(adapters, attached.fence, NumberedFact(seq=1, fact=_HANDED))

            unknown = NumberedFact(seq=2, fact=SpoolOverflowed(dropped_frames=7))
            await _apply(adapters, attached.fence, unknown, NumberedFact(seq=3, fact=_HANDED))

            page = await adapters.log.read(_WORKSPACE, _SESSION, after=None, limit=100)
    assert sum('"log.overflow"' in event for event in page.events) == 1
