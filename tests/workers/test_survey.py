"""What a worker finds of the whole installation, for alerts."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

import pytest

from broker.app import Adapters, build_adapters, build_survey
from broker.domain.errors import Unavailable
from broker.domain.ids import WorkspaceId
from broker.domain.operations.status import BrokerProcess, ProcessKind
from broker.domain.plans.plans import Plan
from tests.fixtures.desk import Desk, open_desk
from tests.fixtures.redis_servers import Server, data_server
from tests.fixtures.samples import sample


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    async with data_server(tmp_path) as started:
        yield started


@pytest.fixture
async def own(server: Server) -> AsyncIterator[Adapters]:
    """A store of the test's own: what is surveyed is all that is there."""
    adapters = build_adapters(server.url)
    async with aclosing(adapters.redis):
        yield adapters


async def workspace_of(adapters: Adapters, name: str) -> Desk:
    workspace = WorkspaceId(name)
    await adapters.workspaces.create(workspace, name=name, plan=Plan.TEAM)
    return await open_desk(adapters, workspace)


async def test_what_waits_in_all_workspaces_is_added_up(own: Adapters) -> None:
    for name in ("one", "two"):
        desk = await workspace_of(own, name)
        await desk.idle("Bob")
        await desk.send("Bob")
        await desk.send("Bob")
    await own.processes.beat(
        BrokerProcess(id="p", kind=ProcessKind.WORKER, version="1", host="h", pid=1, started_at_ms=1)
    )
    await build_survey(own, None).survey()
    assert sample("relaycast_waiting", what="messages") == 4
    assert sample("relaycast_workspaces") == 2
    assert sample("relaycast_agents", state="working") == 2
    assert sample("relaycast_processes", kind="worker") == 1
    assert sample("relaycast_processes", kind="gateway") == 0
    assert sample("relaycast_versions") == 1
    assert sample("relaycast_store_ready", store="redis") == 1
    assert sample("relaycast_store_ready", store="logs") == 1


async def test_a_store_without_room_is_not_ready_as_status_says(own: Adapters, server: Server) -> None:
    await workspace_of(own, "one")
    await server.ask("CONFIG", "SET", "maxmemory", 1)
    await build_survey(own, None).survey()
    assert sample("relaycast_store_ready", store="redis") == 0
    assert sample("relaycast_store_full_ratio", store="redis") >= 1


async def test_a_store_that_is_away_is_not_ready(own: Adapters, server: Server) -> None:
    await workspace_of(own, "one")
    survey = build_survey(own, None)
    await survey.survey()
    assert sample("relaycast_store_ready", store="redis") == 1
    await server.kill()
    with pytest.raises(Unavailable):
        await survey.survey()
    assert sample("relaycast_store_ready", store="redis") == 0
