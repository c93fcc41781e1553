"""Neighbouring frames are applied by one script: each once, in order, wherever a repeated batch begins."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

import orjson
import pytest

from broker.adapters.embedded import embedded_redis
from broker.adapters.trigger_search import automaton
from broker.app import Adapters, build_adapters
from broker.domain.errors import Conflict
from broker.domain.ids import AgentId, LinkId, ProxyId, SessionId, WorkspaceId
from broker.domain.logs.redaction import Redactor
from broker.domain.plans.plans import Plan
from broker.protocol.proxy import FrameRecorded, Hello
from broker.services.ports import NewAgent, NumberedFact

_WORKSPACE, _SESSION, _LINK, _AGENT = WorkspaceId("w"), SessionId("s"), LinkId("l"), AgentId("a")
_HELLO = Hello(version="0", machine_id="m", name="desk", boot_id="b", spool_id="spool")


class _Log:
    """One agent's frames, as they are reported and as the log has them."""

    def __init__(self, adapters: Adapters, fence: int) -> None:
        self._adapters = adapters
        self._fence = fence

    async def report(self, *numbers: int, generation: int = 1, frame_id: str = "") -> None:
        facts = [NumberedFact(seq=n, fact=_frame(n, generation), frame_id=frame_id) for n in numbers]
        await self._adapters.links.apply(
            _WORKSPACE, _LINK, facts, fence=self._fence, spool="spool", redactor=Redactor(search=automaton)
        )

    async def frames(self) -> list[int]:
        page = await self._adapters.log.read(_WORKSPACE, _SESSION, after=None, limit=1000)
        events = [orjson.loads(event) for event in page.events]
        assert [event["offset"] for event in events] == list(range(1, len(events) + 1))
        return [event["data"]["raw"] for event in events if event["kind"] == "agent.frame"]


def _frame(number: int, generation: int) -> FrameRecorded:
    return FrameRecorded(agent=_AGENT, generation=generation, direction="out", frame_type="assistant", raw=number)


@asynccontextmanager
async def _log(folder: Path) -> AsyncIterator[_Log]:
    async with asyncio.timeout(30), embedded_redis(folder) as url:
        adapters = build_adapters(url)
        async with aclosing(adapters.redis):
            await adapters.registry.create_session(_WORKSPACE, _SESSION, name="main", epoch="e")
            attached = await adapters.links.attach(_WORKSPACE, _LINK, _HELLO, session=_SESSION, epoch="e")
            await adapters.mailroom.spawn(_WORKSPACE, _AGENT_ORDER, plan=Plan.TEAM)
            yield _Log(adapters, attached.fence)


_AGENT_ORDER = NewAgent(
    id=_AGENT,
    session=_SESSION,
    digest="d",
    name="Worker",
    cli="claude",
    proxy=ProxyId(_LINK),
    cwd=None,
    model=None,
    instructions="",
    spawner_id=None,
    spawner_name="operator",
    task=None,
)


async def test_a_run_of_frames_is_logged_in_order(tmp_path: Path) -> None:
    async with _log(tmp_path) as log:
        await log.report(*range(1, 251))
        assert await log.frames() == list(range(1, 251))


async def test_a_batch_that_begins_with_known_frames_adds_only_the_new_ones(tmp_path: Path) -> None:
    async with _log(tmp_path) as log:
        await log.report(1, 2, 3)
        await log.report(2, 3, 4, 5)
        await log.report(1, 2)
        assert await log.frames() == [1, 2, 3, 4, 5]


async def test_frames_behind_a_gap_are_refused(tmp_path: Path) -> None:
    async with _log(tmp_path) as log:
        await log.report(1)
        with pytest.raises(Conflict):
            await log.report(3, 4)
        await log.report(2, 3, 4)
        assert await log.frames() == [1, 2, 3, 4]


async def test_a_frame_whose_own_id_is_known_is_logged_once(tmp_path: Path) -> None:
    async with _log(tmp_path) as log:
        await log.report(1, frame_id="f")
        await log.report(2, frame_id="f")
        await log.report(3, frame_id="g")
        assert await log.frames() == [1, 3]


async def test_frames_of_an_older_process_are_logged_and_those_of_one_to_come_are_not(tmp_path: Path) -> None:
    async with _log(tmp_path) as log:
        await log.report(1, 2, generation=0)
        await log.report(3, generation=2)
        await log.report(4)
        assert await log.frames() == [1, 2, 4]
