import asyncio
from collections.abc import Iterator

import pytest

from broker.adapters.clickhouse.client import embedded_clickhouse
from broker.adapters.clickhouse.store import ClickHouseLogStore
from broker.app import Adapters
from broker.domain.ids import WorkspaceId
from tests.fixtures.desk import Desk, open_desk
from tests.fixtures.log_store import open_log_store


@pytest.fixture
async def desk(adapters: Adapters, workspace: WorkspaceId) -> Desk:
    return await open_desk(adapters, workspace)


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClickHouseLogStore]:
    """A log store for one file; every test works in a workspace of its own."""
    with asyncio.Runner() as runner:
        opened = embedded_clickhouse(tmp_path_factory.mktemp("logs"))
        clickhouse = runner.run(opened.__aenter__())
        try:
            yield runner.run(open_log_store(clickhouse))
        finally:
            runner.run(opened.__aexit__(None, None, None))
