"""What an operator is told while a store is in trouble."""

from contextlib import aclosing
from pathlib import Path

from broker.app import build_adapters
from broker.domain.ids import WorkspaceId
from broker.domain.plans.plans import Plan
from broker.services.logs.health import LogHealth
from broker.services.operations.status import StatusReport
from tests.fixtures.desk import a_person
from tests.fixtures.redis_servers import data_server

W = WorkspaceId("w")


async def test_a_store_that_can_be_read_and_takes_no_writes_is_a_problem_with_its_reason(tmp_path: Path) -> None:
    async with data_server(tmp_path) as store:
        adapters = build_adapters(store.url)
        async with aclosing(adapters.redis):
            await adapters.workspaces.create(W, name="w", plan=Plan.TEAM)
            report = StatusReport(
                adapters.processes,
                adapters.pressure,
                adapters.registry,
                None,
                log_health=LogHealth(None),
                version="1",
            )
            assert (await report.get(a_person(W))).stores[0].state == "ready"
            await store.ask("CONFIG", "SET", "maxmemory", 1)
            found = await report.get(a_person(W))
    redis, logs = found.stores
    assert "no memory left" in redis.state
    assert logs.state == "not kept"
    assert f"redis: {redis.state}" in found.problems
